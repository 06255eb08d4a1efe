/*
 * CPython: which request the running Python code serves, in one context variable of ours.
 *
 * The variable is set where a framework begins to serve a request, from the traceparent that the agent put
 * into it, and read where a client library writes one: tasks, executors and threads in between take it
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
#include <sys/syscall.h>

#include "adapters/python/api.h"
#include "adapters/python_source.h"
#include "agent/adapter_api.h"
#include "base/log.h"
#include "base/sys.h"

#define OUR_NAME "<remora>" /* in place of a file's */
enum { FAILURES_MAX = 8, TRIES_MAX = 32 };

static struct rm_python py;
static struct object *variable;  /* its value is a traceparent, or None */
static struct object *types[2];  /* of what stands before functions, and before built-in ones */
static struct rm_python_mistakes mistakes;
static struct object *none;
static struct object *names, *code, *empty; /* remora.py's; no arguments */
static struct object *methods_type; /* of built-in functions */
static atomic_uint failures;
static atomic_bool off;
static atomic_bool moved_in;
static pid_t entered_in; /* the process in which a request was entered last */
static __thread unsigned char inherited __attribute__((tls_model("initial-exec")));

enum kind { BEFORE, AFTER, CARRY, START };

/* What stands before a function `f`. */
struct stand_in {
	struct object head;
	struct object *f;
	struct object *ours;  /* BEFORE, AFTER: what is called; CARRY, START: the value of the variable */
	struct object *weak; /* references to it */
	enum kind kind;
	bool bound; /* an attribute of a class that has its object already, or needs none */
};

static struct object *none_again(void)
{
	py.Py_IncRef(none);
	return none;
}

/* ---- the variable ---- */

/* The live context that the variable's value names, else 0. Borrowed: the value lives as long as `value`. */
static rm_ctx context_of(struct object *value, const char **ret_text)
{
	ssize_t n;
	const char *text = value && value != none ? py.PyUnicode_AsUTF8AndSize(value, &n) : NULL;

	if (!text)
		return 0;
	*ret_text = text;
	return rm_ctx_from_traceparent(text, (size_t)n);
}

/* A new reference; None where nothing is set, or it failed. */
static struct object *value_now(void)
{
	struct object *value = NULL;

	if (py.PyContextVar_Get(variable, none, &value) != 0)
		py.PyErr_Clear();
	return value ? value : none_again();
}

/* What is None is left unset: contexts can be listed. */
static void set(struct object *value)
{
	struct object *now = value_now(), *token;

	py.Py_DecRef(now);
	if (now == value)
		return;
	token = py.PyContextVar_Set(variable, value);
	if (token)
		py.Py_DecRef(token);
	else
		py.PyErr_Clear();
}

/* Where greenlets of one thread take turns, nothing is attached to it. Others use them for calls within one. */
static bool is_native(void)
{
	struct object *modules = py.PyImport_GetModuleDict();

	return !py.PyDict_GetItemString(modules, "gevent") && !py.PyDict_GetItemString(modules, "eventlet");
}

static void forget_thread(void)
{
	rm_ctx_attach(0, RM_SOURCE_ATTACHED);
	inherited = 0;
}

/* In a child that was forked while a request was served: the request, as far as the child knows, is for ever. */
static bool is_forked(void)
{
	struct object *value;
	const char *text;
	bool ret;

	if (entered_in == (pid_t)rm_sys0(__NR_getpid))
		return false;
	value = value_now();
	ret = context_of(value, &text) != 0;
	py.Py_DecRef(value);
	return ret;
}

/* ---- what remora.py may call ---- */

/* What the thread rule says, as a value: a new reference, NULL where it failed. */
static struct object *value_of_thread(void)
{
	char text[RM_CTX_TEXT_BYTES];

	if (!rm_ctx_to_traceparent(rm_ctx_current(), text))
		return none_again();
	return py.PyUnicode_FromStringAndSize(text, sizeof(text));
}

static struct object *f_enter(struct object *self, struct object *text)
{
	const char *p;
	struct object *value;

