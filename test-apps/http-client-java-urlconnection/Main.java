import java.net.URL;

/** Main URL COUNT: fetches it with HttpURLConnection. */
public class Main {
	public static void main(String[] args) throws Exception {
		for (int left = Integer.parseInt(args[1]); left > 0; left--)
			try (var in = new URL(args[0]).openConnection().getInputStream()) {
				System.out.print(new String(in.readAllBytes()));
			}
	}
}
