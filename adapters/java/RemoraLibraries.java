package java.util.concurrent;

/** What points in libraries call: Vert.x, Kotlin's coroutines, Netty, Ktor. See Remora, by whose name they are called. */
class RemoraLibraries {
	/* Kinds of requests, of kinds.h. */
	private static final int ENTER_NETTY = 4, ENTER_TEXT = 7, SEND_KTOR = 6;

	/* ---- Vert.x ---- */

	/** As member, of what others may run in: once it is not known for whom that is, it is for nobody. */
	public static void dispatch(Object context) {
		Remora.member(context);
		try {
			if (context != null && !RemoraVirtual.is())
				RemoraScopes.ofThread().in(RemoraTasks.held(context));
		} catch (RuntimeException | VirtualMachineError e) {
			/* as it began */
		}
	}

	/** The method calls those who listen. */
	public static void calls() {
		try {
			Remora.begin(Remora.now(), Remora.ENTERED);
		} catch (RuntimeException | VirtualMachineError e) {
			/* as before */
		}
	}

	/** Whoever completes a future, those who listen go on as they were when they began to. */
	public static void listens(Object listener) {
		try {
			if (listener != null)
				RemoraTasks.hold(listener, Remora.now(), RemoraTasks.CAPTURED);
		} catch (RuntimeException | VirtualMachineError e) {
			/* it belongs to whom the future does */
		}
	}

	/** It is called next. */
	public static void calling(Object listener) {
		try {
			RemoraTasks.Held held = listener == null ? null : RemoraTasks.held(listener);
			if (held == null)
				return;
			Remora.replace(RemoraTasks.take(listener));
		} catch (RuntimeException | VirtualMachineError e) {
			/* as before */
		}
	}

	/* ---- Reactor ---- */

	/** An operator is made by who subscribes to it: what it does with each value is for that one, whoever brings them. */
	public static void subscribes(Object operator) {
		try {
			long ctx = operator == null ? 0 : Remora.now();
			if (ctx != 0)
				RemoraTasks.hold(operator, ctx, RemoraTasks.OWNED);
		} catch (RuntimeException | VirtualMachineError e) {
			/* it belongs to nobody */
		}
	}

	/** What others send may reach those who subscribe here, and may be for all. */
	public static void shares() {
		try {
			Remora.begin(Remora.now(), Remora.ENTERED);
			if (RemoraVirtual.is())
				RemoraVirtual.replace(0);
			else
				RemoraScopes.ofThread().in(RemoraTasks.SHARED);
		} catch (RuntimeException | VirtualMachineError e) {
			/* as before */
		}
	}

	/** Who subscribed has been told: now the program fills it, or keeps it for others to do so. */
	public static void fills(Object source) {
		try {
			if (!RemoraVirtual.is() && RemoraScopes.ofThread().isIn(RemoraTasks.SHARED))
				RemoraScopes.ofThread().in(RemoraTasks.FILLED);
		} catch (RuntimeException | VirtualMachineError e) {
			/* as before */
		}
	}

	/** An operator is told of where its values come from; if another one tells it, it belongs to nobody. */
	public static void subscribed(Object operator) {
		try {
			RemoraTasks.Held held = operator == null ? null : RemoraTasks.held(operator);
			if (held == null)
				return;
			if (held.ctx != Remora.now())
				held.ctx = 0;
			held.shared = !RemoraVirtual.is() && RemoraScopes.ofThread().isIn(RemoraTasks.SHARED);
		} catch (RuntimeException | VirtualMachineError e) {
			/* as before */
		}
	}

	private static boolean isOwn(RemoraTasks.Held held) {
		return !held.shared || !RemoraVirtual.is() && held.ctx == Remora.now() && RemoraScopes.ofThread().isWithin(RemoraTasks.FILLED);
	}

	/** It goes on: for who subscribed to it. If others may have sent that, it belongs to nobody. */
	public static void goesOn(Object operator) {
		long ctx = 0;
		try {
			RemoraTasks.Held held = operator == null ? null : RemoraTasks.held(operator);
			ctx = held != null && isOwn(held) ? held.ctx : 0;
		} catch (RuntimeException | VirtualMachineError e) {
			/* nobody's */
		}
		Remora.begin(ctx, ctx == 0 ? Remora.QUIET : Remora.HANDED_OVER);
	}

	/* ---- coroutines of Kotlin ---- */

	/** A continuation is made by what waits, or starts a coroutine: it is that one's, whoever resumes it. */
	public static void own(Object continuation) {
		try {
			if (continuation != null)
				RemoraTasks.hold(continuation, Remora.now(), RemoraTasks.OWNED);
		} catch (RuntimeException | VirtualMachineError e) {
			/* it belongs to nobody */
		}
	}

