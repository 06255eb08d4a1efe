/*
 * CPython: which request the running Python code serves, in one context variable of ours.
 *
 * The variable is set where a framework begins to serve a request, from the traceparent that the agent put
 * into it (variable.c), and read where a client library writes one: tasks, executors and threads in between take it
 * along. So nobody waits for the interpreter's lock inside a hook, and a request's bytes may leave in any
 * thread, loop or TLS library. Where these places are is said by remora.py, which runs in here once.
 *
 * The program's own functions at such places stand behind objects of the type below, which show all of
 * their attributes and add no frame to a traceback. Nothing is put into sys.path, sys.modules, sys.meta_path
 * or the environment. We come in by Py_AddPendingCall, as a signal handler would: between two instructions
 * of the main thread, interpreter's lock held, whatever options (-I, -E, -S) it was started with.
 *
 * What fails in remora.py is cleared and counted; after FAILURES_MAX the adapter only passes calls on. What a
 * signal handler raises in there is the program's: it goes on its way, and nothing else is cleared on it.
 * Context: interpreter's lock held, unless said otherwise. No object of the agent is held meanwhile.
 * Spec: Python/C API, the stable part, of 3.9 to 3.13.
 */
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

#include "adapters/python/variable.h"
#include "adapters/python_source.h"
#include "base/log.h"

#define OUR_NAME "<remora>" /* in place of a file's */
enum { FAILURES_MAX = 8, TRIES_MAX = 32 };

static struct object *types[2];  /* of what stands before functions, and before built-in ones */
static struct rm_python_mistakes mistakes;
static struct object *names, *code, *empty; /* remora.py's; no arguments */
static struct object *methods_type; /* of built-in functions */
static atomic_uint failures;
static atomic_bool off;
static atomic_bool moved_in;

enum kind { BEFORE, AFTER, DURING, CARRY, START };

/* What stands before a function `f`. */
struct stand_in {
	struct object head;
	struct object *f;
	struct object *ours;  /* CARRY, START: the value of the variable; else what is called */
	struct object *weak; /* references to it */
	enum kind kind;
	bool bound; /* an attribute of a class that has its object already, or needs rm_python_none */
};

static struct object *stand(struct object *type, enum kind kind, struct object *f, struct object *ours)
{
	struct stand_in *s = (struct stand_in *)(void *)rm_py.PyType_GenericAlloc(type, 0);

	if (!s)
		return NULL;
	rm_py.Py_IncRef(f);
	rm_py.Py_IncRef(ours);
	s->f = f;
	s->ours = ours;
	s->kind = kind;
	return &s->head;
}

/* A framework that we do not know (uWSGI) has set nothing: then the thread may know. */
static struct object *carry(enum kind kind, struct object *f)
{
	struct object *value, *ret;
	const char *text;

	if (!rm_py.PyCallable_Check(f)) { /* who gets it says so */
		rm_py.Py_IncRef(f);
		return f;
	}
	value = rm_python_value_now();
	if (!rm_python_context_of(value, &text)) {
		rm_py.Py_DecRef(value);
		value = rm_python_value_of_thread();
	}
	ret = value ? stand(types[0], kind, f, value) : NULL;
	if (value)
		rm_py.Py_DecRef(value);
	return ret;
}

static struct object *f_current(struct object *self, struct object *unused)
{
	struct object *value = rm_python_value_now();
	const char *text;

	if (!atomic_load(&off) && rm_python_context_of(value, &text))
		return value;
	rm_py.Py_DecRef(value);
	return rm_python_none_again();
}

static struct object *f_carry(struct object *self, struct object *f)
{
	return carry(CARRY, f);
}

static struct object *f_start(struct object *self, struct object *f)
{
	return carry(START, f);
}

static struct object *two(enum kind kind, struct object *args)
{
	struct object *f = rm_py.PyTuple_GetItem(args, 0), *ours = f ? rm_py.PyTuple_GetItem(args, 1) : NULL, *ret, *bound;

	ret = ours ? stand(types[f->type == methods_type], kind, f, ours) : NULL;
	if (!ret)
		return NULL;
	bound = rm_py.PyObject_GetAttrString(f, "__self__"); /* may run code of the program */
	if (bound) {
		rm_py.Py_DecRef(bound);
	} else if (!rm_python_take_mistake(&rm_py, &mistakes)) {
		rm_py.Py_DecRef(ret);
		return NULL;
	}
	((struct stand_in *)(void *)ret)->bound = bound != NULL;
	return ret;
}

