/* The machine on libev. */
#include <ev.h>

#include "machine.h"

struct watcher {
	ev_io io;
	void (*readable)(void *what, int fd);
	void *what;
};

struct timer {
	ev_timer timer;
	void (*done)(void *what);
	void *what;
};

static struct watcher *watchers[65536];

static void ready(EV_P_ ev_io *io, int events)
{
	struct watcher *w = (struct watcher *)io;

	(void)loop;
	(void)events;
	w->readable(w->what, io->fd);
}

static void watch(int fd, void (*readable)(void *what, int fd), void *what)
{
	struct watcher *w = calloc(1, sizeof(*w));

	w->readable = readable;
	w->what = what;
	watchers[fd] = w;
	ev_io_init(&w->io, ready, fd, EV_READ);
	ev_io_start(EV_DEFAULT_ &w->io);
}

static void unwatch(int fd)
{
	ev_io_stop(EV_DEFAULT_ &watchers[fd]->io);
	free(watchers[fd]);
}

static void due(EV_P_ ev_timer *timer, int events)
{
	struct timer *t = (struct timer *)timer;

	(void)loop;
	(void)events;
	t->done(t->what);
	free(t);
}

static void after(int ms, void (*done)(void *what), void *what)
{
	struct timer *t = calloc(1, sizeof(*t));

	t->done = done;
	t->what = what;
	ev_timer_init(&t->timer, due, ms / 1000.0, 0);
	ev_timer_start(EV_DEFAULT_ &t->timer);
}

int main(int argc, char **argv)
{
	start_machine(atoi(argv[argc > 1]));
	ev_run(EV_DEFAULT_ 0);
}