	/** The same of one that is used again. */
	public static void ownAgain(Object continuation) {
		try {
			RemoraTasks.Held held = continuation == null ? null : RemoraTasks.held(continuation);
			if (held != null)
				held.ctx = Remora.now();
		} catch (RuntimeException | VirtualMachineError e) {
			/* as before */
		}
	}

	/** It is waited with, or resumed, by whom it belongs to: else it belongs to nobody. */
	public static void agrees(Object continuation) {
		try {
			RemoraTasks.Held held = continuation == null ? null : RemoraTasks.held(continuation);
			if (held != null && held.ctx != 0 && held.ctx != Remora.now())
				held.ctx = 0;
		} catch (RuntimeException | VirtualMachineError e) {
			/* as before */
		}
	}

	/** For whom the coroutine works that asks for what others send nobody knows. */
	public static void asks() {
		try {
			Remora.replace(0);
		} catch (RuntimeException | VirtualMachineError e) {
			/* as before */
		}
	}

	/** It goes on in the thread that resumes it, or is given to others. */
	public static void resumes(Object continuation) {
		RemoraTasks.Held held = null;
		try {
			held = continuation == null ? null : RemoraTasks.held(continuation);
		} catch (RuntimeException | VirtualMachineError e) {
			/* as before */
		}
		if (held == null)
			calls();
		else
			Remora.begin(held.ctx, held.ctx == 0 ? Remora.QUIET : Remora.HANDED_OVER);
	}

	/* ---- Netty ---- */

	/** A message was read: the thread is at this request until it is done with the event. */
	public static void read(Object message) {
		try {
			if (RemoraHeads.isRequest(message)) {
				long ctx = Remora.contextOf(message, ENTER_NETTY);
				Remora.replace(ctx);
			}
		} catch (RuntimeException | VirtualMachineError e) {
			/* nobody's */
		}
	}

	/** A message is to be written, perhaps later, in another thread. */
	public static void write(Object message) {
		try {
			if (!RemoraHeads.isRequest(message))
				return;
			long ctx = Remora.now();
			Object fields = ctx == 0 ? null : Remora.fieldsOf(message);
			if (fields != null)
				RemoraTasks.hold(fields, ctx, RemoraTasks.CLAIMED);
		} catch (RuntimeException | VirtualMachineError e) {
			/* without a header */
		}
	}

	/** It was written: its headers are in the buffer. */
	public static void wrote(Object fields, Object buffer) {
		try {
			long ctx = fields == null ? 0 : RemoraTasks.take(fields);
			String text = ctx == 0 ? null : Remora.text(ctx);
			if (text != null)
				Remora.putHeader(fields, buffer, text);
		} catch (RuntimeException | VirtualMachineError e) {
			/* without it */
		}
	}

	/* ---- Ktor's CIO ---- */

	/** A request's head is begun. */
	public static void head(Object builder) {
		try {
			long ctx = Remora.now();
			if (ctx != 0 && builder != null)
				RemoraTasks.hold(builder, ctx, RemoraTasks.CAPTURED);
		} catch (RuntimeException | VirtualMachineError e) {
			/* without a header */
		}
	}

	/** It gets a line. */
	public static void line(Object builder, CharSequence name, CharSequence value) {
		try {
			RemoraTasks.Held held = builder == null ? null : RemoraTasks.held(builder);
			if (held != null && !RemoraHeads.grows(held, name, value))
				RemoraTasks.take(builder);
		} catch (RuntimeException | VirtualMachineError e) {
			/* as it is */
		}
	}

	/** It ends: ours is the last line. */
	public static void headEnds(Object builder) {
		try {
			long ctx = RemoraTasks.take(builder);
			String text = ctx == 0 ? null : Remora.text(ctx);
			if (text != null)
				Remora.setHeader(builder, text, SEND_KTOR);
		} catch (RuntimeException | VirtualMachineError e) {
			/* without it */
		}
	}

	/* ---- Netty's buffers ---- */

	private static final int ROOM_MIN = 512;

	/** How large a buffer for what is read next is to be. */
	public static int roomy(int bytes) {
		return bytes < ROOM_MIN ? ROOM_MIN : bytes;
	}

	private static final int TEXT_BYTES = 55; /* RM_CTX_TEXT_BYTES */

	/** Of HTTP/2: 1, if it is a header of ours, which has its own value in each request: it goes into no table. */
	public static int apart(Object name, Object value) {
		try {
			if (((CharSequence) name).length() == 11 && ((CharSequence) value).length() == TEXT_BYTES &&
			    name.toString().equals("traceparent") && Remora.contextOf(value.toString(), ENTER_TEXT) != 0)
				return 1;
		} catch (RuntimeException | VirtualMachineError e) {
			/* as the program has it */
		}
		return 0;
	}
}
