/*
 * Whose is an exception that comes out of remora.py? Mistakes of ours are of the builtin types that the
 * interpreter raises for them, not of a subclass: libraries derive their time limits from any of them. Of these
 * types, too, signal handlers raise; remora.py tells them apart.
 */
#include "adapters/python/api.h"

#include <stddef.h>

static const char names[][20] = {
	"AttributeError", "IndexError",        "KeyError",           "NameError",          "TypeError",
	"ValueError",     "UnboundLocalError", "UnicodeDecodeError", "UnicodeEncodeError", "RecursionError",
	"MemoryError",    "BytesWarning",      "RuntimeWarning",     "DeprecationWarning",
};
enum { COUNT = sizeof(names) / sizeof(names[0]) };

bool rm_python_make_mistakes(const struct rm_python *py, struct object *builtins, struct rm_python_mistakes *ret)
{
	struct object *all = py->PyTuple_New(COUNT);

	for (int i = 0; all && i < COUNT; i++) {
		struct object *one = py->PyDict_GetItemString(builtins, names[i]);

		if (!one)
			return false;
		py->Py_IncRef(one);
		py->PyTuple_SetItem(all, i, one);
	}
	ret->types = all;
	return all != NULL;
}

static bool is_listed(const struct rm_python *py, const struct rm_python_mistakes *m)
{
	struct object *type = py->PyErr_Occurred();

	for (int i = 0; type && m->types && i < COUNT; i++)
		if (py->PyTuple_GetItem(m->types, i) == type)
			return true;
	return false;
}

/* Asks remora.py about the one that is put aside. What is raised meanwhile is left: that is an interruption. */
static bool is_theirs(const struct rm_python *py, const struct rm_python_mistakes *m, struct object *error[3])
{
	struct object *none = py->Py_BuildValue(""), *args, *said;
	bool ret;

	py->PyErr_NormalizeException(&error[0], &error[1], &error[2]);
	args = none ? py->Py_BuildValue("(OO)", error[1], error[2] ? error[2] : none) : NULL;
	said = args ? py->PyObject_Call(m->theirs, args, NULL) : NULL;
	ret = said && py->PyLong_AsLong(said) == 1;
	if (!said && is_listed(py, m))
		py->PyErr_Clear();
	if (said)
		py->Py_DecRef(said);
	if (args)
		py->Py_DecRef(args);
	if (none)
		py->Py_DecRef(none);
	return ret;
}

bool rm_python_take_mistake(const struct rm_python *py, const struct rm_python_mistakes *m)
{
	struct object *error[3];

	if (!is_listed(py, m))
		return false;
	py->PyErr_Fetch(&error[0], &error[1], &error[2]);
	if (m->theirs && is_theirs(py, m, error)) {
		py->PyErr_Restore(error[0], error[1], error[2]);
		return false;
	}
	for (int i = 0; i < 3; i++)
		if (error[i])
			py->Py_DecRef(error[i]);
	return !py->PyErr_Occurred();
}
