/*
 * Whom the commands of a shared connection belong to, by announcements of adapters: however the bytes are
 * cut by the kernel, whatever waits, and when announcements are taken back or come to an end.
 */
#include "tests/unit/served_fixture.h"

enum { SERVED_FD = 100, REDIS_FD = 200, OTHER_FD = 201, SERVED = 3 };

static const char command[] = "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n";
enum { COMMAND = sizeof(command) - 1 };
static rm_ctx served[SERVED];

static void start(void)
{
	static char *none[] = { NULL };

	stub_start(none);
	for (int i = 0; i < SERVED; i++) {
		accept_on(SERVED_FD + i);
		request_on(SERVED_FD + i, 1);
		served[i] = rm_ctx_of_request(SERVED_FD + i, 0);
		RM_CHECK(served[i] != 0);
	}
	open_client(REDIS_FD);
	sent_bytes = 0;
	rm_ctx_attach(RM_CTX_NOBODY, RM_SOURCE_ATTACHED);
}

static void end(void)
{
	rm_ctx_attach(0, RM_SOURCE_ATTACHED);
	for (int i = 0; i < SERVED; i++)
		close_fd(SERVED_FD + i);
	close_fd(REDIS_FD);
	while (stub_span())
		;
	RM_CHECK(all_freed());
}

/* Offers bytes to the kernel until it has taken all of them, as programs do. */
static void send_all(const char *p, size_t n)
{
	while (n) {
		ssize_t took = send_text(REDIS_FD, p, n);

		if (took > 0) {
			p += took;
			n -= (size_t)took;
		}
	}
}

static void send_commands(int count)
{
	for (int i = 0; i < count; i++)
		send_all(command, COMMAND);
}

/* The span of the oldest command that waits, which is answered now, belongs to `ctx`; 0: to nobody. */
static bool belongs(rm_ctx ctx)
{
	struct rm_exchange *e = rm_ctx_exchange(ctx);
	const struct rm_span *span;
	static const uint8_t none[8];

	receive_text(REDIS_FD, "+OK\r\n", 5);
	span = stub_span();
	return span && memcmp(span->parent_id, e ? e->ctx.span_id : none, 8) == 0;
}

RM_TEST("commands belong to what was said of their bytes, and those of which nothing was said to nobody")
{
	start();
	RM_CHECK(rm_ctx_written(REDIS_FD) == 0);
	RM_CHECK(rm_ctx_bind(REDIS_FD, 0, served[0]));
	RM_CHECK(rm_ctx_bind(REDIS_FD, 2 * COMMAND, served[1]));
	RM_CHECK(rm_ctx_bind(REDIS_FD, 3 * COMMAND, 0));
	send_commands(4);
	RM_CHECK(rm_ctx_written(REDIS_FD) == 4 * COMMAND);
	RM_CHECK(belongs(served[0]) && belongs(served[0]) && belongs(served[1]) && belongs(0));
	end();
}

RM_TEST("one write with commands of several requests gives each its own")
{
	char all[5 * COMMAND];

	start();
	for (int i = 0; i < 5; i++) {
		memcpy(all + i * COMMAND, command, COMMAND);
		RM_CHECK(rm_ctx_bind(REDIS_FD, (uint64_t)i * COMMAND, i == 3 ? 0 : served[i % SERVED]));
	}
	RM_CHECK(rm_ctx_bind(REDIS_FD, sizeof(all), 0));
	send_all(all, sizeof(all));
	for (int i = 0; i < 5; i++)
		RM_CHECK(belongs(i == 3 ? 0 : served[i % SERVED]));
	end();
}

