package sun.security.ssl;

import java.io.IOException;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.ref.ReferenceQueue;
import java.lang.ref.WeakReference;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * What the JVM adapter adds to the JVM's own TLS (JSSE), and what the points in rules/ call: the bytes that a connection
 * carries, in clear, on their way between the program and the layer of records, which is the same below sockets (SSLSocket) and
 * engines (SSLEngine). tls.c gives them to the agent, which knows a connection by a number.
 *
 * A connection is found by the two objects that read and write its records, by identity and weakly: nothing of JSSE's is
 * changed. Those whose handshake was over before are not known.
 *
 * Nothing of ours is held, and no native method runs, while JSSE works. Nothing here throws what the program would not have
 * thrown; where something of ours fails the bytes go as they are. In this package because JSSE's classes are seen nowhere else:
 * what a version of it does not have is a LinkageError here.
 */
final class RemoraTls {
	private static final ConcurrentHashMap<Object, Held> SESSIONS = new ConcurrentHashMap<>();
	private static final ReferenceQueue<Object> GONE = new ReferenceQueue<>();
	private static final byte APPLICATION_DATA = 23;
	private static final int PIECE_MAX = 16384; /* of tls.c; a record */
	private static final int ROOM = 96;         /* for a line more in a request that is read */

	/* tls.c. 0: the connection is not to be looked at. */
	private static native long open(boolean server, byte[] random, byte[] protocol);

	/** Is it possible that something else is sent than the program's bytes? */
	private static native boolean edits(boolean server);

	/**
	 * Tells of `n` bytes that were read, behind which there is `room`. Returns their new number twice, and 1 more if they are
	 * other ones now; below 0, as does `sent`: the connection is not to be looked at any more.
	 */
	private static native int received(long name, byte[] bytes, int at, int n, int room);

	private static native int sent(long name, byte[] bytes, int at, int n);

	/** What is to be sent in place of them; null: these. */
	private static native byte[] compose(long name, byte[] bytes, int at, int n);

	private static native void ended(long name, boolean sent, boolean broken);

	private static native void leave(long name);

	private static native void close(long name);

	/* ---- connections ---- */

	/** One connection. Set: a thread is writing to it. */
	private static final class Session extends AtomicBoolean {
		private static final long serialVersionUID = 1;
		final long name;
		final boolean edits; /* what is sent may be changed */
		final WeakReference<TransportContext> context;
		volatile boolean over; /* nothing is to be seen of it any more ... */
		boolean closed;        /* ... and the agent was told so */
		boolean inputEnded, outputEnded;
		Flight flight;
		int skip; /* bytes that the program will come with again, and that were sent */

		Session(TransportContext context, long name, boolean edits) {
			this.context = new WeakReference<>(context);
			this.name = name;
			this.edits = edits;
		}

		/** The program's bytes go as they are. */
		boolean isDone() {
			return over && flight == null && skip == 0;
		}
	}

	/** What a connection is found by. */
	private static final class Held extends WeakReference<Object> {
		final int hash;
		final Session session;

		Held(Object record, Session session) {
			super(record, GONE);
			this.hash = System.identityHashCode(record);
			this.session = session;
		}

		@Override
		public int hashCode() {
			return hash;
		}

		@Override
		public boolean equals(Object o) {
			return o == this || o instanceof Search && ((Search) o).record == get();
		}
	}

	private static final class Search {
		final Object record;

		Search(Object record) {
			this.record = record;
		}

		@Override
		public int hashCode() {
			return System.identityHashCode(record);
		}

		@Override
		public boolean equals(Object o) {
			return o instanceof Held && ((Held) o).get() == record;
		}
	}

	private static Session find(Object record) {
		if (SESSIONS.isEmpty())
			return null;
		Held held = SESSIONS.get(new Search(record));
		return held == null || held.session.isDone() ? null : held.session;
	}

	private static void hold(Object record, Session session) {
		Held held = new Held(record, session);
		SESSIONS.put(held, held);
	}

	private static void forget(Session session) {
		session.over = true;
		if (session.closed)
			return;
		session.closed = true;
		TransportContext context = session.context.get();
		if (context != null && session.isDone()) {
			SESSIONS.remove(new Search(context.inputRecord));
			SESSIONS.remove(new Search(context.outputRecord));
		}
		close(session.name);
	}

	private static void forgetGone() {
		for (Object gone = GONE.poll(); gone != null; gone = GONE.poll()) {
			SESSIONS.remove(gone);
			forget(((Held) gone).session);
		}
	}

	/** Its bytes came in an order that nobody knows, or not at all. */
	private static void leaveAlone(Session session) {
		leave(session.name);
		forget(session);
	}

