/*
 * As much of CPython's C API as the adapter calls, declared anew: what is preloaded is not linked with
 * Python. All of it is of the stable kind or has been the same from 3.9 to 3.13.
 */
#ifndef RM_ADAPTERS_PYTHON_API_H
#define RM_ADAPTERS_PYTHON_API_H

#include <stdbool.h>
#include <sys/types.h>

struct object {
	ssize_t count;
	struct object *type;
};

typedef struct object *rm_python_fn(struct object *, struct object *);

struct method {
	const char *name;
	rm_python_fn *f;
	int flags;
	const char *doc;
};

struct slot {
	int slot;
	void *value;
};

struct member {
	const char *name;
	int type;
	ssize_t offset;
	int flags;
	const char *doc;
};

struct spec {
	const char *name;
	int basic_bytes, item_bytes;
	unsigned flags;
	struct slot *slots;
};

enum { METHOD_VARARGS = 1, METHOD_NOARGS = 4, METHOD_O = 8, FILE_INPUT = 257 };
enum {
	SLOT_CALL = 50, SLOT_DEALLOC = 52, SLOT_DESCR_GET = 54, SLOT_GETATTRO = 58, SLOT_REPR = 66,
	SLOT_SETATTRO = 69, SLOT_MEMBERS = 72,
};
enum { MEMBER_SSIZE = 19, MEMBER_READONLY = 1 };

/* Each function: what it returns, its name, what it takes. */
#define RM_PYTHON_FUNCTIONS(F)                                                                      \
	F(int, Py_IsInitialized, (void))                                                             \
	F(const char *, Py_GetVersion, (void))                                                       \
	F(int, Py_AddPendingCall, (int (*)(void *), void *))                                         \
	F(void, Py_IncRef, (struct object *))                                                        \
	F(void, Py_DecRef, (struct object *))                                                        \
	F(struct object *, Py_BuildValue, (const char *, ...))                                       \
	F(struct object *, Py_CompileString, (const char *, const char *, int))                      \
	F(struct object *, PyEval_EvalCode, (struct object *, struct object *, struct object *))     \
	F(struct object *, PyEval_GetBuiltins, (void))                                               \
	F(struct object *, PyImport_GetModuleDict, (void))                                           \
	F(struct object *, PyContextVar_New, (const char *, struct object *))                        \
	F(int, PyContextVar_Get, (struct object *, struct object *, struct object **))               \
	F(struct object *, PyContextVar_Set, (struct object *, struct object *))                     \
	F(struct object *, PyCFunction_NewEx, (struct method *, struct object *, struct object *))   \
	F(struct object *, PyMethod_New, (struct object *, struct object *))                         \
	F(struct object *, PyType_FromSpec, (struct spec *))                                         \
	F(struct object *, PyType_GenericAlloc, (struct object *, ssize_t))                          \
	F(int, PyCallable_Check, (struct object *))                                                  \
	F(void, PyObject_ClearWeakRefs, (struct object *))                                           \
	F(void, PyObject_Free, (void *))                                                             \
	F(struct object *, PyObject_Call, (struct object *, struct object *, struct object *))       \
	F(struct object *, PyObject_GetAttr, (struct object *, struct object *))                     \
	F(struct object *, PyObject_GetAttrString, (struct object *, const char *))                  \
	F(int, PyObject_SetAttr, (struct object *, struct object *, struct object *))                \
	F(struct object *, PyObject_Repr, (struct object *))                                         \
	F(struct object *, PyBool_FromLong, (long))                                                  \
	F(long, PyLong_AsLong, (struct object *))                                                    \
	F(struct object *, PyUnicode_FromStringAndSize, (const char *, ssize_t))                     \
	F(const char *, PyUnicode_AsUTF8AndSize, (struct object *, ssize_t *))                       \
	F(struct object *, PyTuple_New, (ssize_t))                                                   \
	F(struct object *, PyTuple_GetItem, (struct object *, ssize_t))                              \
	F(int, PyTuple_SetItem, (struct object *, ssize_t, struct object *))                         \
	F(struct object *, PySequence_Concat, (struct object *, struct object *))                    \
	F(struct object *, PyDict_New, (void))                                                       \
	F(struct object *, PyDict_GetItemString, (struct object *, const char *))                    \
	F(int, PyDict_SetItemString, (struct object *, const char *, struct object *))               \
	F(struct object *, PyErr_Occurred, (void))                                                   \
	F(void, PyErr_Clear, (void))                                                                 \
	F(void, PyErr_Fetch, (struct object **, struct object **, struct object **))                 \
	F(void, PyErr_NormalizeException, (struct object **, struct object **, struct object **))       \
	F(void, PyErr_Restore, (struct object *, struct object *, struct object *))

/* Since 3.11; NULL before. */
#define RM_PYTHON_LATER_FUNCTIONS(F)                                                                \
	F(void *, PyThreadState_Get, (void))                                                         \
	F(void, PyThreadState_EnterTracing, (void *))                                                \
	F(void, PyThreadState_LeaveTracing, (void *))

struct rm_python {
#define RM_PYTHON_FIELD(result, name, takes) result(*name) takes;
	RM_PYTHON_FUNCTIONS(RM_PYTHON_FIELD)
	RM_PYTHON_LATER_FUNCTIONS(RM_PYTHON_FIELD)
#undef RM_PYTHON_FIELD
};

/* Finds the one object that defines all of them, but for the later ones. False: there is none. Context: app. */
bool rm_python_find(struct rm_python *ret);

/* Whether we know this version: "3.11.2 (main, ...". Context: any. */
bool rm_python_is_known(const char *text);

/*
 * Objects begin with a count and a type, as ours are declared: not so in free-threaded and some debug builds. May
 * leave an exception. Interpreter's lock held.
 */
bool rm_python_heads_fit(const struct rm_python *py, struct object *builtins);

/* Whose an exception is that comes out of remora.py. Interpreter's lock held in all of these. */
struct rm_python_mistakes {
	struct object *types;  /* that mistakes raise: a tuple; NULL: none is known yet */
	struct object *theirs; /* of remora.py: says that one of them was raised by an interruption, still; or NULL */
};

/* False, and an exception is set, perhaps: they are not among the builtins. */
bool rm_python_make_mistakes(const struct rm_python *py, struct object *builtins, struct rm_python_mistakes *ret);

/* The exception that is set: when it is a mistake, it is cleared, and true; else it, or a later one, stays. */
bool rm_python_take_mistake(const struct rm_python *py, const struct rm_python_mistakes *m);

/* The traceback of the exception that is set begins below the functions of `file`. */
void rm_python_hide_frames(const struct rm_python *py, const char *file);

#endif
