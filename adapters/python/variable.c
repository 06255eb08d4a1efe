/*
 * See variable.h.
 * Context: interpreter's lock held. No object of the agent is held meanwhile.
 */
#include "adapters/python/variable.h"

#include <sys/syscall.h>

#include "base/sys.h"

struct rm_python rm_py;
struct object *rm_python_none;
static struct object *variable;
static pid_t entered_in; /* the process in which a request was entered last */
static __thread unsigned char inherited __attribute__((tls_model("initial-exec")));

bool rm_python_make_variable(void)
{
	rm_python_none = rm_py.Py_BuildValue("");
	variable = rm_py.PyContextVar_New("remora", NULL);
	return variable;
}

struct object *rm_python_none_again(void)
{
	rm_py.Py_IncRef(rm_python_none);
	return rm_python_none;
}

rm_ctx rm_python_context_of(struct object *value, const char **ret_text)
{
	ssize_t n;
	const char *text = value && value != rm_python_none ? rm_py.PyUnicode_AsUTF8AndSize(value, &n) : NULL;

	if (!text)
		return 0;
	*ret_text = text;
	return rm_ctx_from_traceparent(text, (size_t)n);
}

struct object *rm_python_value_now(void)
{
	struct object *value = NULL;

	if (rm_py.PyContextVar_Get(variable, rm_python_none, &value) != 0)
		rm_py.PyErr_Clear();
	return value ? value : rm_python_none_again();
}

void rm_python_set(struct object *value)
{
	struct object *now = rm_python_value_now(), *token;

	rm_py.Py_DecRef(now);
	if (now == value)
		return;
	token = rm_py.PyContextVar_Set(variable, value);
	if (token)
		rm_py.Py_DecRef(token);
	else
		rm_py.PyErr_Clear();
}

/* Others than gevent and eventlet use greenlets for calls within one thing. */
bool rm_python_is_native(void)
{
	struct object *modules = rm_py.PyImport_GetModuleDict();

	return !rm_py.PyDict_GetItemString(modules, "gevent") && !rm_py.PyDict_GetItemString(modules, "eventlet");
}

void rm_python_inherit(bool inherits)
{
	inherited = inherits;
}

struct rm_python_origin rm_python_put_aside(void)
{
	const struct rm_python_origin ret = { entered_in, inherited };

	entered_in = (pid_t)rm_sys0(__NR_getpid);
	inherited = 0;
	return ret;
}

void rm_python_put_back(struct rm_python_origin origin)
{
	entered_in = origin.entered_in;
	inherited = origin.inherited;
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
	value = rm_python_value_now();
	ret = rm_python_context_of(value, &text) != 0;
	rm_py.Py_DecRef(value);
	return ret;
}

/* ---- what remora.py may call ---- */

struct object *rm_python_value_of_thread(void)
{
	char text[RM_CTX_TEXT_BYTES];

	if (!rm_ctx_to_traceparent(rm_ctx_current(), text))
		return rm_python_none_again();
	return rm_py.PyUnicode_FromStringAndSize(text, sizeof(text));
}

static struct object *f_enter(struct object *self, struct object *text)
{
	const char *p;
	struct object *value;

	forget_thread();
	entered_in = (pid_t)rm_sys0(__NR_getpid);
	if (rm_python_context_of(text, &p)) {
		rm_python_set(text);
		return rm_python_none_again();
	}
	rm_py.PyErr_Clear(); /* it may be no text at all */
	value = rm_python_value_of_thread();
	if (!value)
		return NULL;
	rm_python_set(value);
	rm_py.Py_DecRef(value);
	return rm_python_none_again();
}

static struct object *f_inherits(struct object *self, struct object *unused)
{
	return rm_py.PyBool_FromLong(inherited || is_forked());
}

static struct object *f_drop(struct object *self, struct object *unused)
{
	bool forked = is_forked();

	forget_thread();
	if (forked) /* the thread rule would find that request, too */
		rm_ctx_attach(RM_CTX_NOBODY, RM_SOURCE_ATTACHED);
	rm_python_set(rm_python_none);
	return rm_python_none_again();
}

static struct object *f_detach(struct object *self, struct object *unused)
{
	forget_thread();
	return rm_python_none_again();
}

/* Who knows nothing of the request leaves it to the thread. */
static struct object *f_announce(struct object *self, struct object *args)
{
	long fd = rm_py.PyLong_AsLong(rm_py.PyTuple_GetItem(args, 0)), waiting = rm_py.PyLong_AsLong(rm_py.PyTuple_GetItem(args, 1));
	struct object *given = rm_py.PyTuple_GetItem(args, 2), *value = given ? given : rm_python_value_now();
	uint64_t at = rm_ctx_written((int)fd);
	const char *text;

	rm_py.PyErr_Clear(); /* there need not be a third one */
	if (at != UINT64_MAX)
		rm_ctx_bind((int)fd, waiting < 0 ? 0 : at + (uint64_t)waiting, waiting < 0 ? 0 : rm_python_context_of(value, &text));
	if (!given)
		rm_py.Py_DecRef(value);
	return rm_python_none_again();
}

static struct object *f_adopt(struct object *self, struct object *text)
{
	const char *p;

	rm_python_set(rm_python_context_of(text, &p) ? text : rm_python_none);
	rm_py.PyErr_Clear(); /* it may be no text at all */
	return rm_python_none_again();
}

/* The item of a tuple as text, empty: it is none. Borrowed. */
static struct rm_str text_at(struct object *tuple, ssize_t i)
{
	struct object *item = rm_py.PyTuple_GetItem(tuple, i);
	ssize_t n = 0;
	const char *text = item && item != rm_python_none ? rm_py.PyUnicode_AsUTF8AndSize(item, &n) : NULL;

	if (!text)
		rm_py.PyErr_Clear();
	return (struct rm_str){ text, text ? (size_t)n : 0 };
}

static struct object *f_begin(struct object *self, struct object *args)
{
	const struct rm_task task = { .system = text_at(args, 0), .name = text_at(args, 1), .queue = text_at(args, 2),
				      .id = text_at(args, 3), .traceparent = text_at(args, 4) };
	rm_ctx ctx = rm_ctx_begin_task(&task);
	char text[RM_CTX_TEXT_BYTES];

	if (!ctx || !rm_ctx_to_traceparent(ctx, text))
		return rm_python_none_again();
	return rm_py.PyUnicode_FromStringAndSize(text, sizeof(text));
}

static struct object *f_fail(struct object *self, struct object *args)
{
	struct object *value = rm_python_value_now();
	const char *text;

	rm_ctx_fail_task(rm_python_context_of(value, &text), text_at(args, 0));
	rm_py.Py_DecRef(value);
	return rm_python_none_again();
}

struct method rm_python_says[RM_PYTHON_SAYS] = {
	{ "enter", f_enter, METHOD_O, NULL },       { "inherits", f_inherits, METHOD_NOARGS, NULL },
	{ "drop", f_drop, METHOD_NOARGS, NULL },    { "detach", f_detach, METHOD_NOARGS, NULL },
	{ "adopt", f_adopt, METHOD_O, NULL },       { "announce", f_announce, METHOD_VARARGS, NULL },
	{ "begin", f_begin, METHOD_VARARGS, NULL }, { "fail", f_fail, METHOD_VARARGS, NULL },
};