static struct object *f_before(struct object *self, struct object *args)
{
	return two(BEFORE, args);
}

static struct object *f_after(struct object *self, struct object *args)
{
	return two(AFTER, args);
}

static struct object *f_during(struct object *self, struct object *args)
{
	return two(DURING, args);
}

static struct method methods[] = {
	{ "current", f_current, METHOD_NOARGS, NULL }, { "carry", f_carry, METHOD_O, NULL },
	{ "start", f_start, METHOD_O, NULL },          { "before", f_before, METHOD_VARARGS, NULL },
	{ "after", f_after, METHOD_VARARGS, NULL },    { "during", f_during, METHOD_VARARGS, NULL },
};

/* ---- what stands before functions ---- */

/*
 * Something of ours raised. A mistake is swallowed; what a signal handler raised that happened to run here
 * (KeyboardInterrupt, time limits) belongs to the program. True when it was swallowed.
 */
static bool swallow(void)
{
	if (!rm_python_take_mistake(&rm_py, &mistakes)) {
		rm_python_hide_frames(&rm_py, OUR_NAME);
		return false;
	}
	if (atomic_fetch_add(&failures, 1) + 1 >= FAILURES_MAX)
		atomic_store(&off, true);
	rm_debug(RM_LOG_TRACE, "python adapter: mistake %u%s", atomic_load(&failures),
		 atomic_load(&off) ? ", it is off now" : "");
	return true;
}

/* Calls a function of remora.py: profilers and debuggers of the program are not told (since 3.11). */
static struct object *call_ours(struct object *f, struct object *args, struct object *kwargs)
{
	void *thread = rm_py.PyThreadState_EnterTracing ? rm_py.PyThreadState_Get() : NULL;
	struct object *ret;

	if (thread)
		rm_py.PyThreadState_EnterTracing(thread);
	ret = rm_py.PyObject_Call(f, args, kwargs);
	if (thread)
		rm_py.PyThreadState_LeaveTracing(thread);
	return ret;
}

/* Calls with the arguments that `other` names: (args, kwargs). */
static struct object *call_with(struct object *f, struct object *other)
{
	return rm_py.PyObject_Call(f, rm_py.PyTuple_GetItem(other, 0), rm_py.PyTuple_GetItem(other, 1));
}

static struct object *call_before(struct stand_in *s, struct object *args, struct object *kwargs)
{
	struct object *other = call_ours(s->ours, args, kwargs), *ret;

	if (!other && !swallow())
		return NULL;
	ret = other && other != rm_python_none ? call_with(s->f, other) : rm_py.PyObject_Call(s->f, args, kwargs);
	if (other)
		rm_py.Py_DecRef(other);
	return ret;
}

static struct object *call_after(struct stand_in *s, struct object *args, struct object *kwargs)
{
	struct object *ret = rm_py.PyObject_Call(s->f, args, kwargs), *all, *first, *seen;

	if (!ret)
		return NULL;
	first = rm_py.PyTuple_New(1);
	if (first) {
		rm_py.Py_IncRef(ret);
		rm_py.PyTuple_SetItem(first, 0, ret);
	}
	all = first ? rm_py.PySequence_Concat(first, args) : NULL;
	seen = all ? call_ours(s->ours, all, kwargs) : NULL;
	if (!seen && !swallow()) {
		rm_py.Py_DecRef(ret);
		ret = NULL;
	}
	if (seen)
		rm_py.Py_DecRef(seen);
	if (all)
		rm_py.Py_DecRef(all);
	if (first)
		rm_py.Py_DecRef(first);
	return ret;
}

/* With the error that is set put aside. */
static void set_again(struct object *value)
{
	struct object *error[3];

	rm_py.PyErr_Fetch(&error[0], &error[1], &error[2]);
	rm_python_set(value);
	rm_py.PyErr_Restore(error[0], error[1], error[2]);
}

/*
 * Runs the function in the context that was captured for it. While a pool's thread does so, the context is
 * attached to it: for clients that are not written in Python. A thread of its own may become anything.
 */
static struct object *call_carried(struct stand_in *s, struct object *args, struct object *kwargs)
{
	struct object *before = rm_python_value_now(), *ret;
	bool attach = s->kind == CARRY && rm_python_is_native();
	const char *text;
	rm_ctx was = 0;

