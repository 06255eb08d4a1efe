package java.util.concurrent;

import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import sun.net.www.MessageHeader;

/**
 * What the JVM adapter adds to the classes of java.base, and what the points in rules/ call. A context
 * is a number (rm_ctx), 0 for none. Platform threads have theirs in the agent; virtual ones, and those that
 * will be started, find it in a variable that they inherit.
 *
 * A task that is handed over stays the program's own object, in its queue and in its hands: which request
 * it belongs to is remembered beside it, by identity and weakly, from the time it is handed over to the
 * time it runs. One that is handed over for two requests at once belongs to none.
 *
 * What runs for a request, or for nobody, is a scope: it ends with the method that it begins with, however that ends.
 *
 * Nothing here throws what the program would not have thrown, and no frame of it is in a stack trace. In this
 * package for the sake of ForkJoinTask.exec and CompletableFuture.Completion, which it calls. No lambdas
 * or strings that are put together: they would load classes. generate.py compiles it into classes.h.
 */
public final class Remora extends RemoraLibraries {
	private static final Class<?> CARRIER = find("jdk.internal.misc.CarrierThread");
	static final long NOBODY = -1;

	/* Why a scope begins: with work that was handed over, with a request, with what is nobody's. */
	static final int HANDED_OVER = 0, ENTERED = 1, QUIET = 2;

	private static volatile ForkJoinPool carriers;

	/* natives.c */
	static native void attach(long ctx, boolean handedOver);

	static native long current();

	static native String text(long ctx);

	static native long contextOf(Object request, int kind);

	private static native Object firstTask(Object worker);

	private static native Map<?, ?> headersOf(Object request, int kind);

	static native Object setHeader(Object request, String text, int kind);

	static native Object fieldsOf(Object message);

	static native void putHeader(Object headers, Object buffer, String text);

	static Class<?> find(String name) {
		try {
			return Class.forName(name, false, null);
		} catch (ClassNotFoundException e) {
			return null;
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
			begin(ctx, HANDED_OVER);
			task.run();
		}
	}

	/* ---- the context of the running thread ---- */

	static long now() {
		return RemoraVirtual.is() ? RemoraVirtual.now() : RemoraScopes.ofThread().now();
	}

	static void begin(long ctx, int how) {
		if (RemoraVirtual.is())
			RemoraVirtual.begin(how == QUIET ? 0 : ctx);
		else
			RemoraScopes.ofThread().begin(ctx, how);
	}

	static void replace(long ctx) {
		if (RemoraVirtual.is())
			RemoraVirtual.replace(ctx);
		else
			RemoraScopes.ofThread().replace(ctx == 0 ? NOBODY : ctx);
	}

	/** Ends the scope of a method that began one. */
	public static void end() {
		try {
			if (RemoraVirtual.is())
				RemoraVirtual.end();
			else
				RemoraScopes.ofThread().end();
		} catch (RuntimeException | VirtualMachineError e) {
			/* dead when its request is */
		}
	}

	/** A virtual thread is made here, and inherits. */
	public static void inherit() {
		try {
			if (!RemoraVirtual.is())
				RemoraVirtual.restart(RemoraScopes.ofThread().now());
		} catch (RuntimeException | VirtualMachineError e) {
			/* it inherits nothing, or what is dead */
		}
	}

	/** Work for nobody, whoever's thread it is done in. */
	public static void quiet() {
		try {
			begin(NOBODY, QUIET);
		} catch (RuntimeException | VirtualMachineError e) {
			/* as before */
		}
	}

	/** The thread waits for what it is to do next. */
	public static void awaits() {
		try {
			if (!RemoraVirtual.is())
				RemoraScopes.ofThread().await();
		} catch (RuntimeException | VirtualMachineError e) {
			/* as before */
		}
	}

	/* ---- work that is handed over ---- */

	/** The same, whoever hands it over later, in whatever thread. */
	public static void claim(Object task) {
		try {
			if (task != null)
				RemoraTasks.hold(task, now(), RemoraTasks.CLAIMED);
		} catch (RuntimeException | VirtualMachineError e) {
			/* it belongs to nobody */
		}
	}