	/** A handshake ends. */
	static void finished(TransportContext context) {
		try {
			HandshakeContext handshake = context.handshakeContext;
			forgetGone();
			if (handshake == null || handshake.clientHelloRandom == null || context.sslContext.isDTLS() ||
			    find(context.inputRecord) != null)
				return;
			String protocol = context.applicationProtocol;
			boolean server = !context.sslConfig.isClientMode;
			long name = open(server, handshake.clientHelloRandom.randomBytes,
					 protocol == null ? null : protocol.getBytes(StandardCharsets.ISO_8859_1));
			if (name == 0)
				return;
			Session session = new Session(context, name, edits(server));
			hold(context.inputRecord, session);
			hold(context.outputRecord, session);
		} catch (RuntimeException | LinkageError | VirtualMachineError e) {
			/* it is not looked at */
		}
	}

	/** The connection breaks. */
	static void broken(TransportContext context) {
		try {
			Session session = find(context.inputRecord);
			if (session == null || session.over)
				return;
			ended(session.name, false, true);
			ended(session.name, true, true);
			forget(session);
		} catch (RuntimeException | LinkageError | VirtualMachineError e) {
			/* it ends when it is collected */
		}
	}

	private static void endWith(Session session) {
		if (session.inputEnded && session.outputEnded)
			forget(session);
	}

	/** Nothing more is read: the peer said so, or closed the connection, or the program does. */
	static void closes(InputRecord record) {
		try {
			Session session = find(record);
			if (session == null || session.over || session.inputEnded)
				return;
			session.inputEnded = true;
			TransportContext context = session.context.get();
			if (context != null && context.isInputCloseNotified)
				ended(session.name, false, false);
			endWith(session);
		} catch (RuntimeException | LinkageError | VirtualMachineError e) {
			/* as above */
		}
	}

	static void closes(OutputRecord record) {
		try {
			Session session = find(record);
			if (session == null || session.over || session.outputEnded)
				return;
			session.outputEnded = true;
			ended(session.name, true, false);
			endWith(session);
		} catch (RuntimeException | LinkageError | VirtualMachineError e) {
			/* as above */
		}
	}

	/* ---- buffers ---- */

	private static int[] positions(ByteBuffer[] buffers, int first, int count) {
		int[] ret = new int[count];
		for (int i = 0; i < count; i++)
			ret[i] = buffers[first + i].position();
		return ret;
	}

	private static int remaining(ByteBuffer[] buffers, int first, int count) {
		long ret = 0;
		for (int i = first; i < first + count; i++)
			ret += buffers[i].remaining();
		return (int) Math.min(ret, Integer.MAX_VALUE);
	}

	/** Copies what is between the old positions and those of now. */
	private static byte[] passed(ByteBuffer[] buffers, int first, int[] from, int room) {
		int n = room;
		for (int i = 0; i < from.length; i++)
			n += buffers[first + i].position() - from[i];
		byte[] ret = new byte[n];
		n = 0;
		for (int i = 0; i < from.length; i++) {
			ByteBuffer one = buffers[first + i].duplicate();
			one.flip().position(from[i]);
			int part = one.remaining();
			one.get(ret, n, part);
			n += part;
		}
		return ret;
	}

	/** Copies what comes next, as much as there is room for. */
	private static int peek(ByteBuffer[] buffers, int first, int count, byte[] ret) {
		int n = 0;
		for (int i = first; i < first + count && n < ret.length; i++) {
			ByteBuffer one = buffers[i].duplicate();
			int part = Math.min(one.remaining(), ret.length - n);
			one.get(ret, n, part);
			n += part;
		}
		return n;
	}

	/** Steps over as many bytes as there are, at most `n`. Returns how many. */
	private static int step(ByteBuffer[] buffers, int first, int count, int n) {
		int left = n;
		for (int i = first; i < first + count && left > 0; i++) {
			int part = Math.min(buffers[i].remaining(), left);
			buffers[i].position(buffers[i].position() + part);
			left -= part;
		}
		return n - left;
	}

	/* ---- bytes in ---- */

	/** As SSLTransport.decode, which reads a record. */
	@RemoraHidden
	@RemoraHiddenBefore15
	static Plaintext decode(TransportContext context, ByteBuffer[] srcs, int srcsOffset, int srcsLength, ByteBuffer[] dsts,
				int dstsOffset, int dstsLength) throws IOException {
		if (dsts == null || dstsLength == 0)
			return SSLTransport.decode(context, srcs, srcsOffset, srcsLength, dsts, dstsOffset, dstsLength);
		int[] from = dstsLength == 1 ? null : positions(dsts, dstsOffset, dstsLength);
		int start = dsts[dstsOffset].position();
		Plaintext ret = SSLTransport.decode(context, srcs, srcsOffset, srcsLength, dsts, dstsOffset, dstsLength);
		if (ret.contentType == APPLICATION_DATA)
			read(context.inputRecord, dsts, dstsOffset, dstsLength, start, from);
		return ret;
	}

