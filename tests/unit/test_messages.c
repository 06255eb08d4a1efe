/*
 * Messages from their bytes to their spans, and context into and out of them: agent/observe.c, edit.c and
 * semconv_messaging.c, with NATS as the protocol.
 */
#include "tests/unit/client_fixture.h"

#define SENDER "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

static const char info[] = "INFO {\"headers\":true,\"max_payload\":1000}\r\n";
static const char connect_line[] = "CONNECT {\"headers\":true}\r\nPING\r\n";

static void begin(char *const *environment)
{
	char *none[] = { NULL };

	stub_start(environment ? environment : none);
	sent_bytes = 0;
	open_client(7);
	receive_text(7, info, sizeof(info) - 1);
	RM_CHECK(send_text(7, connect_line, sizeof(connect_line) - 1) == sizeof(connect_line) - 1);
	receive_text(7, "PONG\r\n", 6);
	sent_bytes = 0;
}

static void end(void)
{
	close_fd(7);
	while (stub_span())
		;
	RM_CHECK(all_freed());
}

static void send_line(const char *text)
{
	RM_CHECK(send_text(7, text, strlen(text)) == (ssize_t)strlen(text));
}

static struct rm_str sent_text(void)
{
	return (struct rm_str){ sent, sent_bytes };
}

static const char *of(const struct rm_span *span, enum rm_key key)
{
	static char text[256];
	struct rm_attr_iter it = rm_record_attrs(&span->record);
	struct rm_attr a;

	while (rm_attr_next(&it, &a)) {
		if (a.key.p != rm_key_name(key).p)
			continue;
		if (a.type == RM_ATTR_STR)
			snprintf(text, sizeof(text), "%.*s", (int)a.v.str.n, a.v.str.p);
		else
			snprintf(text, sizeof(text), "%ld", (long)a.v.i64);
		return text;
	}
	return "";
}

static unsigned long lost(enum rm_lost why)
{
	return atomic_load(&stub_segment.lost[why]);
}

RM_TEST("a message that is sent gets the context of its PRODUCER span")
{
	char value[RM_TRACEPARENT_BYTES + 1] = "", want[256];
	struct rm_spanctx ctx = { .valid = true, .flags = 3 };
	const struct rm_span *span;

	begin(NULL);
	send_line("PUB orders.new 5\r\nhello\r\n");
	span = stub_span();
	RM_CHECK(span && span->kind == RM_KIND_PRODUCER && span->link_count == 0);
	RM_CHECK_STR(rm_span_name(span), "publish orders.new");
	RM_CHECK(strcmp(of(span, RM_KEY_MESSAGING_SYSTEM), "nats") == 0);
	RM_CHECK(strcmp(of(span, RM_KEY_MESSAGING_OPERATION_NAME), "publish") == 0);
	RM_CHECK(strcmp(of(span, RM_KEY_MESSAGING_OPERATION_TYPE), "send") == 0);
	RM_CHECK(strcmp(of(span, RM_KEY_MESSAGING_DESTINATION_NAME), "orders.new") == 0);
	memcpy(ctx.trace_id, span->trace_id, 16);
	memcpy(ctx.span_id, span->span_id, 8);
	rm_traceparent_format(&ctx, value);
	snprintf(want, sizeof(want), "HPUB orders.new 82 87\r\nNATS/1.0\r\ntraceparent: %s\r\n\r\nhello\r\n", value);
	RM_CHECK_STR(sent_text(), want);
	end();
}

RM_TEST("a message that came is below the span that sent it, and linked to it; it leaves again with its own")
{
	static const char message[] = "HMSG orders.new 1 99 101\r\nNATS/1.0\r\ntraceparent: " SENDER "\r\ntracestate: a=1\r\n\r\nab\r\n";
	const struct rm_span *span;
	struct rm_attr_iter it;
	struct rm_link link;
	uint8_t id[8];

	begin(NULL);
	send_line("SUB orders.* workers 1\r\n");
	sent_bytes = 0;
	receive_text(7, message, sizeof(message) - 1);
	span = stub_span();
	RM_CHECK(span && span->kind == RM_KIND_CONSUMER && span->link_count == 1 && span->bits & RM_SPAN_PARENT_REMOTE);
	RM_CHECK_STR(rm_span_name(span), "receive orders.*");
	RM_CHECK_STR(rm_span_tracestate(span), "a=1");
	RM_CHECK(strcmp(of(span, RM_KEY_MESSAGING_OPERATION_TYPE), "receive") == 0);
	RM_CHECK(strcmp(of(span, RM_KEY_MESSAGING_DESTINATION_TEMPLATE), "orders.*") == 0);
	RM_CHECK(strcmp(of(span, RM_KEY_MESSAGING_CONSUMER_GROUP_NAME), "workers") == 0);
	RM_CHECK(rm_hex_decode("b7ad6b7169203331", id, 8) && memcmp(span->parent_id, id, 8) == 0);
	it = rm_record_attrs(&span->record);
	RM_CHECK(rm_link_next(&it, &link) && memcmp(link.span_id, id, 8) == 0 && link.trace_flags == 1);
	RM_CHECK(memcmp(link.trace_id, span->trace_id, 16) == 0);
	/* The program hands the headers on: they stay, and the new span is below the same sender. */
	send_line("HPUB other 82 83\r\nNATS/1.0\r\ntraceparent: " SENDER "\r\n\r\na\r\n");
	span = stub_span();
	RM_CHECK(span && span->kind == RM_KIND_PRODUCER && memcmp(span->parent_id, id, 8) == 0);
	RM_CHECK_STR(sent_text(), "HPUB other 82 83\r\nNATS/1.0\r\ntraceparent: " SENDER "\r\n\r\na\r\n");
	end();
}

