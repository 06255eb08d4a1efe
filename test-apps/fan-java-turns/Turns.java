import java.util.ArrayDeque;
import java.util.function.Consumer;

/*
 * Requests that wait for each other: who comes lets the one go on that waits longest, in the thread of its own request. For programs
 * on libraries that have timers of their own.
 */
final class Turns {
	static final int PATIENCE_MS = 20;
	private static final int AT_ONCE = 3;

	private final ArrayDeque<Runnable> waiting = new ArrayDeque<>();
	private final Consumer<Runnable> later;

	/* `later` runs something after PATIENCE_MS: then one that waits goes on even if no other comes. */
	Turns(Consumer<Runnable> later) {
		this.later = later;
	}

	private void let(int others) {
		Runnable next;
		synchronized (waiting) {
			next = waiting.size() > others ? waiting.poll() : null;
		}
		if (next != null)
			next.run();
	}

	void await(Runnable go) {
		synchronized (waiting) {
			waiting.add(go);
		}
		later.accept(() -> let(0));
		let(AT_ONCE);
	}
}