	/** It runs later, for the request that is served here. */
	public static void capture(Object task) {
		try {
			if (task == null)
				return;
			long ctx = now();
			if (ctx != 0)
				RemoraTasks.hold(task, ctx, RemoraTasks.CAPTURED);
			else
				RemoraTasks.spoil(task);
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
			if (RemoraVirtual.areThere()) {
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

	/** Runs what was handed over. */
	public static void scope(Object task) {
		long ctx = 0;
		try {
			ctx = RemoraTasks.take(task);
		} catch (RuntimeException | VirtualMachineError e) {
			/* nobody's */
		}
		begin(ctx, HANDED_OVER);
	}

	/** The same in a thread that does nothing but what is handed over to it. */
	public static void only(Object task) {
		long ctx = 0;
		try {
			ctx = RemoraTasks.take(task);
		} catch (RuntimeException | VirtualMachineError e) {
			/* nobody's */
		}
		begin(ctx, ctx == 0 ? QUIET : HANDED_OVER);
	}

	/** What works for one request as long as it is there, in whatever threads: as who claimed it. */
	public static void member(Object of) {
		long ctx = 0;
		try {
			RemoraTasks.Held held = of == null ? null : RemoraTasks.held(of);
			ctx = held == null ? 0 : held.ctx;
		} catch (RuntimeException | VirtualMachineError e) {
			/* nobody's */
		}
		begin(ctx, ctx == 0 ? QUIET : HANDED_OVER);
	}

	/** Whatever the thread takes out of a queue in this method, behind it the thread works on as before. */
	public static void keep() {
		try {
			calls();
			if (!RemoraVirtual.is())
				RemoraScopes.ofThread().in(RemoraTasks.NOTHING);
		} catch (RuntimeException | VirtualMachineError e) {
			/* as before */
		}
	}

	/** A thread of a pool is done with what it did. */
	public static void leave() {
		try {
			if (RemoraVirtual.is())
				RemoraVirtual.restart(0);
			else
				RemoraScopes.ofThread().restart(0);
		} catch (RuntimeException | VirtualMachineError e) {
			/* dead when its request is */
		}
	}

	/** What a thread of a pool got out of its queue. */
	public static Runnable adopt(Object task) {
		try {
			if (task != null) {
				long ctx = RemoraTasks.take(task);
				if (ctx != 0 && RemoraVirtual.is())
					RemoraVirtual.restart(ctx);
				else if (ctx != 0)
					RemoraScopes.ofThread().restart(ctx);
			}
		} catch (RuntimeException | VirtualMachineError e) {
			/* nobody's */
		}
		return (Runnable) task;
	}

	/** A thread of a pool begins, with a task that comes out of no queue. */
	public static void start(Object worker) {
		try {
			if (!RemoraTasks.none())
				adopt(firstTask(worker));
		} catch (RuntimeException | VirtualMachineError e) {
			/* nobody's */
		}
	}

	/** As task.run(), of a thread that does nothing else in between. */
	@RemoraHidden
	@RemoraHiddenBefore15
	public static void run(Runnable task) {
		if (peek(task) == 0)
			task.run();
		else
			job(task);
	}

	private static long peek(Object task) {
		try {
			RemoraTasks.Held held = RemoraTasks.held(task);
			return held == null ? 0 : held.ctx;
		} catch (RuntimeException | VirtualMachineError e) {
			return 0;
		}
	}

	/** As task.run(), which belongs to nobody unless it was handed over. */
	@RemoraHidden
	@RemoraHiddenBefore15
	public static void job(Runnable task) {
		scope(task);
		try {
			task.run();
		} finally {
			end();
		}
	}

	/** The same in a thread that does nothing but what is handed over to it. */
	@RemoraHidden
	@RemoraHiddenBefore15
	public static void loop(Runnable task) {
		only(task);
		try {
			task.run();
		} finally {
			end();
		}
	}

	/** As task.exec(). */
	@RemoraHidden
	@RemoraHiddenBefore15
	public static boolean exec(ForkJoinTask<?> task) {
		if (CARRIER != null && Thread.currentThread().getClass() == CARRIER) {
			RemoraScopes.ofThread().restart(NOBODY);
			return task.exec();
		}
		scope(task);
		try {
			return task.exec();
		} finally {
			end();
		}
	}

	/** As stage.tryFire(mode). */
	@RemoraHidden
	@RemoraHiddenBefore15
	static CompletableFuture<?> fire(CompletableFuture.Completion stage, int mode) {
		scope(stage);
		try {
			return stage.tryFire(mode);
		} finally {
			end();
		}
	}

	/* ---- queues that a program has of its own ---- */

	/** Somebody takes it out of the queue. */
	public static void queue(Object item) {
		try {
			if (!RemoraTasks.isTask(item))
				return;
			long ctx = now();
			if (ctx != 0 && RemoraTasks.held(item) == null)
				RemoraTasks.hold(item, ctx, RemoraTasks.QUEUED);
		} catch (RuntimeException | VirtualMachineError e) {
			/* it belongs to nobody */
		}
	}

	/** Of whom it is not known that it is for the request that is served here: for whom the thread works now nobody knows. */
	public static void taken(Object item) {
		try {
			if (!RemoraTasks.isTask(item))
				return;
			RemoraTasks.Held held = RemoraTasks.held(item);
			long ctx = now();
			if (held != null && held.how == RemoraTasks.QUEUED)
				RemoraTasks.take(item);
			if (ctx != 0 && (held == null || held.ctx != ctx))
				unknown();
		} catch (RuntimeException | VirtualMachineError e) {
			/* as before */
		}
	}

	private static void unknown() {
		if (RemoraVirtual.is())
			RemoraVirtual.replace(0);
		else
			RemoraScopes.ofThread().unknown();
	}

	/* ---- requests ---- */

	/** The thread serves this request until the method ends; null: the coroutine that does goes on. */
	public static void enter(Object request, int kind) {
		long ctx = 0;
		try {
			ctx = request == null ? now() : contextOf(request, kind);
		} catch (RuntimeException | VirtualMachineError e) {
			/* nobody's */
		}
		begin(ctx, ENTERED);
	}

	static String textNow() {
		long ctx = now();
		return ctx == 0 ? null : text(ctx);
	}

	/** A request goes out: it gets the header, unless it has one. */
	public static void send(Object request, int kind) {
		try {
			String text = textNow();
			if (text == null)
				return;
			Map<?, ?> headers = headersOf(request, kind);
			if (headers != null && RemoraHeads.hasRoom(headers))
				setHeader(request, text, kind);
		} catch (RuntimeException | VirtualMachineError e) {
			/* without it */
		}
	}

	/** The same for one of a library. */
	public static void mark(Object request, int kind) {
		give(request, kind);
	}

	/** The same for one that cannot be changed: another one comes in its place. */
	public static Object give(Object request, int kind) {
		try {
			String text = textNow();
			return text == null ? request : setHeader(request, text, kind);
		} catch (RuntimeException | VirtualMachineError e) {
			return request;
		}
	}

	/** The same for HttpURLConnection. */
	public static void send(MessageHeader head) {
		try {
			if (RemoraHeads.takesIt(head)) {
				String text = textNow();
				if (text != null)
					head.add("traceparent", text);
			}
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
