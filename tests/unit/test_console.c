/* The console exporter: its lines, on stderr and nowhere else. */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "agent/exporter.h"
#include "base/clock.h"
#include "tests/rmtest.h"
#include "tests/unit/sample_batch.h"

extern const struct rm_exporter rm_exporter_console, rm_exporter_console_logs;

static struct sample sample;
static char text[8192];

/* Exports a batch with `fd` as stderr; returns the exporter's verdict. */
static enum rm_export_code export_by(const struct rm_exporter *x, const struct rm_batch *batch, int fd)
{
	struct rm_export_io io = { .deadline_ns = rm_clock_mono_ns() + 20000000 };
	struct rm_export_result result;
	int stderr_copy = dup(STDERR_FILENO);

	dup2(fd, STDERR_FILENO);
	x->export(NULL, batch, &io, &result);
	dup2(stderr_copy, STDERR_FILENO);
	close(stderr_copy);
	return result.code;
}

/* Exports a batch, and takes what was written into `text`. */
static void read_export(const struct rm_exporter *x, const struct rm_batch *batch)
{
	int fd[2];
	ssize_t n;

	RM_CHECK(pipe(fd) == 0);
	RM_CHECK(export_by(x, batch, fd[1]) == RM_EXPORT_DONE);
	close(fd[1]);
	n = read(fd[0], text, sizeof(text) - 1);
	close(fd[0]);
	text[n > 0 ? n : 0] = '\0';
}

static enum rm_export_code export_to(int fd)
{
	return export_by(&rm_exporter_console, &sample.batch, fd);
}

RM_TEST("each span is a line with its context, times, attributes and resource")
{
	sample_init(&sample);
	read_export(&rm_exporter_console, &sample.batch);
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

RM_TEST("links are listed behind the attributes")
{
	sample_init(&sample);
	sample_linked(sample.span[0]);
	read_export(&rm_exporter_console, &sample.batch);
	RM_CHECK(strstr(text, "\"server.port\":4222},\"links\":["
			      "{\"trace_id\":\"0x0af7651916cd43dd8448eb211c80319c\",\"span_id\":\"0x0102030405060708\"},"
			      "{\"trace_id\":\"0x05000000000000000000000000000000\",\"span_id\":\"0x0600000000000000\"}],"
			      "\"resource\""));
}

RM_TEST("events are listed with their times and attributes")
{
	sample_init(&sample);
	sample_events(sample.span[0]);
	read_export(&rm_exporter_console, &sample.batch);
	RM_CHECK(strstr(text, "\"server.port\":80},\"events\":[{\"name\":\"exception\","
			      "\"timestamp\":\"1970-01-01T00:00:00.000005Z\",\"attributes\":{\"exception.type\":\"KeyError\","
			      "\"exception.message\":\"'\xc3\xa9'\",\"exception.stacktrace\":\"Traceback"));
	RM_CHECK(strstr(text, "\\n\"}},{\"name\":\"done\",\"timestamp\":\"1970-01-01T00:00:00.000006Z\","
			      "\"attributes\":{}}],\"resource\""));
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

RM_TEST("each log record is a line; what is not known is not in it")
{
	sample_init(&sample);
	read_export(&rm_exporter_console_logs, &sample.log_batch);
	RM_CHECK_STR(rm_str_c(text),
		"{\"body\":\"caf\xc3\xa9 \xef\xbf\xbd\\nat line 2\",\"severity_number\":17,\"severity_text\":\"ERR\","
		"\"event_name\":\"exception\",\"attributes\":{\"error.type\":\"ValueError\",\"tags\":[\"a\",\"\"],\"process.pid\":7},"
		"\"dropped_attributes\":1,\"timestamp\":\"2018-12-13T14:51:00.300000Z\","
		"\"observed_timestamp\":\"2018-12-13T14:51:00.300000Z\",\"trace_id\":\"0x0af7651916cd43dd8448eb211c80319c\","
		"\"span_id\":\"0xb7ad6b7169203331\",\"trace_flags\":1,\"resource\":{\"attributes\":{\"service.name\":\"shop\","
		"\"deployment.environment.name\":\"test\",\"process.pid\":42}}}\n"
		"{\"body\":\"one\",\"severity_number\":0,\"severity_text\":\"\",\"attributes\":{},\"dropped_attributes\":0,"
		"\"observed_timestamp\":\"2018-12-13T14:51:00.400000Z\",\"resource\":{\"attributes\":{\"service.name\":\"shop\","
		"\"deployment.environment.name\":\"test\",\"process.pid\":42}}}\n"
		"{\"body\":\"\",\"severity_number\":0,\"severity_text\":\"\",\"attributes\":{},\"dropped_attributes\":0,"
		"\"observed_timestamp\":\"2018-12-13T14:51:00.400000Z\",\"resource\":{\"attributes\":{\"service.name\":\"stock\","
		"\"deployment.environment.name\":\"test\",\"process.pid\":43}}}\n");
}
