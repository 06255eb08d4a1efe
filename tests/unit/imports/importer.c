/* An object that calls the library in all ways a compiler knows. How it is bound is the linker's business. */
#include "tests/unit/imports/library.h"

#ifdef BYSTANDER
/* It has functions of its own, and calls no other object. */
static int own_add(int a, int b)
{
	return a + b;
}

static int own_negate(int a)
{
	return -a;
}
#define opened_add    own_add
#define opened_negate own_negate
#endif

static int call_add(int a, int b)
{
	return opened_add(a, b);
}

static int call_negate(int a)
{
	return opened_negate(a);
}

static int (*add_address(void))(int a, int b)
{
	return opened_add;
}

static int (*const const_table[])(int, int) = { opened_add };
static int (*variable)(int, int) = opened_add;

#ifdef IN_TEXT
/* A pointer in code: the loader writes to the code's page. */
__asm__(".text\n.balign 8\n.quad opened_add\n");
#endif

struct importer importer = { call_add, call_negate, add_address, const_table, &variable };
