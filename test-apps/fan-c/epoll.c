/* One thread, epoll, timers in a list of its own. */
#include <sys/epoll.h>

#include "machine.h"

struct watcher {
	void (*readable)(void *what, int fd);
	void *what;
};

struct timer {
	long due;
	void (*done)(void *what);
	void *what;
};

static struct watcher watchers[65536];
static struct timer timers[65536];
static int loop, timer_count;

static void watch(int fd, void (*readable)(void *what, int fd), void *what)
{
	struct epoll_event e = { .events = EPOLLIN, .data.fd = fd };

	watchers[fd] = (struct watcher){ readable, what };
	epoll_ctl(loop, EPOLL_CTL_ADD, fd, &e);
}

static void unwatch(int fd)
{
	epoll_ctl(loop, EPOLL_CTL_DEL, fd, NULL);
}

static void after(int ms, void (*done)(void *what), void *what)
{
	timers[timer_count++] = (struct timer){ now_ms() + ms, done, what };
}

static void run_timers(void)
{
	long now = now_ms();

	for (int i = 0; i < timer_count; i++) {
		if (timers[i].due <= now) {
			struct timer t = timers[i];

			timers[i--] = timers[--timer_count];
			t.done(t.what);
		}
	}
}

int main(int argc, char **argv)
{
	struct epoll_event ready[64];

	loop = epoll_create1(0);
	start_machine(atoi(argv[argc > 1]));
	for (;;) {
		int n = epoll_wait(loop, ready, 64, timer_count ? 1 : -1);

		run_timers();
		for (int i = 0; i < n; i++)
			watchers[ready[i].data.fd].readable(watchers[ready[i].data.fd].what, ready[i].data.fd);
	}
}
