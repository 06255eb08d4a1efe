/* What `remora run` says at the end, on standard error; see report.h. */
#include "cli/report.h"

#include <limits.h>
#include <stdio.h>

#include "base/log.h"

static const char *plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

static void print_losses(const struct rm_gather *g)
{
	static const char *const why[RM_LOST_COUNT] = {
		[RM_LOST_RING_FULL] = "came too fast",
		[RM_LOST_RECORD_SIZE] = "too large",
		[RM_LOST_EXCHANGE] = "too many at once",
		[RM_LOST_MUTED] = "connection not understood",
	};
	const char *separator = " (";

	if (rm_gather_lost(g) > 0) {
		fprintf(stderr, "; %llu lost", (unsigned long long)rm_gather_lost(g));
		for (int i = 0; i < RM_LOST_COUNT; i++) {
			if (!why[i] || g->lost[i] == 0)
				continue;
			fprintf(stderr, "%s%llu %s", separator, (unsigned long long)g->lost[i], why[i]);
			separator = ", ";
		}
		if (g->killed) {
			fprintf(stderr, "%s%llu under way in what was killed", separator, (unsigned long long)g->killed);
			separator = ", ";
		}
		if (g->broken)
			fprintf(stderr, "%s%llu damaged", separator, (unsigned long long)g->broken);
		fputc(')', stderr);
	}
	if (g->lost[RM_LOST_INJECT])
		fprintf(stderr, "; %llu requests left without a trace header",
			(unsigned long long)g->lost[RM_LOST_INJECT]);
	if (g->lost[RM_LOST_INGRESS])
		fprintf(stderr, "; %llu requests were read with their sender's trace header",
			(unsigned long long)g->lost[RM_LOST_INGRESS]);
}

static void print_said(const struct rm_gather *g, const struct rm_said_stats *s)
{
	if (!g->collect)
		return;
	fprintf(stderr, "; %llu log record%s", (unsigned long long)s->all, plural(s->all));
	if (s->of_no_trace)
		fprintf(stderr, ", %llu of no trace", (unsigned long long)s->of_no_trace);
	if (s->dropped)
		fprintf(stderr, ", %llu not shown (more than %d at once)", (unsigned long long)s->dropped, RM_SAID_MAX);
	if (g->lost[RM_LOST_LOG])
		fprintf(stderr, ", %llu pieces of output lost (came too fast)", (unsigned long long)g->lost[RM_LOST_LOG]);
}

/* `where` is what they are missing from. */
static void print_alone(const struct rm_gather *g, const char *where)
{
	if (g->alone)
		fprintf(stderr, "remora: %llu process%s not let in in time, on a busy machine: what %s did is not %s\n",
			(unsigned long long)g->alone, g->alone == 1 ? " was" : "es were", g->alone == 1 ? "it" : "they", where);
}

void rm_report_traces(const struct rm_gather *g, const char *command, bool sampled)
{
	struct rm_tree_stats s;

	rm_tree_stats(g->tree, &s);
	fprintf(stderr, "remora: %llu trace%s, %llu span%s, %u service%s",
		(unsigned long long)s.traces, plural(s.traces), (unsigned long long)s.spans,
		plural(s.spans), s.services, plural(s.services));
	if (s.dropped)
		fprintf(stderr, "; %llu not shown (more than %d at once)",
			(unsigned long long)s.dropped, RM_TREE_SPANS_MAX);
	print_losses(g);
	print_said(g, &s.said);
	fputc('\n', stderr);
	print_alone(g, "shown");
	if (s.spans == 0 && !sampled)
		fputs("remora: the command's trace was not sampled, as OTEL_TRACES_SAMPLER or TRACEPARENT has it\n", stderr);
	if (s.spans == 1 && !g->alone)
		fprintf(stderr,
			"remora: nothing was seen; passed over are protocols that remora list protocols does not name,\n"
			"remora: connections that were refused, and static, Go, setuid and denied programs\n"
			"remora: can it be traced: remora check -- %s; what happens: remora run --debug init,conn\n",
			command);
}

void rm_report_file(const struct rm_gather *g, const char *path)
{
	char where[PATH_MAX + 4];

	if (rm_gather_lost(g) > 0) {
		fprintf(stderr, "remora: %s is incomplete", path);
		print_losses(g);
		fputc('\n', stderr);
	}
	snprintf(where, sizeof(where), "in %s", path);
	print_alone(g, where);
}

static void report_logs(const struct rm_gather *g)
{
	uint64_t lost = g->lost[RM_LOST_LOG], missing, all;
	struct rm_pipeline_stats s;

	g->api->stats(g->pipeline, RM_SIGNAL_LOGS, &s);
	missing = s.dropped_queue + s.dropped_refused + s.rejected + s.dropped_timeout + s.queued;
	all = s.received + lost;
	if (missing + lost == 0)
		return;
	fprintf(stderr, "remora: %llu of %llu log records were not delivered (queue full %llu, refused %llu, "
			"timed out %llu, came too fast %llu)\n",
		(unsigned long long)(missing + lost), (unsigned long long)all, (unsigned long long)s.dropped_queue,
		(unsigned long long)(s.dropped_refused + s.rejected),
		(unsigned long long)(s.dropped_timeout + s.queued), (unsigned long long)lost);
}

static void report_spans(const struct rm_gather *g)
{
	struct rm_pipeline_stats s;
	uint64_t refused, late, missing;

	g->api->stats(g->pipeline, RM_SIGNAL_TRACES, &s);
	refused = s.dropped_refused + s.rejected;
	late = s.dropped_timeout + s.queued;
	missing = s.dropped_queue + refused + late;
	if (missing == 0 && rm_gather_lost(g) == 0)
		return;
	if (missing == 0) {
		fprintf(stderr, "remora: %llu span%s delivered", (unsigned long long)s.received, s.received == 1 ? " was" : "s were");
		print_losses(g);
		fputc('\n', stderr);
		return;
	}
	fprintf(stderr, "remora: %llu of %llu spans were not delivered (queue full %llu, refused %llu, timed out %llu)",
		(unsigned long long)missing, (unsigned long long)s.received,
		(unsigned long long)s.dropped_queue, (unsigned long long)refused, (unsigned long long)late);
	print_losses(g);
	fputs(rm_log_topics() & RM_LOG_EXPORT ? "\n" : "; --debug export says why\n", stderr);
}

void rm_report_undelivered(const struct rm_gather *g)
{
	if (g->exported & 1u << RM_SIGNAL_TRACES)
		report_spans(g);
	if (g->exported & 1u << RM_SIGNAL_LOGS)
		report_logs(g);
}