	forget_thread();
	entered_in = (pid_t)rm_sys0(__NR_getpid);
	if (context_of(text, &p)) {
		set(text);
		return none_again();
	}
	py.PyErr_Clear(); /* it may be no text at all */
	value = value_of_thread();
	if (!value)
		return NULL;
	set(value);
	py.Py_DecRef(value);
	return none_again();
}

static struct object *f_inherits(struct object *self, struct object *unused)
{
	return py.PyBool_FromLong(inherited || is_forked());
}

static struct object *f_drop(struct object *self, struct object *unused)
{
	bool forked = is_forked();

	forget_thread();
	if (forked) /* the thread rule would find that request, too */
		rm_ctx_attach(RM_CTX_NOBODY, RM_SOURCE_ATTACHED);
	set(none);
	return none_again();
}

static struct object *f_detach(struct object *self, struct object *unused)
{
	forget_thread();
	return none_again();
}

/* Who knows nothing of the request leaves it to the thread. */
static struct object *f_announce(struct object *self, struct object *args)
{
	long fd = py.PyLong_AsLong(py.PyTuple_GetItem(args, 0)), waiting = py.PyLong_AsLong(py.PyTuple_GetItem(args, 1));
	uint64_t at = rm_ctx_written((int)fd);
	struct object *value;
	const char *text;

	if (at == UINT64_MAX)
		return none_again();
	value = value_now();
	rm_ctx_bind((int)fd, waiting < 0 ? 0 : at + (uint64_t)waiting, waiting < 0 ? 0 : context_of(value, &text));
	py.Py_DecRef(value);
	return none_again();
}

static struct object *f_current(struct object *self, struct object *unused)
{
	struct object *value = value_now();
	const char *text;

	if (!atomic_load(&off) && context_of(value, &text))
		return value;
	py.Py_DecRef(value);
	return none_again();
}

static struct object *stand(struct object *type, enum kind kind, struct object *f, struct object *ours)
{
	struct stand_in *s = (struct stand_in *)(void *)py.PyType_GenericAlloc(type, 0);

	if (!s)
		return NULL;
	py.Py_IncRef(f);
	py.Py_IncRef(ours);
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

	if (!py.PyCallable_Check(f)) { /* who gets it says so */
		py.Py_IncRef(f);
		return f;
	}
	value = value_now();
	if (!context_of(value, &text)) {
		py.Py_DecRef(value);
		value = value_of_thread();
	}
	ret = value ? stand(types[0], kind, f, value) : NULL;
	if (value)
		py.Py_DecRef(value);
	return ret;
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
	struct object *f = py.PyTuple_GetItem(args, 0), *ours = f ? py.PyTuple_GetItem(args, 1) : NULL, *ret, *bound;

