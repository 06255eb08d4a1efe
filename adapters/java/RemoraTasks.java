package java.util.concurrent;

import java.lang.ref.ReferenceQueue;
import java.lang.ref.WeakReference;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;

/** Which request objects belong to that were handed over: see Remora. */
final class RemoraTasks {
	private static final ConcurrentHashMap<Object, Held> HELD = new ConcurrentHashMap<>();
	private static final ReferenceQueue<Object> GONE = new ReferenceQueue<>();
	private static final Merge MERGE = new Merge();

	/* How one is held: until it runs; the same, whoever hands it over later; until it leaves a queue; as long as it is there. */
	static final int CAPTURED = 0, CLAIMED = 1, QUEUED = 2, OWNED = 3;

	/** Is a class one of tasks? To ask an object for five interfaces takes twenty times as long. */
	private static final class Tasks extends ClassValue<Boolean> {
		@Override
		protected Boolean computeValue(Class<?> c) {
			return Runnable.class.isAssignableFrom(c) || Callable.class.isAssignableFrom(c) ||
				Supplier.class.isAssignableFrom(c) || Consumer.class.isAssignableFrom(c) ||
				Function.class.isAssignableFrom(c);
		}
	}

	private static final Tasks TASKS = new Tasks();

	static boolean isTask(Object o) {
		return o != null && TASKS.get(o.getClass());
	}

	/** A task that was handed over, key and value of the same entry. */
	static final class Held extends WeakReference<Object> {
		final int hash, how;
		long ctx;
		int turns = 1;
		int bytes; /* of the head that it is, as far as it is made */
		boolean shared; /* what it works on may come from others */

		Held(Object task, long ctx, int how) {
			super(task, GONE);
			this.hash = System.identityHashCode(task);
			this.ctx = ctx;
			this.how = how;
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
			if (how == CLAIMED || how == OWNED)
				return;
			turns++;
			if (this.ctx != ctx)
				this.ctx = 0;
		}
	}

	/** Holds nothing. */
	static final Held NOTHING = new Held(null, 0, CLAIMED);

	/** As that, of what many share; and while the program says, for the first time, what they get. */
	static final Held SHARED = new Held(null, 0, CLAIMED), FILLED = new Held(null, 0, CLAIMED);

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
			return held.how != OWNED && --held.turns == 0 ? null : held;
		}

		long look() {
			HELD.computeIfPresent(this, this);
			return found;
		}
	}

	private static void forgetGone() {
		for (Object gone = GONE.poll(); gone != null; gone = GONE.poll())
			HELD.remove(gone);
	}

	static boolean none() {
		return HELD.isEmpty();
	}

	/** It belongs to `ctx` until it is taken as often as it was held; to nobody if another one holds it too. */
	static void hold(Object task, long ctx, int how) {
		forgetGone();
		Held held = new Held(task, ctx, how);
		HELD.merge(held, held, MERGE);
	}

	/** Nobody hands it over: if somebody else did, too, it is nobody's. */
	static void spoil(Object task) {
		if (!HELD.isEmpty())
			new Search(task, false).look();
	}

	/** Whose it is, once. */
	static long take(Object task) {
		return HELD.isEmpty() ? 0 : new Search(task, true).look();
	}

	static Held held(Object task) {
		return HELD.isEmpty() ? null : HELD.get(new Search(task, true));
	}

	private RemoraTasks() {
	}
}
