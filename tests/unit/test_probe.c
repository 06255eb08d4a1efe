/* base/probe.c: memory of every kind, and what is remembered of it. */
#include "base/probe.h"

#include <sys/mman.h>

#include "tests/rmtest.h"

enum { PAGE = 4096 };

/* Pages: read-write, none, read-only, unmapped, read-write. */
static char *make_pages(void)
{
	char *m = mmap(NULL, 5 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	RM_CHECK(m != MAP_FAILED);
	mprotect(m + PAGE, PAGE, PROT_NONE);
	mprotect(m + 2 * PAGE, PAGE, PROT_READ);
	munmap(m + 3 * PAGE, PAGE);
	return m;
}

RM_TEST("memory that is there can be read, of any length that ends in it")
{
	struct rm_probe known = { 0 };
	char *m = make_pages();

	RM_CHECK(rm_readable(&known, m, PAGE) && rm_readable(&known, m + PAGE - 1, 1));
	RM_CHECK(rm_readable(&known, m + 2 * PAGE, PAGE));
	RM_CHECK(rm_readable(&known, m, 0) && rm_readable(&known, NULL, 0));
	RM_CHECK(rm_readable(&known, &known, sizeof(known)));
	RM_CHECK(rm_readable(&known, "a constant", 10));
}

RM_TEST("memory without the right to it, without a mapping or outside any process cannot")
{
	struct rm_probe known = { 0 };
	char *m = make_pages();

	RM_CHECK(!rm_readable(&known, m + PAGE, 1));
	RM_CHECK(!rm_readable(&known, m + PAGE - 1, 2));
	RM_CHECK(!rm_readable(&known, m + 3 * PAGE, 1));
	RM_CHECK(!rm_readable(&known, m, 5 * PAGE));
	RM_CHECK(!rm_readable(&known, NULL, 1) && !rm_readable(&known, (char *)8, 8));
	RM_CHECK(!rm_readable(&known, (void *)-1, 1) && !rm_readable(&known, (void *)-1, 2));
	RM_CHECK(!rm_readable(&known, (void *)0x8000000000000000u, 16));
}

RM_TEST("what can be read need not be writable")
{
	struct rm_probe known = { 0 };
	char *m = make_pages();

	RM_CHECK(rm_writable(&known, m, PAGE) && rm_readable(&known, m, PAGE));
	RM_CHECK(rm_readable(&known, m + 2 * PAGE, 1) && !rm_writable(&known, m + 2 * PAGE, 1));
	RM_CHECK(!rm_writable(&known, m + PAGE, 1) && !rm_writable(&known, m + 3 * PAGE, 1));
	RM_CHECK(rm_writable(&known, m + 4 * PAGE, 8));
}

RM_TEST("contents stay as they are")
{
	struct rm_probe known = { 0 };
	char *m = make_pages();

	m[7] = 42;
	RM_CHECK(rm_writable(&known, m, PAGE) && rm_readable(&known, m, PAGE) && m[7] == 42);
}
