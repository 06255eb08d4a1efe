package java.util.concurrent;

import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.ref.ReferenceQueue;
import java.lang.ref.WeakReference;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;
import sun.net.www.MessageHeader;

/**
 * What the JVM adapter adds to the classes of java.base, and what the points in rules.c call. A context
 * is a number (rm_ctx), 0 for none. Platform threads have theirs in the agent; virtual ones, and those that
 * will be started, find it in a variable that they inherit.
 *
 * A task that is handed over stays the program's own object, in its queue and in its hands: which request
 * it belongs to is remembered beside it, by identity and weakly, from the time it is handed over to the
 * time it runs. One that is handed over for two requests at once belongs to none.
 *
 * Nothing here throws what the program would not have thrown, and no frame of it is in a stack trace. In this
 * package for the sake of ForkJoinTask.exec and CompletableFuture.Completion, which it calls. No lambdas
 * or strings that are put together: they would load classes. generate.py compiles it into classes.h.
 */
public final class Remora {
	private static final ConcurrentHashMap<Object, Held> HELD = new ConcurrentHashMap<>();
	private static final ReferenceQueue<Object> GONE = new ReferenceQueue<>();
	private static final InheritableThreadLocal<Long> LOCAL = new InheritableThreadLocal<>();
	private static final Merge MERGE = new Merge();
	private static final Class<?> VIRTUAL = find("java.lang.VirtualThread");
	private static final Class<?> CARRIER = find("jdk.internal.misc.CarrierThread");
	private static final long NOBODY = -1;

	/* Of attach: as it was before; what was handed over, and is nobody's without a context; a request. */
	private static final int BACK = 0, HANDED_OVER = 1, ENTERED = 2;

	private static volatile ForkJoinPool carriers;

	/* natives.c */
	private static native long attach(long ctx, int how);

	private static native long current();

	private static native String text(long ctx);

	private static native long contextOf(Object request, int kind);

	private static native Object firstTask(Object worker);

	private static native Map<?, ?> headersOf(Object request, int kind);

	private static native void setHeader(Object request, String text, int kind);

	private static Class<?> find(String name) {
		try {
			return Class.forName(name, false, null);
		} catch (ClassNotFoundException e) {
			return null;
		}
	}

	/** A task that was handed over, key and value of the same entry. */
	private static final class Held extends WeakReference<Object> {
		final int hash;
		long ctx;
		int turns = 1;

		Held(Object task, long ctx) {
			super(task, GONE);
			this.hash = System.identityHashCode(task);
			this.ctx = ctx;
		}

		@Override
		public int hashCode() {
			return hash;
		}

		@Override
		public boolean equals(Object o) {
			return o == this || o instanceof Held && get() != null && get() == ((Held) o).get();
		}

		void again(long ctx) {
			turns++;
			if (this.ctx != ctx)
				this.ctx = 0;
		}
	}

	private static final class Merge implements BiFunction<Held, Held, Held> {
		@Override
		public Held apply(Held old, Held late) {
			old.again(late.ctx);
			return old;
		}
	}

	/** Looks for a task: takes one turn of it, or makes it nobody's. */
	private static final class Search implements BiFunction<Object, Held, Held> {
		final Object task;
		final boolean take;
		long found;

		Search(Object task, boolean take) {
			this.task = task;
			this.take = take;
		}

		@Override
		public int hashCode() {
			return System.identityHashCode(task);
		}

		@Override
		public boolean equals(Object o) {
			return o instanceof Held && ((Held) o).get() == task;
		}

		@Override
		public Held apply(Object key, Held held) {
			if (!take) {
				held.again(0);
				return held;
			}
			found = held.ctx;
			return --held.turns == 0 ? null : held;
		}

		long look() {
			HELD.computeIfPresent(this, this);
			return found;
		}
	}

	/** What a thread of its own is made for. */
	private static final class Carried implements Runnable {
		final Runnable task;
		final long ctx;

		Carried(Runnable task, long ctx) {
			this.task = task;
			this.ctx = ctx;
		}

