/* How large a head may be for our lines to be added to it. */
#include <stdio.h>

#include "agent/headroom.h"
#include "tests/unit/client_fixture.h"

static const char line[] = "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n";
enum {
	LINE = sizeof(line) - 1,
	REQUEST_LINE = sizeof("GET / HTTP/1.1\r\n") - 1,
	BESIDE = sizeof(": \r\n") - 1, /* the bytes of a field that are neither name nor value */
};

/* A head of so many bytes, in fields of one letter each of which the first has all the text. */
static bool takes(size_t head_bytes, uint32_t fields)
{
	static char raw[70000];
	static struct rm_field list[RM_FIELDS_MAX];
	struct rm_head head = { .fields = list, .field_count = fields, .fields_cut = fields > RM_FIELDS_MAX };

	if (head.fields_cut)
		head.field_count = RM_FIELDS_MAX;
	memset(raw, 'a', sizeof(raw));
	memcpy(raw, "GET / HTTP/1.1\r\n", REQUEST_LINE);
	/* The empty line is not in `raw`, and counts. */
	head.raw = (struct rm_str){ raw, head_bytes - 2 };
	for (uint32_t i = 0; i < head.field_count; i++)
		list[i] = (struct rm_field){ { raw, 1 }, { raw, 0 } };
	list[0].value.n = head.raw.n - REQUEST_LINE - BESIDE * fields - fields;
	head.text_bytes = (uint32_t)(head_bytes - 2);
	return rm_headroom(&head, (struct rm_str){ line, LINE });
}

RM_TEST("lines are added to heads as most programs send them")
{
	for (size_t bytes = 100; bytes < 3900; bytes++)
		RM_CHECK(takes(bytes, 12));
}

RM_TEST("no line is added that carries a head over a limit of size, however a server counts")
{
	static const size_t limits[] = { 4096, 8192, 15360, 16384, 32768, 65536 };
	const size_t uncounted = REQUEST_LINE + BESIDE * 12 + 2;

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		RM_CHECK(takes(limits[i] - LINE, 12));
		for (size_t bytes = limits[i] - LINE + 1; bytes <= limits[i] + uncounted; bytes++)
			RM_CHECK(!takes(bytes, 12));
		RM_CHECK(takes(limits[i] + uncounted + 1, 12));
	}
}

RM_TEST("no line is added that makes more fields than servers take")
{
	RM_CHECK(takes(3000, 98));
	RM_CHECK(!takes(3000, 99) && !takes(3000, 100));
	RM_CHECK(!takes(3000, 101));
	RM_CHECK(takes(3000, 102));
	RM_CHECK(takes(3000, RM_FIELDS_MAX + 1));
}

/* Sends a GET with so many fields; returns how many lines of ours it got. */
static int lines_added(int fields)
{
	static char request[STREAM_MAX], plain[STREAM_MAX];
	size_t n = (size_t)sprintf(request, "GET / HTTP/1.1\r\nHost: h\r\n");
	int lines;

	for (int i = 1; i < fields; i++)
		n += (size_t)sprintf(request + n, "X-%d: y\r\n", i);
	n += (size_t)sprintf(request + n, "\r\n");
	sent_bytes = 0;
	open_client(7);
	RM_CHECK(send_text(7, request, n) == (ssize_t)n);
	close_fd(7);
	RM_CHECK(without_lines(plain, &lines) == n && memcmp(plain, request, n) == 0);
	return lines;
}

RM_TEST("a request of a hundred fields goes out as the program wrote it, and has its span")
{
	char *none[] = { NULL };

	stub_start(none);
	refuse_percent = short_percent = 0;
	RM_CHECK(lines_added(98) == 1);
	RM_CHECK(stub_span() != NULL);
	for (int fields = 99; fields <= 100; fields++) {
		RM_CHECK(lines_added(fields) == 0);
		RM_CHECK(stub_span() != NULL);
	}
}
