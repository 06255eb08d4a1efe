import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;

/** Main URL COUNT: fetches it with java.net.http. */
public class Main {
	public static void main(String[] args) throws Exception {
		HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
		HttpRequest request = HttpRequest.newBuilder(URI.create(args[0])).build();
		for (int left = Integer.parseInt(args[1]); left > 0; left--)
			System.out.print(client.send(request, BodyHandlers.ofString()).body());
	}
}