	private static void read(InputRecord record, ByteBuffer[] dsts, int first, int count, int start, int[] from) {
		try {
			Session session = find(record);
			if (session == null || session.over)
				return;
			int told = from == null && dsts[first].hasArray() ? readArray(session, dsts[first], start)
				: readCopy(session, dsts, first, count, from == null ? new int[] { start } : from);
			if (told < 0)
				forget(session);
		} catch (RuntimeException | LinkageError | VirtualMachineError e) {
			/* as it was read */
		}
	}

	private static int readArray(Session session, ByteBuffer dst, int start) {
		int n = dst.position() - start;
		if (n <= 0)
			return 0;
		int told = received(session.name, dst.array(), dst.arrayOffset() + start, n, dst.remaining());
		if (told > 0)
			dst.position(start + (told >> 1));
		return told;
	}

	private static int readCopy(Session session, ByteBuffer[] dsts, int first, int count, int[] from) {
		int room = Math.min(remaining(dsts, first, count), ROOM);
		byte[] bytes = passed(dsts, first, from, room);
		if (bytes.length == room)
			return 0;
		int told = received(session.name, bytes, 0, bytes.length - room, room);
		if (told < 0 || (told & 1) == 0)
			return told;
		int n = told >> 1, at = 0;
		for (int i = 0; i < from.length; i++) {
			dsts[first + i].position(from[i]);
			int part = Math.min(dsts[first + i].remaining(), n - at);
			dsts[first + i].put(bytes, at, part);
			at += part;
		}
		return told;
	}

	/** As ByteBuffer.allocate(n), for a record. */
	static ByteBuffer allocate(int n) {
		return ByteBuffer.allocate(n + ROOM);
	}

	/* ---- bytes out, of sockets: all of them, or the connection is broken ---- */

	/** What is sent in place of a piece; null: itself. */
	private static byte[] change(Session session, byte[] bytes, int at, int n) {
		try {
			return session.over ? null : compose(session.name, bytes, at, n);
		} catch (RuntimeException | LinkageError | VirtualMachineError e) {
			session.over = true;
			return null;
		}
	}

	/** As record.deliver(bytes, at, n). */
	@RemoraHidden
	@RemoraHiddenBefore15
	static void deliver(OutputRecord record, byte[] bytes, int at, int n) throws IOException {
		Session session = toWrite(record);
		if (session == null) {
			record.deliver(bytes, at, n);
			return;
		}
		try {
			deliver(session, record, bytes, at, n);
		} finally {
			session.set(false);
		}
	}

	private static Session toWrite(OutputRecord record) {
		try {
			Session session = find(record);
			if (session == null || session.over)
				return null;
			if (!session.getAndSet(true))
				return session;
			leaveAlone(session); /* two threads write at once: nobody knows the order */
		} catch (RuntimeException | LinkageError | VirtualMachineError e) {
			/* as it is */
		}
		return null;
	}

	@RemoraHidden
	@RemoraHiddenBefore15
	private static void deliver(Session session, OutputRecord record, byte[] bytes, int at, int n) throws IOException {
		int from = at, end = at + n;
		for (int part; at < end; at += part) {
			part = Math.min(PIECE_MAX, end - at);
			byte[] made = change(session, bytes, at, part);
			if (made == null)
				continue;
			if (at > from)
				record.deliver(bytes, from, at - from);
			record.deliver(made, 0, made.length);
			from = at + part;
		}
		if (end > from)
			record.deliver(bytes, from, end - from);
	}

	/* ---- bytes out, of engines: as many as a record takes ---- */

	/**
	 * Bytes that go in place of the next ones of the program, as long as not all of them are in records. Of those in front of
	 * whatever was changed each one counts when it is in a record; the others when all are.
	 */
	private static final class Flight {
		final byte[] own;       /* the program's */
		int told;               /* as many of them the program knows to be sent ... */
		final int sure;         /* ... of so many each by itself */
		final ByteBuffer[] out = new ByteBuffer[1];

		Flight(byte[] own, byte[] made) {
			this.own = own;
			this.out[0] = ByteBuffer.wrap(made == null ? own : made);
			this.sure = made == null || made.length == own.length ? own.length : alike(own, made);
		}

