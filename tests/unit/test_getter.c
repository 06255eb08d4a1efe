#include "base/getter.h"

#include <stdint.h>
#include <stdlib.h>

#include "tests/rmtest.h"

#ifndef __SANITIZE_THREAD__
static const int table[4] = { 1, 2, 3, 4 };

static __attribute__((noinline)) const void *plain(void)
{
	return table;
}

static __attribute__((noinline)) const void *busy(void)
{
	return getenv("PATH") ? table : NULL;
}

RM_TEST("a compiled getter is read as it answers, and what does more is not")
{
	const void *(*volatile get)(void) = plain, *(*volatile other)(void) = busy;

	RM_CHECK(rm_getter_value((const void *)get) == get());
	RM_CHECK(rm_getter_value((const void *)other) == NULL && other());
}
#endif

#ifdef __x86_64__
static const void *value_of(const char *code, size_t bytes)
{
	static uint8_t text[RM_GETTER_BYTES];

	memset(text, 0x90, sizeof(text));
	memcpy(text, code, bytes);
	return rm_getter_value(text);
}
#define VALUE(code) ((uintptr_t)value_of(code, sizeof(code) - 1))

RM_TEST("addresses are read with and without marks and frames, relative and absolute")
{
	uintptr_t relative = VALUE("\x48\x8d\x05\x10\x00\x00\x00\xc3");

	RM_CHECK(relative && VALUE("\xf3\x0f\x1e\xfa\x48\x8d\x05\x10\x00\x00\x00\xc3") == relative + 4);
	RM_CHECK(VALUE("\x48\x8d\x05\xf0\xff\xff\xff\xc3") == relative - 32);
	RM_CHECK(VALUE("\xb8\xa0\xaf\x24\x82\xc3") == 0x8224afa0);
	RM_CHECK(VALUE("\x55\xb8\xa0\xaf\x24\x02\x48\x89\xe5\x5d\xc3") == 0x224afa0);
	RM_CHECK(VALUE("\x48\xc7\xc0\xa0\xaf\x24\x02\xc3") == 0x224afa0);
	RM_CHECK(VALUE("\x48\xb8\x01\x02\x03\x04\x05\x06\x07\x08\xc3") == 0x0807060504030201);
}

RM_TEST("whatever else a function does, it is not read")
{
	RM_CHECK(VALUE("\xe8\x00\x00\x00\x00\xc3") == 0);			/* a call */
	RM_CHECK(VALUE("\xb8\x01\x00\x00\x00\xb8\x02\x00\x00\x00\xc3") == 0);	/* two values */
	RM_CHECK(VALUE("\xb8\x01\x00\x00\x00") == 0);				/* what follows is no return */
	RM_CHECK(VALUE("\xc3") == 0);						/* nothing is given */
	RM_CHECK(VALUE("\x55\x55\x55\x55\x55\x55\x55\x55\x55\x55\x55\x55\x55\x55\x55\x55\x55\x55\x55\x55\x55\x55\x55\x55"
		       "\x55\x55\x55\x55\x55\x55\xb8\x01") == 0);		/* it goes on beyond what is read */
}
#endif
