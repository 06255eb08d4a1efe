/* Where the interpreter is: in the program itself, or in libpython; and whether it is one that we know. Context: app. */
#include "adapters/python/api.h"

#include <string.h>

#include "adapters/versions.h"
#include "base/objects.h"

/* One behind the other. */
static const char names[] =
#define RM_PYTHON_NAME(result, name, takes) #name "\0"
	RM_PYTHON_FUNCTIONS(RM_PYTHON_NAME)
	RM_PYTHON_LATER_FUNCTIONS(RM_PYTHON_NAME)
#undef RM_PYTHON_NAME
	;

enum { COUNT = sizeof(struct rm_python) / sizeof(void *), LATER = 3 };

static bool has_all(const struct rm_object *o, void *arg)
{
	void *found[COUNT];

	if (!rm_object_functions(o, names, COUNT, COUNT - LATER, found))
		return false;
	memcpy(arg, found, sizeof(found));
	return true;
}

bool rm_python_find(struct rm_python *ret)
{
	struct rm_python found = { 0 };

	if (!rm_objects_each(has_all, &found) || !found.Py_IsInitialized)
		return false;
	*ret = found;
	return true;
}

bool rm_python_is_known(const char *text)
{
	unsigned minor = 0;

	if (text[0] != '3' || text[1] != '.')
		return false;
	for (const char *p = text + 2; *p >= '0' && *p <= '9' && minor <= RM_PYTHON_MINOR_MAX; p++)
		minor = minor * 10 + (unsigned)(*p - '0');
	return minor >= RM_PYTHON_MINOR_MIN && minor <= RM_PYTHON_MINOR_MAX;
}

bool rm_python_heads_fit(const struct rm_python *py, struct object *builtins)
{
	struct object *base = py->PyDict_GetItemString(builtins, "object");
	struct object *size = base ? py->PyObject_GetAttrString(base, "__basicsize__") : NULL;
	bool fit = size && py->PyLong_AsLong(size) == sizeof(struct object);

	if (size)
		py->Py_DecRef(size);
	return fit;
}
