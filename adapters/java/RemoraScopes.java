package java.util.concurrent;

/**
 * The scopes that a platform thread is in: what the agent had for it before each, and whether that was handed over. Those
 * that are deeper than MAX are nobody's.
 */
final class RemoraScopes {
	private static final int MAX = 32;
	private final long[] was = new long[MAX];
	private final boolean[] wasHandedOver = new boolean[MAX];
	private final RemoraTasks.Held[] in = new RemoraTasks.Held[MAX];
	private boolean handedOver;
	private int depth;

	/** What the agent has for the thread: nobody else tells it. */
	private long attached;

	private void attach(long ctx, boolean handed) {
		handedOver = handed;
		if (ctx != attached)
			Remora.attach(ctx, handed);
		attached = ctx;
	}

	long now() {
		return attached == 0 ? Remora.current() : attached == Remora.NOBODY ? 0 : attached;
	}

	void begin(long ctx, int how) {
		if (depth < MAX) {
			was[depth] = attached;
			wasHandedOver[depth] = handedOver;
			in[depth] = null;
		}
		if (depth >= MAX)
			attach(Remora.NOBODY, false);
		else if (ctx != 0)
			attach(ctx, how == Remora.HANDED_OVER);
		else if (attached != 0 || how != Remora.HANDED_OVER) /* a thread that works for nobody may yet read a request itself */
			attach(Remora.NOBODY, false);
		depth++;
	}

	void end() {
		if (depth == 0) /* of a scope that began before the thread was another's */
			return;
		if (--depth < MAX)
			attach(was[depth], wasHandedOver[depth]);
	}

	/** Whatever the thread is in has ended. */
	void restart(long ctx) {
		depth = 0;
		attach(ctx, ctx != 0 && ctx != Remora.NOBODY);
	}

	/** The thread waits for whatever comes next: what was handed over to it is done. */
	void await() {
		if (handedOver)
			attach(Remora.NOBODY, false);
	}

	/** The scope goes on with another context. */
	void replace(long ctx) {
		if (depth != 0 || ctx == Remora.NOBODY) /* else it would never end */
			attach(ctx, false);
	}

	/** The scope is that of an object, in which other work may run later. */
	void in(RemoraTasks.Held held) {
		if (depth > 0 && depth <= MAX)
			in[depth - 1] = held;
	}

	boolean isIn(RemoraTasks.Held held) {
		return depth > 0 && depth <= MAX && in[depth - 1] == held;
	}

	/** The same of any scope that it is in. */
	boolean isWithin(RemoraTasks.Held held) {
		for (int i = depth < MAX ? depth : MAX; i-- > 0;)
			if (in[i] == held)
				return true;
		return false;
	}

	/** For whom the thread works nobody knows, nor for whom what it leaves behind in such an object does. */
	void unknown() {
		for (int i = depth < MAX ? depth : MAX; i-- > 0;) {
			if (in[i] == null)
				continue;
			in[i].ctx = 0;
			break;
		}
		replace(Remora.NOBODY);
	}

	private static final class OfThread extends ThreadLocal<RemoraScopes> {
		@Override
		protected RemoraScopes initialValue() {
			return new RemoraScopes();
		}
	}

	private static final OfThread THREADS = new OfThread();

	static RemoraScopes ofThread() {
		return THREADS.get();
	}

	private RemoraScopes() {
	}
}