	ret = ours ? stand(types[f->type == methods_type], kind, f, ours) : NULL;
	if (!ret)
		return NULL;
	bound = py.PyObject_GetAttrString(f, "__self__"); /* may run code of the program */
	if (bound) {
		py.Py_DecRef(bound);
	} else if (!rm_python_take_mistake(&py, &mistakes)) {
		py.Py_DecRef(ret);
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

static struct method methods[] = {
	{ "enter", f_enter, METHOD_O, NULL },          { "inherits", f_inherits, METHOD_NOARGS, NULL },
	{ "drop", f_drop, METHOD_NOARGS, NULL },       { "detach", f_detach, METHOD_NOARGS, NULL },
	{ "current", f_current, METHOD_NOARGS, NULL }, { "announce", f_announce, METHOD_VARARGS, NULL },
	{ "carry", f_carry, METHOD_O, NULL },          { "start", f_start, METHOD_O, NULL },
	{ "before", f_before, METHOD_VARARGS, NULL },  { "after", f_after, METHOD_VARARGS, NULL },
};

/* ---- what stands before functions ---- */

/*
 * Something of ours raised. A mistake is swallowed; what a signal handler raised that happened to run here
 * (KeyboardInterrupt, time limits) belongs to the program. True when it was swallowed.
 */
static bool swallow(void)
{
	if (!rm_python_take_mistake(&py, &mistakes)) {
		rm_python_hide_frames(&py, OUR_NAME);
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
	void *thread = py.PyThreadState_EnterTracing ? py.PyThreadState_Get() : NULL;
	struct object *ret;

	if (thread)
		py.PyThreadState_EnterTracing(thread);
	ret = py.PyObject_Call(f, args, kwargs);
	if (thread)
		py.PyThreadState_LeaveTracing(thread);
	return ret;
}

/* Calls with the arguments that `other` names: (args, kwargs). */
static struct object *call_with(struct object *f, struct object *other)
{
	return py.PyObject_Call(f, py.PyTuple_GetItem(other, 0), py.PyTuple_GetItem(other, 1));
}

static struct object *call_before(struct stand_in *s, struct object *args, struct object *kwargs)
{
	struct object *other = call_ours(s->ours, args, kwargs), *ret;

	if (!other && !swallow())
		return NULL;
	ret = other && other != none ? call_with(s->f, other) : py.PyObject_Call(s->f, args, kwargs);
	if (other)
		py.Py_DecRef(other);
	return ret;
}

static struct object *call_after(struct stand_in *s, struct object *args, struct object *kwargs)
{
	struct object *ret = py.PyObject_Call(s->f, args, kwargs), *all, *first, *seen;

	if (!ret)
		return NULL;
	first = py.PyTuple_New(1);
	if (first) {
		py.Py_IncRef(ret);
		py.PyTuple_SetItem(first, 0, ret);
	}
	all = first ? py.PySequence_Concat(first, args) : NULL;
	seen = all ? call_ours(s->ours, all, kwargs) : NULL;
	if (!seen && !swallow()) {
		py.Py_DecRef(ret);
		ret = NULL;
	}
	if (seen)
		py.Py_DecRef(seen);
	if (all)
		py.Py_DecRef(all);
	if (first)
		py.Py_DecRef(first);
	return ret;
}

/* With the error that is set put aside. */
static void set_again(struct object *value)
{
	struct object *error[3];

	py.PyErr_Fetch(&error[0], &error[1], &error[2]);
	set(value);
	py.PyErr_Restore(error[0], error[1], error[2]);
}

/*
 * Runs the function in the context that was captured for it. While a pool's thread does so, the context is
 * attached to it: for clients that are not written in Python. A thread of its own may become anything.
 */
static struct object *call_carried(struct stand_in *s, struct object *args, struct object *kwargs)
{
	struct object *before = value_now(), *ret;
	bool attach = s->kind == CARRY && is_native();
	const char *text;
	rm_ctx was = 0;

	set(s->ours);
	if (attach)
		was = rm_ctx_attach(context_of(s->ours, &text), RM_SOURCE_HANDOFF);
	inherited = s->kind == START;
	ret = py.PyObject_Call(s->f, args, kwargs);
	if (attach)
		rm_ctx_attach(was, RM_SOURCE_HANDOFF);
	set_again(before);
	py.Py_DecRef(before);
	return ret;
}

static struct object *stand_in_call(struct object *self, struct object *args, struct object *kwargs)
{
	struct stand_in *s = (struct stand_in *)(void *)self;

	if (s->kind >= CARRY)
		return call_carried(s, args, kwargs);
	if (atomic_load_explicit(&off, memory_order_relaxed))
		return py.PyObject_Call(s->f, args, kwargs);
	return s->kind == BEFORE ? call_before(s, args, kwargs) : call_after(s, args, kwargs);
}

static struct object *stand_in_bind(struct object *self, struct object *instance, struct object *owner)
{
	if (instance && instance != none && !((struct stand_in *)(void *)self)->bound)
		return py.PyMethod_New(self, instance);
	py.Py_IncRef(self);
	return self;
}

/* Pickled and copied as functions are: by name. */
static struct object *f_reduce(struct object *self, struct object *unused)
{
	return py.PyObject_GetAttrString(self, "__qualname__");
}

static struct method reduce = { "__reduce_ex__", f_reduce, METHOD_O, NULL };

static struct object *stand_in_get(struct object *self, struct object *name)
{
	ssize_t n;
	const char *text;

	if (((struct stand_in *)(void *)self)->kind < CARRY) {
		text = py.PyUnicode_AsUTF8AndSize(name, &n);
		if (!text)
			py.PyErr_Clear();
		else if (rm_str_eq(rm_str_c(text), rm_str_c(reduce.name)))
			return py.PyCFunction_NewEx(&reduce, self, NULL);
	}
	return py.PyObject_GetAttr(((struct stand_in *)(void *)self)->f, name);
}

static int stand_in_set(struct object *self, struct object *name, struct object *value)
{
	return py.PyObject_SetAttr(((struct stand_in *)(void *)self)->f, name, value);
}

static struct object *stand_in_repr(struct object *self)
{
	return py.PyObject_Repr(((struct stand_in *)(void *)self)->f);
}

static void stand_in_free(struct object *self)
{
	struct stand_in *s = (struct stand_in *)(void *)self;
	struct object *type = self->type;

	if (s->weak)
		py.PyObject_ClearWeakRefs(self);
	py.Py_DecRef(s->f);
	py.Py_DecRef(s->ours);
	py.PyObject_Free(self);
	py.Py_DecRef(type);
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

	return py.PyType_FromSpec(&spec);
}

/* What remora.py may name. */
static struct object *make_names(struct object *builtins)
{
	struct object *names = py.PyDict_New();
	bool fine = names && py.PyDict_SetItemString(names, "__builtins__", builtins) == 0 &&
		    py.PyDict_SetItemString(names, "modules", py.PyImport_GetModuleDict()) == 0 &&
		    py.PyDict_SetItemString(names, "mistakes", mistakes.types) == 0;

	for (unsigned i = 0; fine && i < sizeof(methods) / sizeof(methods[0]); i++) {
		struct object *f = py.PyCFunction_NewEx(&methods[i], NULL, NULL);

		methods_type = f ? f->type : NULL;
		fine = f && py.PyDict_SetItemString(names, methods[i].name, f) == 0;
		if (f)
			py.Py_DecRef(f);
	}
	return fine ? names : NULL;
}

/* All that runs nobody's code. */
static bool prepare(struct object *builtins)
{
	none = py.Py_BuildValue("");
	types[0] = make_type("builtins.function");
	types[1] = make_type("builtins.builtin_function_or_method");
	empty = py.PyTuple_New(0);
	if (!types[0] || !types[1] || !empty || !rm_python_make_mistakes(&py, builtins, &mistakes))
		return false;
	variable = py.PyContextVar_New("remora", NULL);
	names = variable ? make_names(builtins) : NULL;
	code = names ? py.Py_CompileString(python_source, OUR_NAME, FILE_INPUT) : NULL;
	return code != NULL;
}

/* False when something was raised: then it may be called again. */
static bool run_source(void)
{
	struct object *done, *f;

	if (!mistakes.theirs) { /* nothing but definitions */
		done = py.PyEval_EvalCode(code, names, names);
		if (!done)
			return false;
		py.Py_DecRef(done);
		mistakes.theirs = py.PyDict_GetItemString(names, "theirs");
	}
	f = py.PyDict_GetItemString(names, "move_in");
	done = f ? call_ours(f, empty, NULL) : NULL;
	if (done)
		py.Py_DecRef(done);
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
	if (py.PyErr_Occurred() && !swallow()) {
		if (++tries >= TRIES_MAX || py.Py_AddPendingCall(move_in, NULL) != 0)
			atomic_store(&off, true);
		return -1;
	}
	return give_up();
}

/* The first of these calls. */
static int begin(void *unused)
{
	struct object *builtins = py.PyEval_GetBuiltins();

	if (atomic_exchange(&moved_in, true) || !builtins)
		return 0;
	if (rm_python_heads_fit(&py, builtins) && prepare(builtins))
		return move_in(NULL);
	py.PyErr_Clear();
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
	py = found;
	return found.Py_AddPendingCall(begin, NULL) == 0 ? RM_ARRIVAL_DONE : RM_ARRIVAL_LATER;
}

const struct rm_adapter rm_adapter_python = {
	.name = "python",
	.arrive = arrive,
};
