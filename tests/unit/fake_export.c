/* A remora-export.so for tests: counts what it is given and hangs when told to. */
#include "fake_export.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "exporters/pipeline.h"

static struct fake_export *state;
static struct rm_pipeline_driver driver;
static int queued;

struct rm_pipeline {
	int one;
};

static void look_around(void)
{
	sigset_t mask;
	cpu_set_t processors;
	DIR *d = opendir("/proc/thread-self/fd");
	struct dirent *e;
	int fds = 0;

	while (d && (e = readdir(d)))
		fds += e->d_name[0] != '.' && atoi(e->d_name) != dirfd(d);
	if (d)
		closedir(d);
	state->fds = fds;
	pthread_sigmask(SIG_BLOCK, NULL, &mask);
	state->sigterm_blocked = sigismember(&mask, SIGTERM);
	prctl(PR_GET_NAME, state->name);
	state->policy = sched_getscheduler(0);
	state->nice = getpriority(PRIO_PROCESS, 0);
	sched_getaffinity(0, sizeof(processors), &processors);
	state->processors = CPU_COUNT(&processors);
}

static struct rm_pipeline *fake_open(const struct rm_env *env, unsigned signals, unsigned topics, int level,
				     const struct rm_pipeline_driver *d)
{
	static struct rm_pipeline pipeline;
	int fd = open(getenv("FAKE_EXPORT_STATE"), O_RDWR | O_CLOEXEC);
	void *p = mmap(NULL, sizeof(*state), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	close(fd);
	if (p == MAP_FAILED)
		return NULL;
	state = p;
	look_around();
	if (state->refuse)
		return NULL;
	driver = *d;
	queued = 0;
	state->opened++;
	return &pipeline;
}

static uint32_t fake_resource(struct rm_pipeline *p, const struct rm_record *resource)
{
	state->resource_bytes = (int)resource->bytes;
	return 1;
}

static int fake_push(struct rm_pipeline *p, uint32_t resource, const struct rm_record *record)
{
	state->pushed++;
	queued++;
	return 0;
}

static bool fake_has_room(const struct rm_pipeline *p, enum rm_signal signal)
{
	return true;
}

static int hang(void)
{
	state->hanging = 1;
	while (!atomic_load(driver.abort)) {
		driver.idle(driver.arg);
		usleep(1000);
	}
	state->hanging = 0;
	return -1;
}

static uint64_t fake_run(struct rm_pipeline *p)
{
	struct stat st;

	state->stderr_is_null = fstat(2, &st) == 0 && st.st_rdev == makedev(1, 3);
	state->runs++;
	if (state->hang && queued)
		hang();
	/* Holds back what it has, like a batch that is not full; a flush gets it. */
	return queued ? 3600ull * 1000000000 : UINT64_MAX;
}

static int fake_flush(struct rm_pipeline *p, uint64_t deadline_ns)
{
	if (state->hang)
		return hang();
	state->delivered += queued;
	queued = 0;
	return 0;
}

static struct rm_poller *fake_poller_open(const struct rm_env *env, const struct rm_pipeline_driver *driver,
					  struct rm_rules *rules, struct rm_pipeline *p)
{
	(void)env, (void)driver, (void)rules, (void)p;
	return NULL;
}

static void fake_stats(const struct rm_pipeline *p, enum rm_signal signal, struct rm_pipeline_stats *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (signal == RM_SIGNAL_TRACES)
		ret->exported = (uint64_t)(state->pushed - queued);
}

static void fake_close(struct rm_pipeline *p)
{
	state->closed++;
}

const struct rm_pipeline_api *remora_export_api(uint32_t abi)
{
	static const struct rm_pipeline_api api = {
		.abi = RM_EXPORT_ABI,
		.open = fake_open,
		.resource = fake_resource,
		.push = fake_push,
		.has_room = fake_has_room,
		.run = fake_run,
		.flush = fake_flush,
		.stats = fake_stats,
		.close = fake_close,
		.poller_open = fake_poller_open,
	};

	return abi == RM_EXPORT_ABI ? &api : NULL;
}