	rm_python_set(s->ours);
	if (attach)
		was = rm_ctx_attach(rm_python_context_of(s->ours, &text), RM_SOURCE_HANDOFF);
	rm_python_inherit(s->kind == START);
	ret = rm_py.PyObject_Call(s->f, args, kwargs);
	if (attach)
		rm_ctx_attach(was, RM_SOURCE_HANDOFF);
	set_again(before);
	rm_py.Py_DecRef(before);
	return ret;
}

/* Runs the function in the context of the task that it is, if it is one. */
static struct object *call_during(struct stand_in *s, struct object *args, struct object *kwargs)
{
	struct object *task = call_ours(s->ours, args, kwargs), *before, *ret;
	struct rm_python_origin origin;
	bool attach = rm_python_is_native();
	const char *text;
	rm_ctx ctx, was = 0;

	if (!task && !swallow())
		return NULL;
	ctx = rm_python_context_of(task, &text);
	if (ctx) {
		before = rm_python_value_now();
		origin = rm_python_put_aside();
		rm_python_set(task);
		was = attach ? rm_ctx_attach(ctx, RM_SOURCE_ATTACHED) : 0;
	}
	ret = rm_py.PyObject_Call(s->f, args, kwargs);
	if (ctx) {
		if (attach)
			rm_ctx_attach(was, RM_SOURCE_ATTACHED);
		set_again(before);
		rm_python_put_back(origin);
		rm_py.Py_DecRef(before);
		rm_ctx_end_task(ctx);
	}
	if (task)
		rm_py.Py_DecRef(task);
	return ret;
}

static struct object *stand_in_call(struct object *self, struct object *args, struct object *kwargs)
{
	struct stand_in *s = (struct stand_in *)(void *)self;

	if (s->kind >= CARRY)
		return call_carried(s, args, kwargs);
	if (atomic_load_explicit(&off, memory_order_relaxed))
		return rm_py.PyObject_Call(s->f, args, kwargs);
	if (s->kind == DURING)
		return call_during(s, args, kwargs);
	return s->kind == BEFORE ? call_before(s, args, kwargs) : call_after(s, args, kwargs);
}

static struct object *stand_in_bind(struct object *self, struct object *instance, struct object *owner)
{
	if (instance && instance != rm_python_none && !((struct stand_in *)(void *)self)->bound)
		return rm_py.PyMethod_New(self, instance);
	rm_py.Py_IncRef(self);
	return self;
}

/* Pickled and copied as functions are: by name. */
static struct object *f_reduce(struct object *self, struct object *unused)
{
	return rm_py.PyObject_GetAttrString(self, "__qualname__");
}

static struct method reduce = { "__reduce_ex__", f_reduce, METHOD_O, NULL };

static struct object *stand_in_get(struct object *self, struct object *name)
{
	ssize_t n;
	const char *text;

	if (((struct stand_in *)(void *)self)->kind < CARRY) {
		text = rm_py.PyUnicode_AsUTF8AndSize(name, &n);
		if (!text)
			rm_py.PyErr_Clear();
		else if (rm_str_eq(rm_str_c(text), rm_str_c(reduce.name)))
			return rm_py.PyCFunction_NewEx(&reduce, self, NULL);
	}
	return rm_py.PyObject_GetAttr(((struct stand_in *)(void *)self)->f, name);
}

static int stand_in_set(struct object *self, struct object *name, struct object *value)
{
	return rm_py.PyObject_SetAttr(((struct stand_in *)(void *)self)->f, name, value);
}

static struct object *stand_in_repr(struct object *self)
{
	return rm_py.PyObject_Repr(((struct stand_in *)(void *)self)->f);
}

static void stand_in_free(struct object *self)
{
	struct stand_in *s = (struct stand_in *)(void *)self;
	struct object *type = self->type;

	if (s->weak)
		rm_py.PyObject_ClearWeakRefs(self);
	rm_py.Py_DecRef(s->f);
	rm_py.Py_DecRef(s->ours);
	rm_py.PyObject_Free(self);
	rm_py.Py_DecRef(type);
}

/* ---- moving in ---- */

static struct object *make_type(const char *name)
{
	static struct member members[] = {
		{ "__weaklistoffset__", MEMBER_SSIZE, offsetof(struct stand_in, weak), MEMBER_READONLY, NULL },
		{ 0 },
	};
	struct slot slots[] = {
		{ SLOT_CALL, (void *)stand_in_call },   { SLOT_DESCR_GET, (void *)stand_in_bind },
		{ SLOT_GETATTRO, (void *)stand_in_get }, { SLOT_SETATTRO, (void *)stand_in_set },
		{ SLOT_REPR, (void *)stand_in_repr },   { SLOT_DEALLOC, (void *)stand_in_free },
		{ SLOT_MEMBERS, members },
		{ 0, NULL },
	};
	struct spec spec = { name, sizeof(struct stand_in), 0, 0, slots };

