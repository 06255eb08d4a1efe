import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** Main URL COUNT...: fetches it once, by Upgrade, then COUNT times at once, for each COUNT, over the same connection. */
public class Main {
	public static void main(String[] args) throws Exception {
		HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_2).build();
		HttpRequest request = HttpRequest.newBuilder(URI.create(args[0])).build();

		System.out.print(client.send(request, BodyHandlers.ofString()).body());
		for (int i = 1; i < args.length; i++) {
			List<CompletableFuture<String>> answers = new ArrayList<>();

			for (int left = Integer.parseInt(args[i]); left > 0; left--)
				answers.add(client.sendAsync(request, BodyHandlers.ofString()).thenApply(a -> a.body()));
			for (CompletableFuture<String> answer : answers)
				System.out.print(answer.get());
		}
	}
}