		private static int alike(byte[] a, byte[] b) {
			int n = 0;
			while (n < a.length && n < b.length && a[n] == b[n])
				n++;
			return n;
		}

		/** Something that the program does not know of is in a record. */
		boolean mustGoOn() {
			return out[0].position() > told;
		}

		/** How many more of the program's bytes are sent. */
		int taken() {
			int now = out[0].hasRemaining() ? Math.max(told, Math.min(out[0].position(), sure)) : own.length;
			int more = now - told;
			told = now;
			return more;
		}

		/** Does the program come with the same bytes again? */
		boolean goesOnWith(ByteBuffer[] srcs, int first, int count) {
			byte[] next = new byte[own.length - told];
			int n = peek(srcs, first, count, next);
			for (int i = 0; i < n; i++)
				if (next[i] != own[told + i])
					return false;
			return true;
		}
	}

	private static Flight take(Session session, ByteBuffer[] srcs, int first, int count) {
		int n = Math.min(remaining(srcs, first, count), PIECE_MAX);
		if (n == 0)
			return null;
		byte[] own = new byte[n];
		peek(srcs, first, count, own);
		return new Flight(own, change(session, own, 0, n));
	}

	/** What a record is made of next; null: the program's bytes as they are. */
	private static Flight next(Session session, ByteBuffer[] srcs, int first, int count) {
		try {
			Flight flight = session.flight;
			if (flight != null && !flight.mustGoOn() && !flight.goesOnWith(srcs, first, count)) {
				session.flight = null;
				leaveAlone(session);
				return null;
			}
			if (flight == null && !session.over)
				session.flight = take(session, srcs, first, count);
		} catch (RuntimeException | LinkageError | VirtualMachineError e) {
			session.over = true;
		}
		return session.flight;
	}

	/** As record.encode(...), which writes a record. */
	@RemoraHidden
	@RemoraHiddenBefore15
	static Ciphertext encode(OutputRecord record, ByteBuffer[] srcs, int srcsOffset, int srcsLength, ByteBuffer[] dsts,
				 int dstsOffset, int dstsLength) throws IOException {
		Session session = srcs == null ? null : findToEncode(record);
		if (session == null)
			return record.encode(srcs, srcsOffset, srcsLength, dsts, dstsOffset, dstsLength);
		if (!session.edits)
			return look(session, record, srcs, srcsOffset, srcsLength, dsts, dstsOffset, dstsLength);
		session.skip -= step(srcs, srcsOffset, srcsLength, session.skip);
		Flight flight = next(session, srcs, srcsOffset, srcsLength);
		if (flight == null)
			return record.encode(srcs, srcsOffset, srcsLength, dsts, dstsOffset, dstsLength);
		Ciphertext ret = record.encode(flight.out, 0, 1, dsts, dstsOffset, dstsLength);
		int taken = flight.taken();
		session.skip += taken - step(srcs, srcsOffset, srcsLength, taken);
		if (!flight.out[0].hasRemaining())
			session.flight = null;
		return ret;
	}

	private static Session findToEncode(OutputRecord record) {
		try {
			return find(record);
		} catch (RuntimeException | LinkageError | VirtualMachineError e) {
			return null;
		}
	}

	@RemoraHidden
	@RemoraHiddenBefore15
	private static Ciphertext look(Session session, OutputRecord record, ByteBuffer[] srcs, int srcsOffset, int srcsLength,
				       ByteBuffer[] dsts, int dstsOffset, int dstsLength) throws IOException {
		int[] from = positions(srcs, srcsOffset, srcsLength);
		Ciphertext ret = record.encode(srcs, srcsOffset, srcsLength, dsts, dstsOffset, dstsLength);
		wrote(session, srcs, srcsOffset, from);
		return ret;
	}

	private static void wrote(Session session, ByteBuffer[] srcs, int first, int[] from) {
		try {
			for (int i = 0; i < from.length && !session.over; i++) {
				ByteBuffer src = srcs[first + i];
				int n = src.position() - from[i], told = 0;
				if (n > 0 && src.hasArray())
					told = sent(session.name, src.array(), src.arrayOffset() + from[i], n);
				else if (n > 0)
					told = sent(session.name, passed(srcs, first + i, new int[] { from[i] }, 0), 0, n);
				if (told < 0)
					forget(session);
			}
		} catch (RuntimeException | LinkageError | VirtualMachineError e) {
			session.over = true;
		}
	}

	private RemoraTls() {
	}
}

/* See Remora.java. */
@Retention(RetentionPolicy.RUNTIME)
@interface RemoraHidden {
}

@Retention(RetentionPolicy.RUNTIME)
@interface RemoraHiddenBefore15 {
}