	return rm_py.PyType_FromSpec(&spec);
}

static bool add_methods(struct object *to, struct method *first, size_t count)
{
	bool fine = true;

	for (size_t i = 0; fine && i < count; i++) {
		struct object *f = rm_py.PyCFunction_NewEx(&first[i], NULL, NULL);

		methods_type = f ? f->type : NULL;
		fine = f && rm_py.PyDict_SetItemString(to, first[i].name, f) == 0;
		if (f)
			rm_py.Py_DecRef(f);
	}
	return fine;
}

/* What remora.py may name. */
static struct object *make_names(struct object *builtins)
{
	struct object *names = rm_py.PyDict_New();
	bool fine = names && rm_py.PyDict_SetItemString(names, "__builtins__", builtins) == 0 &&
		    rm_py.PyDict_SetItemString(names, "modules", rm_py.PyImport_GetModuleDict()) == 0 &&
		    rm_py.PyDict_SetItemString(names, "mistakes", mistakes.types) == 0;

	fine = fine && add_methods(names, methods, sizeof(methods) / sizeof(methods[0])) &&
	       add_methods(names, rm_python_says, RM_PYTHON_SAYS);
	return fine ? names : NULL;
}

/* All that runs nobody's code. */
static bool prepare(struct object *builtins)
{
	types[0] = make_type("builtins.function");
	types[1] = make_type("builtins.builtin_function_or_method");
	empty = rm_py.PyTuple_New(0);
	if (!types[0] || !types[1] || !empty || !rm_python_make_mistakes(&rm_py, builtins, &mistakes))
		return false;
	names = rm_python_make_variable() ? make_names(builtins) : NULL;
	code = names ? rm_py.Py_CompileString(python_source, OUR_NAME, FILE_INPUT) : NULL;
	return code != NULL;
}

/* False when something was raised: then it may be called again. */
static bool run_source(void)
{
	struct object *done, *f;

	if (!mistakes.theirs) { /* nothing but definitions */
		done = rm_py.PyEval_EvalCode(code, names, names);
		if (!done)
			return false;
		rm_py.Py_DecRef(done);
		mistakes.theirs = rm_py.PyDict_GetItemString(names, "theirs");
	}
	f = rm_py.PyDict_GetItemString(names, "move_in");
	done = f ? call_ours(f, empty, NULL) : NULL;
	if (done)
		rm_py.Py_DecRef(done);
	return done != NULL;
}

static int give_up(void)
{
	atomic_store(&off, true);
	rm_debug(RM_LOG_INIT, "python adapter: cannot move in");
	return 0;
}

/*
 * A pending call of the interpreter, and more of them as long as each is interrupted: it fails with what a signal
 * handler raised meanwhile, as the instruction would have that it comes before, and goes on at another one.
 */
static int move_in(void *unused)
{
	static unsigned tries;

	if (run_source()) {
		rm_debug(RM_LOG_INIT, "python adapter: moved in");
		return 0;
	}
	if (rm_py.PyErr_Occurred() && !swallow()) {
		if (++tries >= TRIES_MAX || rm_py.Py_AddPendingCall(move_in, NULL) != 0)
			atomic_store(&off, true);
		return -1;
	}
	return give_up();
}

/* The first of these calls. */
static int begin(void *unused)
{
	struct object *builtins = rm_py.PyEval_GetBuiltins();

	if (atomic_exchange(&moved_in, true) || !builtins)
		return 0;
	if (rm_python_heads_fit(&rm_py, builtins) && prepare(builtins))
		return move_in(NULL);
	rm_py.PyErr_Clear();
	return give_up();
}

/* Context: app, interpreter's lock not held, perhaps: asks only what may be asked without. */
static enum rm_arrival arrive(void)
{
	struct rm_python found;

	if (!rm_python_find(&found))
		return RM_ARRIVAL_ABSENT;
	if (!rm_python_is_known(found.Py_GetVersion()))
		return RM_ARRIVAL_DONE;
	if (!found.Py_IsInitialized())
		return RM_ARRIVAL_LATER;
	rm_py = found;
	return found.Py_AddPendingCall(begin, NULL) == 0 ? RM_ARRIVAL_DONE : RM_ARRIVAL_LATER;
}

const struct rm_adapter rm_adapter_python = {
	.name = "python",
	.arrive = arrive,
};
