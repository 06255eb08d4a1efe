/* Which interpreters the Python adapter moves into: adapters/python/find.c. */
#include "adapters/python/api.h"
#include "tests/rmtest.h"

RM_TEST("versions that were tried are known, and no other one is, nor what does not say its version so")
{
	static const char *const known[] = { "3.9.18 (main, Jan  1 2024, 00:00:00) \n[GCC]", "3.10.13", "3.11.2 (main)", "3.12.1", "3.13.0 (main)",
					     "3.13.0rc1" };
	static const char *const unknown[] = { "3.8.18 (default)", "3.14.0 (main, Oct  7 2025)", "3.14.0a1", "3.15", "3.100", "3.1", "3.",
					       "3", "2.7.18", "4.9.0", "", "33.9", "3.4294967305 (wraps around to 9)" };

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		RM_CHECK(rm_python_is_known(known[i]));
	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
		RM_CHECK(!rm_python_is_known(unknown[i]));
}

static struct object *dict_get(struct object *dict, const char *name)
{
	return name && dict ? dict : NULL;
}

static struct object *get_attribute(struct object *o, const char *name)
{
	return o;
}

static long size;

static long as_long(struct object *o)
{
	return size;
}

static int released;

static void release(struct object *o)
{
	released++;
}

RM_TEST("objects with another head, as free-threaded builds have them, are not touched")
{
	const struct rm_python py = { .PyDict_GetItemString = dict_get, .PyObject_GetAttrString = get_attribute, .PyLong_AsLong = as_long,
				      .Py_DecRef = release };
	struct object builtins = { 0 };

	size = 16;
	RM_CHECK(rm_python_heads_fit(&py, &builtins));
	size = 32; /* thread id, flags, mutex, two counts, type */
	RM_CHECK(!rm_python_heads_fit(&py, &builtins));
	size = -1; /* an exception */
	RM_CHECK(!rm_python_heads_fit(&py, &builtins));
	RM_CHECK(!rm_python_heads_fit(&py, NULL));
	RM_CHECK(released == 3);
}
