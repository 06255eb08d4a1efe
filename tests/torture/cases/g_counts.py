"""Case 36, counted: every span that was made arrives once or is told as lost, whatever ends the process."""
import re

from frame import STATES, case

PRELUDE = r"""
#include "torture.h"
#include <spawn.h>
extern char **environ;
"""

# What a process says of its spans when it ends or becomes another program (REMORA_DEBUG=export).
ALONE = re.compile(rb"spans(?: so far)?: (\d+) made, (\d+) left with a relay, (\d+) exported, (\d+) dropped by exporters, "
                   rb"(\d+) not delivered; not made: (\d+) ring full, (\d+) too large, (\d+) no memory")
RELAYED = re.compile(rb"spans(?: so far)?: (\d+) left with the relay")


class Account:
    """The sums of what all processes said."""

    def __init__(self, stderr):
        rows = [[int(n) for n in row] for row in ALONE.findall(stderr)]
        made, relayed, exported, dropped, late, *unmade = (sum(column) for column in zip(*rows)) if rows else [0] * 8
        self.relayed = relayed + sum(int(n) for n in RELAYED.findall(stderr))
        self.made = made + self.relayed - relayed
        self.exported, self.lost, self.unmade = exported, dropped + late, sum(unmade)

    def __str__(self):
        return (f"{self.made} made, {self.relayed} with the relay, {self.exported} exported, {self.lost} lost, "
                f"{self.unmade} not made")


def counted(t, argv, spans, states, **options):
    """Runs in each state; all spans are accounted for, and those delivered are those that arrived, once."""
    off = t.run(argv, **options)
    for state in states:
        patience = 10000 if state in ("up", "tls") else 20
        on = t.run(argv, state, wait_spans=spans, env={"REMORA_DEBUG": "export", "REMORA_EXIT_TIMEOUT": patience},
                   **options)
        t.check((on.status, on.stdout) == (off.status, off.stdout), f"collector {state}: {off} {on}")
        account = Account(on.stderr)
        ids = [s["span_id"] for s in on.spans]
        t.check(account.made + account.unmade == spans, f"{state}: {account}; there were {spans} requests")
        t.check(account.made == account.relayed + account.exported + account.lost, f"{state}: {account}")
        t.check(len(set(ids)) == len(ids), f"{state}: {len(ids) - len(set(ids))} spans came twice")
        t.check(len(ids) == account.relayed + account.exported, f"{state}: {len(ids)} spans arrived; {account}")
        if state in ("up", "relay"):  # over TLS only a thread delivers, and not at every end there may be one
            t.check(account.lost + account.unmade == 0, f"{state}: {account}")
        t.note(f"collector {state}: {account}")


STORM = PRELUDE + r"""
enum { THREADS = 4, ENDS = 6 };
static int each;

static void end(int how)
{
	char *const argv[] = { "true", NULL };
	pid_t child;

	switch (how) {
	case 0:
		exit(0);
	case 1:
		_exit(0);
	case 2:
		quick_exit(0);
	case 3:
		execvp("true", argv);
		_exit(98);
	case 4: /* a grandchild has the last word */
		child = fork();
		if (child == 0) {
			FAIL_IF(get() != 200);
			_exit(0);
		}
		waitpid(child, NULL, 0);
		_exit(0);
	default:
		FAIL_IF(posix_spawnp(&child, "true", NULL, NULL, argv, environ) != 0);
		waitpid(child, NULL, 0);
		syscall(SYS_exit_group, 0);
	}
}

static void *storm(void *arg)
{
	for (int i = 0; i < each; i++) {
		int status;
		pid_t child;

		FAIL_IF(get() != 200);
		child = fork();
		if (child == 0) {
			FAIL_IF(get() != 200);
			end(i % ENDS);
		}
		FAIL_IF(child < 0 || waitpid(child, &status, 0) != child || status != 0);
	}
	return NULL;
}

/* argv: children of each thread, a multiple of 6 */
int main(int argc, char **argv)
{
	pthread_t all[THREADS];

	each = atoi(argv[1]);
	for (int i = 0; i < THREADS; i++)
		FAIL_IF(pthread_create(&all[i], NULL, storm, NULL) != 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(all[i], NULL);
	puts("over");
	return 0;
}
"""


