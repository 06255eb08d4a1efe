/* The versions of runtimes that adapters know, for them and for what tells users of them before a program runs. */
#ifndef RM_ADAPTERS_VERSIONS_H
#define RM_ADAPTERS_VERSIONS_H

enum {
	RM_PYTHON_MINOR_MIN = 9, RM_PYTHON_MINOR_MAX = 13, /* of CPython 3 */
	RM_V8_OLDEST = 10, RM_V8_NEWEST = 13,              /* Node 18 to 24 */
};

#endif
