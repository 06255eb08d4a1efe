package java.util.concurrent;

/** The scopes that a virtual thread is in. It inherits the context of who made it: see Remora. */
final class RemoraVirtual {
	private static final Class<?> VIRTUAL = Remora.find("java.lang.VirtualThread");
	private static final Inherited LOCAL = new Inherited();

	/** A scope of a virtual thread, and the one that it is in. */
	private static final class Scope {
		final long ctx;
		final Scope was;

		Scope(long ctx, Scope was) {
			this.ctx = ctx;
			this.was = was;
		}
	}

	private static final class Inherited extends InheritableThreadLocal<Scope> {
		@Override
		protected Scope childValue(Scope parent) {
			return parent == null || parent.ctx == Remora.NOBODY ? null : new Scope(parent.ctx, null);
		}
	}

	static boolean areThere() {
		return VIRTUAL != null;
	}

	static boolean is() {
		return VIRTUAL != null && Thread.currentThread().getClass() == VIRTUAL;
	}

	static long now() {
		Scope scope = LOCAL.get();
		return scope == null || scope.ctx == Remora.NOBODY ? 0 : scope.ctx;
	}

	static void begin(long ctx) {
		LOCAL.set(new Scope(ctx == 0 ? Remora.NOBODY : ctx, LOCAL.get()));
	}

	static void end() {
		Scope scope = LOCAL.get();
		if (scope == null || scope.was == null)
			LOCAL.remove();
		else
			LOCAL.set(scope.was);
	}

	/** The scope goes on with another context. */
	static void replace(long ctx) {
		LOCAL.set(new Scope(ctx == 0 ? Remora.NOBODY : ctx, LOCAL.get() == null ? null : LOCAL.get().was));
	}

	/** Whatever the thread is in has ended; of the thread that makes one: what that inherits. */
	static void restart(long ctx) {
		if (ctx == 0)
			LOCAL.remove();
		else
			LOCAL.set(new Scope(ctx, null));
	}

	private RemoraVirtual() {
	}
}
