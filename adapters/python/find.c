/* Where the interpreter is: in the program itself, or in libpython. Context: app. */
#include "adapters/python/api.h"

#include <string.h>

#include "base/objects.h"

static const char *const names[] = {
#define RM_PYTHON_NAME(result, name, takes) #name,
	RM_PYTHON_FUNCTIONS(RM_PYTHON_NAME)
	RM_PYTHON_LATER_FUNCTIONS(RM_PYTHON_NAME)
#undef RM_PYTHON_NAME
};

enum { COUNT = sizeof(names) / sizeof(names[0]), LATER = 3 };
_Static_assert(sizeof(struct rm_python) == COUNT * sizeof(void *), "nothing but functions");

static bool has_all(const struct rm_object *o, void *arg)
{
	void *found[COUNT];

	for (int i = 0; i < COUNT; i++) {
		found[i] = rm_object_function(o, names[i]);
		if (!found[i] && i < COUNT - LATER)
			return false;
	}
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