RM_TEST("what is said later of the same bytes counts, and what has passed cannot be said any more")
{
	start();
	RM_CHECK(rm_ctx_bind(REDIS_FD, 0, served[0]) && rm_ctx_bind(REDIS_FD, COMMAND, served[1]));
	RM_CHECK(rm_ctx_bind(REDIS_FD, COMMAND, served[2]));
	RM_CHECK(rm_ctx_bind(REDIS_FD, 0, served[1]));
	send_commands(2);
	RM_CHECK(belongs(served[1]) && belongs(served[1]));
	RM_CHECK(!rm_ctx_bind(REDIS_FD, COMMAND, served[0]));
	send_commands(1);
	RM_CHECK(belongs(0)); /* who is mistaken about one byte may be about all */
	end();
}

RM_TEST("a context that ended while its command waited is nobody's, and no other one takes its place")
{
	start();
	RM_CHECK(rm_ctx_bind(REDIS_FD, 0, served[0]));
	rm_ctx_attach(served[1], RM_SOURCE_ATTACHED);
	answer_on(SERVED_FD);
	while (stub_span())
		;
	send_commands(1);
	RM_CHECK(belongs(0));
	end();
}

RM_TEST("what is no connection of a client to a database is not bound")
{
	start();
	RM_CHECK(!rm_ctx_bind(SERVED_FD, 0, served[0]) && !rm_ctx_bind(9999, 0, served[0]) && !rm_ctx_bind(-1, 0, served[0]));
	RM_CHECK(rm_ctx_written(SERVED_FD) == UINT64_MAX && rm_ctx_written(9999) == UINT64_MAX);
	open_client(OTHER_FD);
	send_text(OTHER_FD, "GET / HTTP/1.1\r\nHost: h\r\n\r\n", 27);
	RM_CHECK(!rm_ctx_bind(OTHER_FD, 1000, served[0]));
	close_fd(OTHER_FD);
	RM_CHECK(rm_ctx_bind(REDIS_FD, 0, served[0]));
	open_client(REDIS_FD); /* another connection with the same number */
	send_commands(1);
	RM_CHECK(belongs(0));
	end();
}

RM_TEST("more announcements than there is room for cost parents, and give no wrong one")
{
	static rm_ctx want[5000];
	size_t room = 0, found = 0;

	start();
	for (size_t i = 0; i < 5000; i++) {
		want[i] = served[i % SERVED];
		room += rm_ctx_bind(REDIS_FD, i * COMMAND, want[i]);
	}
	RM_CHECK(room > 4000 && room < 5000);
	for (size_t i = 0; i < 5000; i++) {
		sent_bytes = 0;
		send_commands(1);
		if (belongs(want[i]))
			found++;
	}
	RM_CHECK(found > 0 && found <= room);
	end();
}

/* Commands wait in the program, in a buffer of which the kernel takes what it likes. */
static void random_traffic(unsigned seed)
{
	static char waiting[64 * COMMAND];
	rm_ctx want[256];
	size_t n = 0, asked = 0, answered = 0, buffered = 0;

	random_state = seed;
	refuse_percent = 20;
	short_percent = 60;
	while (answered < 256) {
		if (asked < 256 && buffered < sizeof(waiting) && dice(2)) {
			want[asked] = dice(4) == 3 ? 0 : served[dice(SERVED)];
			RM_CHECK(rm_ctx_bind(REDIS_FD, asked * COMMAND, want[asked]));
			memcpy(waiting + buffered, command, COMMAND);
			buffered += COMMAND;
			asked++;
		} else if (buffered) {
			ssize_t took = send_text(REDIS_FD, waiting, buffered);

			if (took <= 0)
				continue;
			memmove(waiting, waiting + took, buffered - (size_t)took);
			buffered -= (size_t)took;
			n += (size_t)took;
			sent_bytes = 0;
			RM_CHECK(rm_ctx_written(REDIS_FD) == n);
		}
		for (; answered < n / COMMAND && dice(2); answered++)
			RM_CHECK(belongs(want[answered]));
	}
	refuse_percent = short_percent = 0;
}

RM_TEST("however the kernel cuts what waits, each command belongs to whom it was written for")
{
	for (unsigned seed = 1; seed <= 50; seed++) {
		start();
		random_traffic(seed);
		end();
	}
}
