"""Case 38, continued: memory that is locked."""
import os
import resource

from frame import case

LOCKED = r"""
#include "torture.h"
#include <sys/resource.h>

/* argv[1]: how many bytes may be locked. All memory is, then there are exchanges, then the program needs its own. */
static int deep(int levels)
{
	volatile char page[4096];

	page[0] = 1;
	return levels ? deep(levels - 1) + page[0] : 0;
}

int main(int argc, char **argv)
{
	struct rlimit limit = { atol(argv[1]), atol(argv[1]) };

	FAIL_IF(setrlimit(RLIMIT_MEMLOCK, &limit) != 0);
	FAIL_IF(syscall(SYS_setuid, 65533) != 0);
	FAIL_IF(mlockall(MCL_CURRENT | MCL_FUTURE) != 0);
	for (int i = 0; i < 5; i++)
		FAIL_IF(get() != 200);
	for (int i = 0; i < 10; i++)
		FAIL_IF(!malloc(100000));
	printf("%d levels\n", deep(400));
	return 0;
}
"""


@case(38, "a program that locks all its memory, with hardly more of that than it needs")
def c38_locked(t):
    if os.geteuid() != 0:
        t.skip("needs root")
    program = t.compile("locked", LOCKED)
    t.same([program, 8 << 20], spans=0, status=0)
    if resource.getrlimit(resource.RLIMIT_MEMLOCK)[1] == resource.RLIM_INFINITY:
        t.same([program, -1], spans=5, status=0)
