import java.lang.reflect.Field;
import java.net.HttpURLConnection;
import java.net.URI;

/**
 * Main PORT [crash]: makes a request, uses null 20,000 times and says how often it was told, and stops threads in loops, at their
 * safepoints; then crashes if asked.
 */
public class Main {
	static class Box {
		int value;
	}

	static void request(String port) throws Exception {
		var connection = (HttpURLConnection) URI.create("http://127.0.0.1:" + port + "/hello").toURL().openConnection();
		connection.getInputStream().readAllBytes();
	}

	static int use(Box box) {
		return box.value;
	}

	static volatile boolean stop;

	static void stopLoops() throws Exception {
		Thread[] loops = new Thread[2];
		long[] turns = new long[loops.length];

		for (int i = 0; i < loops.length; i++) {
			int which = i;

			loops[i] = new Thread(() -> {
				for (long n = 0; !stop; n++)
					turns[which] += n * 31;
			});
			loops[i].start();
		}
		for (int i = 0; i < 20; i++) {
			System.gc();
			Thread.getAllStackTraces();
		}
		stop = true;
		for (Thread loop : loops)
			loop.join();
		System.out.println("the loops were stopped");
	}

	static int deep(int n) {
		return deep(n + 1) + n;
	}

	public static void main(String[] arguments) throws Exception {
		int told = 0;

		request(arguments[0]);
		for (int i = 0; i < 20000; i++) {
			try {
				use(i % 2 == 0 ? null : new Box());
			} catch (NullPointerException e) {
				told++;
			}
		}
		System.out.println("null was used " + told + " times");
		try {
			deep(0);
		} catch (StackOverflowError e) {
			System.out.println("the stack was too small");
		}
		stopLoops();
		request(arguments[0]);
		if (arguments.length > 1) {
			Field field = Class.forName("sun.misc.Unsafe").getDeclaredField("theUnsafe");
			field.setAccessible(true);
			((sun.misc.Unsafe) field.get(null)).putAddress(8, 1);
		}
	}
}