@case(36, "in a storm of forks whose children end in six ways, each span arrives once or is told as lost")
def c36_storm(t):
    each = 30
    # Each thread: one for each child, one in each, and one in a grandchild of every sixth.
    counted(t, [t.compile("storm", STORM), each], 4 * (2 * each + each // 6), STATES, seconds=60)


CHAIN = PRELUDE + r"""
/* argv: programs that are still to follow. Each makes its request and becomes the next. */
int main(int argc, char **argv)
{
	int left = atoi(argv[1]), fd;
	char next[16];
	char *again[] = { argv[0], next, NULL };

	snprintf(next, sizeof(next), "%d", left - 1);
	FAIL_IF(get() != 200);
	if (left == 0)
		return 3;
	switch (left % 7) {
	case 0:
		execv(argv[0], again);
		break;
	case 1:
		execl(argv[0], argv[0], next, NULL);
		break;
	case 2:
		execvp(argv[0], again);
		break;
	case 3:
		execle(argv[0], argv[0], next, NULL, environ);
		break;
	case 4:
		fd = open(argv[0], O_RDONLY | O_CLOEXEC);
		fexecve(fd, again, environ);
		break;
	case 5:
		execvpe(argv[0], again, environ);
		break;
	default:
		execve(argv[0], again, environ);
	}
	return 98;
}
"""


@case(36, "in a chain of programs that execute each other, each span arrives once or is told as lost")
def c36_chain(t):
    programs = 35
    counted(t, [t.compile("chain", CHAIN), programs - 1], programs, STATES, seconds=60)


KILLED = PRELUDE + r"""
enum { CHILDREN = 40 };

/*
 * argv: what kills. Children make requests, and note each that is done, until they are killed at some
 * moment. Says how many were done: of each child one more may have been, that it could not note.
 */
int main(int argc, char **argv)
{
	_Atomic uint32_t *done = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int number = atoi(argv[1]);

	srand(getpid());
	for (int i = 0; i < CHILDREN; i++) {
		pid_t child = fork();
		int status;

		if (child == 0)
			for (;;) {
				FAIL_IF(get() != 200);
				__sync_fetch_and_add((uint32_t *)done, 1);
			}
		usleep(rand() % 20000);
		FAIL_IF(kill(child, number) != 0 || waitpid(child, &status, 0) != child);
		FAIL_IF(!WIFSIGNALED(status) || WTERMSIG(status) != number);
	}
	printf("%u\n", *done);
	return 3;
}
"""


@case(36, "spans of processes that are killed at any moment come through the relay once, and none is missing")
def c36_killed(t):
    program = t.compile("killed", KILLED)
    for number in (9, 11, 15):
        on = t.run([program, number], "relay", seconds=60)
        done, ids = int(on.stdout), [s["span_id"] for s in on.spans]
        told = re.fullmatch(rb"|remora: \d+ spans were delivered; (\d+) lost \(\1 under way in what was killed\)\n", on.stderr)
        t.check(on.status == 3 and told, str(on))
        t.check(len(set(ids)) == len(ids), f"signal {number}: {len(ids) - len(set(ids))} spans came twice")
        lost = int(told[1] or 0)
        t.check(done <= len(ids) and len(ids) + lost <= done + 40,
                f"signal {number}: {len(ids)} spans, {lost} lost, of {done} requests, or up to 40 more")
        t.note(f"signal {number}: {len(ids)} spans, {lost} told as lost, {done} requests noted")


COST = PRELUDE + r"""
enum { CHILDREN = 100 };

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static int by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Says in microseconds what it takes from the last statement of a process with one span to its end. */
int main(void)
{
	uint64_t *begin = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint64_t took[CHILDREN];

	for (int i = 0; i < CHILDREN; i++) {
		pid_t child = fork();

		if (child == 0) {
			FAIL_IF(get() != 200);
			*begin = now();
			_exit(0);
		}
		FAIL_IF(waitpid(child, NULL, 0) != child);
		took[i] = (now() - *begin) / 1000;
	}
	qsort(took, CHILDREN, sizeof(*took), by_size);
	fprintf(stderr, "%d %d", (int)took[CHILDREN / 10], (int)took[CHILDREN / 2]);
	return 3;
}
"""


@case(36, "what the end of a process with one span costs", alone=True)
def c36_cost(t):
    program = t.compile("cost", COST)
    for state in (None, "up", "relay", "down", None, "up", "relay", "down"):
        on = t.run([program], state, seconds=60)
        t.check(on.status == 3, str(on))
        tenth, median = on.stderr.split()
        t.note(f"{state or 'no agent'}: {tenth.decode()} us in the fastest tenth, {median.decode()} us in the middle")
