/*
 * The same as a state machine for event loops: a request waits, takes a connection to the far side out of a pool
 * of few (or stands in line for one), asks, reads, waits again, answers. A loop gives watch() and after().
 */
#ifndef MACHINE_H
#define MACHINE_H

#include "fan.h"

enum { POOL = 16 };

struct request {
	int fd, calls, turn;
	long number;
	struct request *next; /* in line for a connection */
};

struct link {
	int fd;
	struct request *of; /* NULL: idle */
	char room[512];
	size_t n;
};

/* Of the loop: call `readable(what, fd)` whenever fd is, for ever; call `done(what)` once after ms. */
static void watch(int fd, void (*readable)(void *what, int fd), void *what);
static void unwatch(int fd);
static void after(int ms, void (*done)(void *what), void *what);

static struct link links[POOL];
static struct request *line, **line_end = &line;
static unsigned seed = 1;

static void send_on(struct link *l, struct request *r)
{
	char text[128];
	int n = call_text(text, sizeof(text), r->number, r->turn);

	l->of = r;
	l->n = 0;
	if (send(l->fd, text, (size_t)n, MSG_NOSIGNAL) != n)
		exit(1);
}

static void rested(void *what)
{
	struct request *r = what;

	for (int i = 0; i < POOL; i++) {
		if (!links[i].of) {
			send_on(&links[i], r);
			return;
		}
	}
	r->next = NULL;
	*line_end = r;
	line_end = &r->next;
}

static void far_said(void *what, int fd)
{
	struct link *l = what;
	ssize_t got = recv(fd, l->room + l->n, sizeof(l->room) - 1 - l->n, MSG_DONTWAIT);
	struct request *r = l->of;
	char *end;

	if (got <= 0)
		exit(1);
	l->n += (size_t)got;
	l->room[l->n] = '\0';
	end = strstr(l->room, "\r\n\r\n");
	if (!end || l->room + l->n < end + 7)
		return;
	l->of = NULL;
	if (line) {
		struct request *next = line;

		line = next->next;
		if (!line)
			line_end = &line;
		send_on(l, next);
	}
	if (++r->turn < r->calls) {
		after(rest_ms(&seed), rested, r);
		return;
	}
	answer(r->fd);
	free(r);
}

static void asked(void *what, int fd)
{
	char head[2048];
	ssize_t got = recv(fd, head, sizeof(head) - 1, MSG_DONTWAIT);
	struct request *r;

	(void)what;
	if (got <= 0) {
		unwatch(fd);
		close(fd);
		return;
	}
	head[got] = '\0';
	r = calloc(1, sizeof(*r));
	r->fd = fd;
	r->calls = how_many(&seed);
	r->number = number_of(head);
	after(rest_ms(&seed), rested, r);
}

static void came(void *what, int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);

	(void)what;
	if (fd >= 0)
		watch(fd, asked, NULL);
}

static void start_machine(int port)
{
	for (int i = 0; i < POOL; i++) {
		links[i].fd = connect_far();
		watch(links[i].fd, far_said, &links[i]);
	}
	watch(listen_on(port, SOCK_NONBLOCK), came, NULL);
}
#endif
