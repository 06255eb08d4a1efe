/*
 * A thread for each connection, and for the calls of each request:
 *   plain    none: the thread itself, over a connection of its own
 *   fanout   one more for each call, joined
 *   nested   one that itself starts one for each call and joins them; joined
 *   detached one for each call, which nobody joins; a semaphore tells when they are done
 *   growing  a pool for all requests, whose threads are started by requests that find none idle
 *   helpers  a queue for all requests; each request starts a thread that works until it is empty, and joins it
 */
#include <pthread.h>
#include <semaphore.h>

#include "accept.h"
#include "fan.h"

struct job {
	long number;
	int turn, rest;
	sem_t *done;
	struct job *next;
};

static const char *style;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t news = PTHREAD_COND_INITIALIZER;
static struct job *queue, **queue_end = &queue;
static int idle;

static void do_job(struct job *j)
{
	int fd = connect_far();

	sleep_ms(j->rest);
	call_over(fd, j->number, j->turn);
	close(fd);
	if (j->done)
		sem_post(j->done);
}

static struct job *take(void)
{
	struct job *j = queue;

	if (j && !(queue = j->next))
		queue_end = &queue;
	return j;
}

static void put(struct job *j)
{
	j->next = NULL;
	*queue_end = j;
	queue_end = &j->next;
}

static void *one_job(void *arg)
{
	do_job(arg);
	return NULL;
}

static void *pool_thread(void *arg)
{
	pthread_mutex_lock(&lock);
	for (;;) {
		struct job *j = take();

		if (j) {
			pthread_mutex_unlock(&lock);
			do_job(j);
			pthread_mutex_lock(&lock);
			continue;
		}
		idle++;
		pthread_cond_wait(&news, &lock);
		idle--;
	}
	return arg;
}

static void *helper(void *arg)
{
	struct job *j;

	do {
		pthread_mutex_lock(&lock);
		j = take();
		pthread_mutex_unlock(&lock);
		if (j)
			do_job(j);
	} while (j);
	return arg;
}

struct group {
	struct job *jobs;
	int count;
};

static void *join_each(void *arg)
{
	struct group *g = arg;
	pthread_t threads[3];

	for (int i = 0; i < g->count; i++)
		pthread_create(&threads[i], NULL, one_job, &g->jobs[i]);
	for (int i = 0; i < g->count; i++)
		pthread_join(threads[i], NULL);
	return NULL;
}

/* By the pool that grows, or by helpers: what is in the queue may be done by threads of other requests. */
static void by_queue(struct group *g, sem_t *done)
{
	pthread_t thread;
	int helpers = strcmp(style, "helpers") == 0, lonely;

	for (int i = 0; i < g->count; i++) {
		pthread_mutex_lock(&lock);
		put(&g->jobs[i]);
		lonely = idle == 0;
		pthread_cond_signal(&news);
		pthread_mutex_unlock(&lock);
		if (!helpers && lonely) {
			pthread_create(&thread, NULL, pool_thread, NULL);
			pthread_detach(thread);
		}
	}
	if (helpers) {
		pthread_create(&thread, NULL, helper, NULL);
		pthread_join(thread, NULL);
	}
	for (int i = 0; i < g->count; i++)
		sem_wait(done);
}

static void detached(struct group *g, sem_t *done)
{
	pthread_t thread;

	for (int i = 0; i < g->count; i++) {
		pthread_create(&thread, NULL, one_job, &g->jobs[i]);
		pthread_detach(thread);
	}
	for (int i = 0; i < g->count; i++)
		sem_wait(done);
}

static void fan_out(long number, unsigned *seed)
{
	struct job jobs[3];
	struct group g = { jobs, how_many(seed) };
	int joins = strcmp(style, "fanout") == 0 || strcmp(style, "nested") == 0;
	pthread_t thread;
	sem_t done;

	sem_init(&done, 0, 0);
	for (int i = 0; i < g.count; i++)
		jobs[i] = (struct job){ number, i, rest_ms(seed), joins ? NULL : &done, NULL };
	if (strcmp(style, "nested") == 0) {
		pthread_create(&thread, NULL, join_each, &g);
		pthread_join(thread, NULL);
	} else if (joins) {
		join_each(&g);
	} else if (strcmp(style, "detached") == 0) {
		detached(&g, &done);
	} else {
		by_queue(&g, &done);
	}
	sem_destroy(&done);
}

static void *serve(void *arg)
{
	int fd = (int)(long)arg;
	unsigned seed = (unsigned)(fd ^ time(NULL));
	int plain = strcmp(style, "plain") == 0, far = plain ? connect_far() : -1;
	char head[2048];

	while (read_message(fd, head, sizeof(head), 0)) {
		long number = number_of(head);

		if (!plain)
			fan_out(number, &seed);
		for (int turn = 0, calls = plain ? how_many(&seed) : 0; turn < calls; turn++) {
			sleep_ms(rest_ms(&seed));
			call_over(far, number, turn);
		}
		answer(fd);
	}
	if (plain)
		close(far);
	close(fd);
	return NULL;
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return 1;
	style = argv[2];
	return serve_each(listen_on(atoi(argv[1]), 0), serve);
}