		@RemoraHidden
		@RemoraHiddenBefore15
		@Override
		public void run() {
			set(ctx, HANDED_OVER);
			task.run();
		}
	}

	/* ---- the context of the running thread ---- */

	private static boolean isVirtual() {
		return VIRTUAL != null && Thread.currentThread().getClass() == VIRTUAL;
	}

	private static long now() {
		if (!isVirtual())
			return current();
		Long local = LOCAL.get();
		return local == null ? 0 : local;
	}

	private static void setLocal(long ctx) {
		if (ctx == 0 || ctx == NOBODY)
			LOCAL.remove();
		else
			LOCAL.set(ctx);
	}

	/** Returns what was before. */
	private static long set(long ctx, int how) {
		if (isVirtual()) {
			Long was = LOCAL.get();
			setLocal(ctx);
			return was == null ? 0 : was;
		}
		long was = attach(ctx, how);
		if (VIRTUAL != null && (was != 0 || ctx != 0))
			setLocal(ctx);
		return was;
	}

	/* ---- work that is handed over ---- */

	private static void forgetGone() {
		for (Object gone = GONE.poll(); gone != null; gone = GONE.poll())
			HELD.remove(gone);
	}

	/** It runs later, for the request that is served here. */
	public static void capture(Object task) {
		try {
			if (task == null)
				return;
			long ctx = now();
			if (ctx != 0) {
				forgetGone();
				Held held = new Held(task, ctx);
				HELD.merge(held, held, MERGE);
			} else if (!HELD.isEmpty()) {
				new Search(task, false).look();
			}
		} catch (RuntimeException | VirtualMachineError e) {
			/* it belongs to nobody */
		}
	}

	/** The first of several, which runs at once while the others are forked. */
	public static void capture(Object[] tasks) {
		if (tasks != null && tasks.length > 0)
			capture(tasks[0]);
	}

	public static void capture(Collection<?> tasks) {
		if (tasks instanceof java.util.ArrayList && !tasks.isEmpty())
			capture(((List<?>) tasks).get(0));
	}

	/** The same, unless the pool is what virtual threads run on: they have their own. */
	public static void capture(ForkJoinPool pool, Object task) {
		try {
			if (VIRTUAL != null) {
				if (pool == carriers)
					return;
				if (pool.getFactory().getClass().getName().startsWith("java.lang.VirtualThread")) {
					carriers = pool;
					return;
				}
			}
		} catch (RuntimeException | VirtualMachineError e) {
			return;
		}
		capture(task);
	}

	/** For a thread that does nothing else, and that nobody gets to see. */
	public static Runnable carry(Runnable task) {
		try {
			long ctx = task == null ? 0 : now();
			return ctx == 0 ? task : new Carried(task, ctx);
		} catch (RuntimeException | VirtualMachineError e) {
			return task;
		}
	}

	private static long begin(Object task) {
		try {
			return set(HELD.isEmpty() ? 0 : new Search(task, true).look(), HANDED_OVER);
		} catch (RuntimeException | VirtualMachineError e) {
			return 0;
		}
	}

	private static void end(long was) {
		try {
			set(was, BACK);
		} catch (RuntimeException | VirtualMachineError e) {
			/* dead when its request is */
		}
	}

	/** A thread of a pool is done with what it did. */
	public static void leave() {
		end(0);
	}

	/** What a thread of a pool got out of its queue. */
	public static Runnable adopt(Object task) {
		if (task != null && !HELD.isEmpty())
			begin(task);
		return (Runnable) task;
	}

	/** A thread of a pool begins, with a task that comes out of no queue. */
	public static void start(Object worker) {
		try {
			if (!HELD.isEmpty())
				adopt(firstTask(worker));
		} catch (RuntimeException | VirtualMachineError e) {
			/* nobody's */
		}
	}

	/** As task.run(), of a thread that does nothing else in between. */
	@RemoraHidden
	@RemoraHiddenBefore15
	public static void run(Runnable task) {
		long ctx = peek(task);
		if (ctx == 0) {
			task.run();
			return;
		}
		long was = begin(task);
		try {
			task.run();
		} finally {
			end(was);
		}
	}

