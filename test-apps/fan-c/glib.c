/* The machine on GLib's main loop. */
#include <glib-unix.h>

#include "machine.h"

struct watcher {
	void (*readable)(void *what, int fd);
	void *what;
};

struct timer {
	void (*done)(void *what);
	void *what;
};

static guint sources[65536];

static gboolean ready(gint fd, GIOCondition condition, gpointer data)
{
	struct watcher *w = data;

	(void)condition;
	w->readable(w->what, fd);
	return sources[fd] != 0;
}

static void watch(int fd, void (*readable)(void *what, int fd), void *what)
{
	struct watcher *w = g_new(struct watcher, 1);

	*w = (struct watcher){ readable, what };
	sources[fd] = g_unix_fd_add_full(G_PRIORITY_DEFAULT, fd, G_IO_IN, ready, w, g_free);
}

static void unwatch(int fd)
{
	sources[fd] = 0;
}

static gboolean due(gpointer data)
{
	struct timer *t = data;

	t->done(t->what);
	return G_SOURCE_REMOVE;
}

static void after(int ms, void (*done)(void *what), void *what)
{
	struct timer *t = g_new(struct timer, 1);

	*t = (struct timer){ done, what };
	g_timeout_add_full(G_PRIORITY_DEFAULT, (guint)ms, due, t, g_free);
}

int main(int argc, char **argv)
{
	start_machine(atoi(argv[argc > 1]));
	g_main_loop_run(g_main_loop_new(NULL, FALSE));
}
