/*
 * A library that is called through import slots. PREFIX is one of two, so that a program can be
 * linked with one and open the other.
 */
#include "tests/unit/imports/library.h"

#ifdef INDIRECT
static int plain_anchor(void)
{
	return 0;
}

static __attribute__((used)) int (*choose_anchor(void))(void)
{
	return plain_anchor;
}

int NAME(anchor)(void) __attribute__((ifunc("choose_anchor")));
#else
int NAME(anchor)(void)
{
	return 0;
}
#endif

int NAME(add)(int a, int b)
{
	return a + b;
}

int NAME(negate)(int a)
{
	return -a;
}