RM_TEST("a message without context begins a trace; of one that is not sampled there is no span, but its word goes on")
{
	char *off[] = { (char *)"OTEL_TRACES_SAMPLER=always_off", NULL };
	const struct rm_span *span;

	begin(NULL);
	receive_text(7, "MSG a 1 1\r\na\r\n", 14);
	span = stub_span();
	RM_CHECK(span && span->kind == RM_KIND_CONSUMER && !span->link_count && !(span->bits & RM_SPAN_PARENT_REMOTE));
	end();
	begin(off);
	receive_text(7, "MSG a 1 1\r\na\r\n", 14);
	send_line("PUB a 1\r\na\r\n");
	RM_CHECK(!stub_span() && sent_bytes > 70 && memcmp(sent, "HPUB a 82 83\r\n", 14) == 0);
	end();
}

RM_TEST("what cannot be added is counted, and the message stays as it is: no room, or a head in two calls")
{
	static char large[1200];
	unsigned long before;
	int n = snprintf(large, sizeof(large), "PUB a 930\r\n%0930d\r\n", 0);

	begin(NULL);
	before = lost(RM_LOST_INJECT);
	RM_CHECK(send_text(7, large, (size_t)n) == n && sent_bytes == (size_t)n && memcmp(sent, large, (size_t)n) == 0);
	RM_CHECK(lost(RM_LOST_INJECT) == before + 1);
	sent_bytes = 0;
	send_line("PUB a");
	send_line(" 1\r\na\r\n");
	RM_CHECK_STR(sent_text(), "PUB a 1\r\na\r\n");
	RM_CHECK(lost(RM_LOST_INJECT) == before + 2);
	RM_CHECK(stub_span() && stub_span() && !stub_span());
	end();
}

RM_TEST("many messages in one call, whatever the kernel takes of each")
{
	static char stream[STREAM_MAX], plain[STREAM_MAX * 2];

	for (int round = 0; round < 300; round++) {
		size_t n = 0, at = 0, plain_bytes = 0;
		int count = 1 + round % 60, lines = 0;

		for (int i = 0; i < count; i++)
			n += (size_t)sprintf(stream + n, "PUB a.%d %d\r\n%0*d\r\n", i, 1 + i, 1 + i, 0);
		begin(NULL);
		short_percent = round % 4 * 30;
		refuse_percent = round % 3 * 20;
		while (at < n) {
			ssize_t taken = send_text(7, stream + at, n - at);

			at += taken > 0 ? (size_t)taken : 0;
		}
		short_percent = refuse_percent = 0;
		/* Each HPUB made PUB again. */
		for (size_t i = 0; i < sent_bytes;) {
			char subject[16];
			int head, all, used = 0;

			if (sscanf(sent + i, "HPUB %15s %d %d\r\n%n", subject, &head, &all, &used) == 3 && used) {
				RM_CHECK(head == 82 && memcmp(sent + i + used, "NATS/1.0\r\ntraceparent: 00-", 26) == 0);
				plain_bytes += (size_t)sprintf(plain + plain_bytes, "PUB %s %d\r\n", subject, all - head);
				memcpy(plain + plain_bytes, sent + i + used + head, (size_t)(all - head) + 2);
				plain_bytes += (size_t)(all - head) + 2;
				i += (size_t)(used + all + 2);
				lines++;
				continue;
			}
			break;
		}
		RM_CHECK(lines == count && plain_bytes == n && memcmp(plain, stream, n) == 0);
		end();
	}
}
