/* The lock of the loader's list, in processes that were forked while somebody held it. */
#include <link.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/loader_lock.h"
#include "base/objects.h"
#include "tests/rmtest.h"

enum { LIVE = 1, NOT_LIVE = 2, HANGS_S = 30 };

static sem_t held, enough;

/* What a forked child finds. */
static int ask_child(void)
{
	int status = 0;
	pid_t child = fork();

	if (child == 0) {
		alarm(HANGS_S);
		_exit(rm_loader_lock_is_live() ? LIVE : NOT_LIVE);
	}
	return waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int hold(struct dl_phdr_info *info, size_t bytes, void *arg)
{
	sem_post(&held);
	sem_wait(&enough);
	return 1;
}

static void *holder(void *arg)
{
	dl_iterate_phdr(hold, NULL);
	return NULL;
}

static int fork_inside(struct dl_phdr_info *info, size_t bytes, void *arg)
{
	*(int *)arg = ask_child();
	return 1;
}

static bool see(const struct rm_object *o, void *arg)
{
	return true;
}

static void *see_list(void *arg)
{
	rm_objects_each(see, NULL);
	return NULL;
}

RM_TEST("before its place is known a process may take it, and a forked child may not")
{
	RM_CHECK(ask_child() == NOT_LIVE);
	rm_loader_lock_learn();
	RM_CHECK(rm_loader_lock_is_live() && ask_child() == LIVE);
}

RM_TEST("a child that was forked while another thread held it may not take it, its parent may")
{
	pthread_t thread;

	sem_init(&held, 0, 0);
	sem_init(&enough, 0, 0);
	pthread_create(&thread, NULL, holder, NULL);
	sem_wait(&held);
	RM_CHECK(ask_child() == NOT_LIVE && rm_loader_lock_is_live());
	sem_post(&enough);
	pthread_join(thread, NULL);
	RM_CHECK(ask_child() == LIVE);
}

RM_TEST("nor may one that was forked inside a walk")
{
	int found = 0;

	dl_iterate_phdr(fork_inside, &found);
	RM_CHECK(found == NOT_LIVE && ask_child() == LIVE);
}

RM_TEST("a child waits for its own threads as any process does")
{
	int status = 0;
	pid_t child = fork();

	if (child == 0) {
		pthread_t thread, other;
		bool live;

		alarm(HANGS_S);
		pthread_create(&thread, NULL, holder, NULL);
		sem_wait(&held);
		live = rm_loader_lock_is_live();
		pthread_create(&other, NULL, see_list, NULL);
		sem_post(&enough);
		pthread_join(other, NULL);
		_exit(live ? LIVE : NOT_LIVE);
	}
	RM_CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == LIVE);
}

static int ask_inside(struct dl_phdr_info *info, size_t bytes, void *arg)
{
	*(bool *)arg = rm_loader_lock_is_mine();
	return 1;
}

RM_TEST("a thread knows whether it has it itself")
{
	bool inside = false;
	pthread_t other;

	rm_loader_lock_learn();
	RM_CHECK(!rm_loader_lock_is_mine());
	dl_iterate_phdr(ask_inside, &inside);
	RM_CHECK(inside && !rm_loader_lock_is_mine());
	pthread_create(&other, NULL, holder, NULL);
	sem_wait(&held);
	RM_CHECK(!rm_loader_lock_is_mine()); /* another one has it */
	sem_post(&enough);
	pthread_join(other, NULL);
}
