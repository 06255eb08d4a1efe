/* Tasks off a queue: agent/task.c. */
#include <sys/wait.h>
#include <unistd.h>

#include "agent/adapter_api.h"
#include "tests/unit/served_fixture.h"

#define TRACE "4bf92f3577b34da6a3ce929d0e0e4736"
#define SENDER "00f067aa0ba902b7"

enum { CLIENT_FD = 100 };

static char *ingress[] = { NULL };

static rm_ctx begin(const char *traceparent)
{
	const struct rm_task task = {
		.system = RM_STR("celery"), .name = RM_STR("main.call"), .queue = RM_STR("work"), .id = RM_STR("7"),
		.traceparent = rm_str_c(traceparent),
	};
	static bool started;

	if (!started) {
		stub_start(ingress);
		open_client(CLIENT_FD);
	}
	started = true;
	return rm_ctx_begin_task(&task);
}

static struct rm_str attribute(const struct rm_span *span, const char *key)
{
	struct rm_attr_iter it = rm_record_attrs(&span->record);
	struct rm_attr a;

	while (rm_attr_next(&it, &a))
		if (rm_str_eq(a.key, rm_str_c(key)) && a.type == RM_ATTR_STR)
			return a.v.str;
	return RM_STR("none");
}

static bool is_hex(const uint8_t *id, size_t n, const char *text)
{
	char hex[33];

	for (size_t i = 0; i < n; i++)
		snprintf(hex + 2 * i, 3, "%02x", id[i]);
	return strcmp(hex, text) == 0;
}

RM_TEST("a task is a CONSUMER span below whoever sent it")
{
	rm_ctx ctx = begin("00-" TRACE "-" SENDER "-01");
	const struct rm_span *span;

	RM_CHECK(ctx && rm_ctx_lives(ctx));
	rm_ctx_end_task(ctx);
	RM_CHECK(!rm_ctx_lives(ctx));
	span = stub_span();
	RM_CHECK(span && span->kind == RM_KIND_CONSUMER && span->status == RM_STATUS_UNSET);
	RM_CHECK(is_hex(span->trace_id, 16, TRACE) && is_hex(span->parent_id, 8, SENDER));
	RM_CHECK_STR(rm_span_name(span), "run main.call");
	RM_CHECK_STR(attribute(span, "messaging.system"), "celery");
	RM_CHECK_STR(attribute(span, "messaging.operation.name"), "run");
	RM_CHECK_STR(attribute(span, "messaging.operation.type"), "process");
	RM_CHECK_STR(attribute(span, "messaging.destination.name"), "work");
	RM_CHECK_STR(attribute(span, "messaging.message.id"), "7");
	RM_CHECK_STR(attribute(span, "code.function.name"), "main.call");
}

RM_TEST("one whose function nobody names is called after its queue")
{
	const struct rm_task task = { .system = RM_STR("rq"), .queue = RM_STR("work"), .id = RM_STR("7") };
	const struct rm_span *span;

	rm_ctx_end_task(begin(""));
	RM_CHECK(stub_span());
	rm_ctx_end_task(rm_ctx_begin_task(&task));
	span = stub_span();
	RM_CHECK(span);
	RM_CHECK_STR(rm_span_name(span), "run work");
	RM_CHECK_STR(attribute(span, "code.function.name"), "none");
}

RM_TEST("what is sent while it runs is below it, by its text and by the thread it is attached to, and after it nothing")
{
	static const char plain[] = "GET /out HTTP/1.1\r\nHost: h\r\n\r\n", reply[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
	char text[RM_CTX_TEXT_BYTES + 1] = "", head[200];
	rm_ctx ctx = begin("00-" TRACE "-" SENDER "-01");

	RM_CHECK(rm_ctx_to_traceparent(ctx, text) && rm_ctx_from_traceparent(text, RM_CTX_TEXT_BYTES) == ctx);
	snprintf(head, sizeof(head), "GET /out HTTP/1.1\r\nHost: h\r\ntraceparent: %.55s\r\n\r\n", text);
	for (int i = 0; i < 3; i++) {
		if (i == 1)
			rm_ctx_attach(ctx, RM_SOURCE_ATTACHED);
		if (i == 2)
			rm_ctx_end_task(ctx);
		sent_bytes = 0;
		send_text(CLIENT_FD, i ? plain : head, strlen(i ? plain : head));
		sent[sent_bytes] = '\0';
		receive_text(CLIENT_FD, reply, sizeof(reply) - 1);
		RM_CHECK((strstr(sent, "traceparent: 00-" TRACE) != NULL) == (i < 2));
		RM_CHECK(!strstr(sent, text));
	}
	rm_ctx_attach(0, RM_SOURCE_ATTACHED);
	RM_CHECK(rm_ctx_from_traceparent(text, RM_CTX_TEXT_BYTES) == 0 && !rm_ctx_to_traceparent(ctx, text));
	while (stub_span())
		;
}

RM_TEST("one that fails says of what type, once; one that is over cannot fail")
{
	rm_ctx ctx = begin("");
	const struct rm_span *span;

	rm_ctx_fail_task(ctx, RM_STR("KeyError"));
	rm_ctx_fail_task(ctx, RM_STR("ValueError"));
	rm_ctx_end_task(ctx);
	rm_ctx_fail_task(ctx, RM_STR("ValueError"));
	rm_ctx_end_task(ctx);
	span = stub_span();
	RM_CHECK(span && span->status == RM_STATUS_ERROR && is_hex(span->parent_id, 8, "0000000000000000"));
	RM_CHECK_STR(attribute(span, "error.type"), "KeyError");
	RM_CHECK(!stub_span());
}

RM_TEST("who did not ask to be traced is not, nor what is below")
{
	rm_ctx ctx = begin("00-" TRACE "-" SENDER "-00");
	char text[RM_CTX_TEXT_BYTES];

	RM_CHECK(rm_ctx_to_traceparent(ctx, text) && !((text[54] - '0') & RM_FLAG_SAMPLED));
	rm_ctx_fail_task(ctx, RM_STR("KeyError"));
	rm_ctx_end_task(ctx);
	RM_CHECK(!stub_span());
}

RM_TEST("a name that is too long, and no text at all, are left out")
{
	char name[400];
	struct rm_task task = { .name = { name, sizeof(name) } };
	const struct rm_span *span;

	memset(name, 'x', sizeof(name));
	rm_ctx_end_task(rm_ctx_begin_task(&task));
	span = stub_span();
	RM_CHECK(span != NULL);
	RM_CHECK_STR(rm_span_name(span), "run");
	RM_CHECK_STR(attribute(span, "code.function.name"), "none");
}

RM_TEST("a child that is forked meanwhile works for it until it is over, and ends nothing")
{
	rm_ctx ctx = begin("00-" TRACE "-" SENDER "-01");
	int over[2], looked[2], status = 1;
	char byte;
	pid_t child;

	RM_CHECK(pipe(over) == 0 && pipe(looked) == 0);
	child = fork();
	if (child == 0) {
		bool lived = rm_ctx_lives(ctx);

		rm_ctx_end_task(ctx);
		lived = lived && rm_ctx_lives(ctx);
		close(over[1]);
		if (write(looked[1], "", 1) != 1)
			_exit(3);
		_exit(read(over[0], &byte, 1) == 0 && lived && !rm_ctx_lives(ctx) ? 0 : 2);
	}
	RM_CHECK(read(looked[0], &byte, 1) == 1);
	rm_ctx_end_task(ctx);
	close(over[1]);
	RM_CHECK(waitpid(child, &status, 0) == child && status == 0);
	RM_CHECK(stub_span() && !stub_span());
}

