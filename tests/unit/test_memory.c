/*
 * REMORA_MEMORY_LIMIT: what pools and tables map together stays below it; at it bytes pass as the program
 * wrote them and what is lost is counted; and when connections end all goes on.
 */
#include <pthread.h>

#include "base/memory.h"
#include "tests/unit/client_fixture.h"

enum { MIB = 1 << 20, LIMIT = 16 * MIB, MANY = 40000, THREADS = 4, PIECE = 64 * 1024 };

static const char request[] = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
static const char reply[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
enum { REQUEST = sizeof(request) - 1, REPLY = sizeof(reply) - 1 };

static bool sent_plain(int *ret_lines)
{
	static char plain[STREAM_MAX];

	return without_lines(plain, ret_lines) == REQUEST && memcmp(plain, request, REQUEST) == 0;
}

static uint64_t lost(enum rm_lost why)
{
	return atomic_load(&stub_segment.lost[why]);
}

static unsigned count_spans(void)
{
	static _Alignas(8) char buf[RM_RECORD_MAX_BYTES];
	unsigned n = 0;

	for (uint32_t ring = 0; ring < RM_SEGMENT_RINGS; ring++)
		while (rm_segment_pop(&stub_segment, ring, buf) > 0)
			n++;
	return n;
}

RM_TEST("past the limit requests go out as they are and are counted, and below it all goes on")
{
	char *none[] = { NULL };
	unsigned with_line = 0, spans;
	uint64_t lost_before;
	int lines;

	stub_start(none);
	rm_memory_limit(LIMIT);
	lost_before = lost(RM_LOST_EXCHANGE) + lost(RM_LOST_INJECT);
	for (int i = 0; i < MANY; i++) {
		open_client(1000 + i);
		sent_bytes = 0;
		RM_CHECK(send_text(1000 + i, request, REQUEST) == REQUEST && sent_plain(&lines));
		with_line += lines == 1;
	}
	RM_CHECK(rm_memory_mapped() <= LIMIT);
	RM_CHECK(with_line > 1000 && with_line < MANY);
	RM_CHECK(lost(RM_LOST_EXCHANGE) + lost(RM_LOST_INJECT) > lost_before);
	for (int i = 0; i < MANY; i++)
		close_fd(1000 + i);
	spans = count_spans();
	RM_CHECK(spans > 0 && rm_memory_mapped() <= LIMIT && all_freed());
	open_client(7);
	sent_bytes = 0;
	RM_CHECK(send_text(7, request, REQUEST) == REQUEST && sent_plain(&lines) && lines == 1);
	receive_text(7, reply, REPLY);
	close_fd(7);
	RM_CHECK(count_spans() == 1 && all_freed());
}

static void *take_all(void *arg)
{
	size_t *taken = arg;

	while (rm_memory_get(PIECE))
		*taken += PIECE;
	return NULL;
}

RM_TEST("threads that take memory at once do not get more than there is")
{
	uint64_t before = rm_memory_mapped();
	size_t taken[THREADS] = { 0 }, all = 0;
	pthread_t thread[THREADS];

	rm_memory_limit(before + 10 * MIB);
	for (int i = 0; i < THREADS; i++)
		RM_CHECK(pthread_create(&thread[i], NULL, take_all, &taken[i]) == 0);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(thread[i], NULL);
		all += taken[i];
	}
	RM_CHECK(all == 10 * MIB && rm_memory_mapped() == before + all);
	RM_CHECK(!rm_memory_get(1));
}