	private static long peek(Object task) {
		try {
			if (HELD.isEmpty())
				return 0;
			Held held = HELD.get(new Search(task, true));
			return held == null ? 0 : held.ctx;
		} catch (RuntimeException | VirtualMachineError e) {
			return 0;
		}
	}

	/** As task.run(), which belongs to nobody unless it was handed over. */
	@RemoraHidden
	@RemoraHiddenBefore15
	public static void job(Runnable task) {
		long was = begin(task);
		try {
			task.run();
		} finally {
			end(was);
		}
	}

	/** As task.exec(). */
	@RemoraHidden
	@RemoraHiddenBefore15
	public static boolean exec(ForkJoinTask<?> task) {
		if (CARRIER != null && Thread.currentThread().getClass() == CARRIER) {
			attach(NOBODY, BACK);
			return task.exec();
		}
		long was = begin(task);
		try {
			return task.exec();
		} finally {
			end(was);
		}
	}

	/** As stage.tryFire(mode). */
	@RemoraHidden
	@RemoraHiddenBefore15
	static CompletableFuture<?> fire(CompletableFuture.Completion stage, int mode) {
		long was = begin(stage);
		try {
			return stage.tryFire(mode);
		} finally {
			end(was);
		}
	}

	/* ---- requests ---- */

	/** The thread serves this request from now on. */
	public static void enter(Object request, int kind) {
		try {
			set(contextOf(request, kind), ENTERED);
		} catch (RuntimeException | VirtualMachineError e) {
			/* nobody's */
		}
	}

	private static String textNow() {
		long ctx = now();
		return ctx == 0 ? null : text(ctx);
	}

	/* A head that is larger, or may be, stays as it is: servers have limits. */
	private static final int FIELDS_MAX = 90, BYTES_MAX = 3500;

	private static int bytes(Object text) {
		return text instanceof String ? ((String) text).length() + 4 : 4;
	}

	/** Of a map from names to lists of values that was asked for before it is changed. */
	private static boolean hasRoom(Map<?, ?> headers) {
		int fields = 0, bytes = 0;
		for (Map.Entry<?, ?> field : headers.entrySet()) {
			for (Object value : (List<?>) field.getValue()) {
				bytes += bytes(field.getKey()) + bytes(value);
				if (++fields > FIELDS_MAX || bytes > BYTES_MAX)
					return false;
			}
		}
		return !headers.containsKey("traceparent");
	}

	/** A request goes out: it gets the header, unless it has one. */
	public static void send(Object request, int kind) {
		try {
			String text = textNow();
			if (text == null)
				return;
			Map<?, ?> headers = headersOf(request, kind);
			if (headers != null && hasRoom(headers))
				setHeader(request, text, kind);
		} catch (RuntimeException | VirtualMachineError e) {
			/* without it */
		}
	}

	/** The same for HttpURLConnection, whose first field is the request line. */
	public static void send(MessageHeader head) {
		try {
			String line = head.getKey(0), text;
			if (line == null || line.startsWith("CONNECT ") || head.findValue("traceparent") != null ||
			    (text = textNow()) == null)
				return;
			int fields = 0, bytes = 0;
			while (fields < FIELDS_MAX && head.getKey(fields) != null) {
				bytes += bytes(head.getKey(fields)) + bytes(head.getValue(fields));
				fields++;
			}
			if (fields < FIELDS_MAX && bytes < BYTES_MAX)
				head.add("traceparent", text);
		} catch (RuntimeException | VirtualMachineError e) {
			/* without it */
		}
	}

	private Remora() {
	}
}

/* In place of annotations whose names javac may not use (generate.py): of JDK 15 and later, and before. */
@Retention(RetentionPolicy.RUNTIME)
@interface RemoraHidden {
}

@Retention(RetentionPolicy.RUNTIME)
@interface RemoraHiddenBefore15 {
}
