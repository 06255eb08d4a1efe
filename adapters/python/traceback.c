/* Takes our functions out of the traceback of an exception that only passes through them. */
#include "adapters/python/api.h"
#include "base/str.h"

static bool is_frame_of(const struct rm_python *py, struct object *traceback, const char *file)
{
	static const char *const way[] = { "tb_frame", "f_code", "co_filename" };
	struct object *at = traceback;
	const char *name;
	ssize_t n;
	bool ret;

	py->Py_IncRef(at);
	for (int i = 0; at && i < 3; i++) {
		struct object *next = py->PyObject_GetAttrString(at, way[i]);

		py->Py_DecRef(at);
		at = next;
	}
	name = at ? py->PyUnicode_AsUTF8AndSize(at, &n) : NULL;
	ret = name && rm_str_eq(rm_str_c(name), rm_str_c(file));
	if (at)
		py->Py_DecRef(at);
	if (!name)
		py->PyErr_Clear();
	return ret;
}

void rm_python_hide_frames(const struct rm_python *py, const char *file)
{
	struct object *error[3], *next, *none = py->Py_BuildValue("");

	py->PyErr_Fetch(&error[0], &error[1], &error[2]);
	while (error[2] && is_frame_of(py, error[2], file)) {
		next = py->PyObject_GetAttrString(error[2], "tb_next");
		py->Py_DecRef(error[2]);
		if (next == none) {
			py->Py_DecRef(next);
			next = NULL;
		}
		error[2] = next;
	}
	py->PyErr_Restore(error[0], error[1], error[2]);
	py->Py_DecRef(none);
}
