/* The console exporter: its lines, on stderr and nowhere else. */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "agent/exporter.h"
#include "base/clock.h"
#include "tests/rmtest.h"
#include "tests/unit/sample_batch.h"

extern const struct rm_exporter rm_exporter_console;

static struct sample sample;
static char text[8192];

/* Exports the sample batch with `fd` as stderr; returns the exporter's verdict. */
static enum rm_export_code export_to(int fd)
{
	struct rm_export_io io = { .deadline_ns = rm_clock_mono_ns() + 20000000 };
	struct rm_export_result result;
	int stderr_copy = dup(STDERR_FILENO);

	sample_init(&sample);
	dup2(fd, STDERR_FILENO);
	rm_exporter_console.export(NULL, &sample.batch, &io, &result);
	dup2(stderr_copy, STDERR_FILENO);
	close(stderr_copy);
	return result.code;
}

RM_TEST("each span is a line with its context, times, attributes and resource")
{
	int fd[2];
	ssize_t n;

	RM_CHECK(pipe(fd) == 0);
	RM_CHECK(export_to(fd[1]) == RM_EXPORT_DONE);
	close(fd[1]);
	n = read(fd[0], text, sizeof(text) - 1);
	close(fd[0]);
	text[n > 0 ? n : 0] = '\0';
	RM_CHECK_STR(
		rm_str_c(text),
		"{\"name\":\"GET "
		"/caf\xc3\xa9\",\"context\":{\"trace_id\":\"0x0af7651916cd43dd8448eb211c80319c\","
		"\"span_id\":\"0xb7ad6b7169203331\",\"trace_state\":\"congo=t61rcWkgMzE\"},"
		"\"kind\":\"SpanKind.SERVER\",\"parent_id\":\"0x00f067aa0ba902b7\","
		"\"start_time\":\"2018-12-13T14:51:00.300000Z\",\"end_time\":\"2018-12-13T14:51:00."
		"600000Z\","
		"\"status\":{\"status_code\":\"ERROR\"},\"attributes\":{\"http.request.method\":"
		"\"GET\","
		"\"url.query\":\"bad=\xef\xbf\xbd\xef\xbf\xbd&good=\xe2\x82\xac\","
		"\"http.request.header.accept-encoding\":[\"gzip\",\"br\"],\"http.response.status_"
		"code\":500,"
		"\"http.request.body.size\":-9007199254740993,\"server.port\":0.5,\"client."
		"address\":true},"
		"\"resource\":{\"attributes\":{\"service.name\":\"shop\",\"deployment.environment."
		"name\":\"test\","
		"\"process.pid\":42}}}\n"
		"{\"name\":\"POST\",\"context\":{\"trace_id\":"
		"\"0x0af7651916cd43dd8448eb211c80319c\","
		"\"span_id\":\"0x0102030405060700\",\"trace_state\":\"\"},\"kind\":\"SpanKind."
		"CLIENT\","
		"\"parent_id\":\"0xb7ad6b7169203331\",\"start_time\":\"2018-12-13T14:51:00."
		"400000Z\","
		"\"end_time\":\"2018-12-13T14:51:00.500000Z\",\"status\":{\"status_code\":"
		"\"UNSET\"},"
		"\"attributes\":{},\"resource\":{\"attributes\":{\"service.name\":\"shop\","
		"\"deployment.environment.name\":\"test\",\"process.pid\":42}}}\n"
		"{\"name\":\"POST\",\"context\":{\"trace_id\":"
		"\"0x0af7651916cd43dd8448eb211c80319c\","
		"\"span_id\":\"0x0102030405060701\",\"trace_state\":\"\"},\"kind\":\"SpanKind."
		"CLIENT\","
		"\"start_time\":\"2018-12-13T14:51:00.400000Z\",\"end_time\":\"2018-12-13T14:51:00."
		"500000Z\","
		"\"status\":{\"status_code\":\"UNSET\"},\"attributes\":{},\"resource\":{"
		"\"attributes\":{"
		"\"service.name\":\"stock\",\"deployment.environment.name\":\"test\",\"process."
		"pid\":43}}}\n");
}

RM_TEST("a terminal that does not read is given up at the deadline")
{
	static char filler[65536];
	int fd[2];

	RM_CHECK(pipe2(fd, O_NONBLOCK) == 0);
	while (write(fd[1], filler, sizeof(filler)) > 0)
		;
	RM_CHECK(export_to(fd[1]) == RM_EXPORT_REFUSED);
	close(fd[0]);
	close(fd[1]);
}

RM_TEST("a closed stderr costs the spans, nothing else")
{
	int fd = open("/dev/null", O_RDONLY);

	RM_CHECK(export_to(fd) == RM_EXPORT_REFUSED);
	close(fd);
}
