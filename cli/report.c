/* What `remora run` says at the end, on standard error; see report.h. */
#include "cli/report.h"

#include <stdio.h>

#include "base/log.h"

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

static const char *plural(uint64_t n)
{
	return n == 1 ? "" : "s";
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
	fputc('\n', stderr);
	if (s.spans == 0 && !sampled)
		fputs("remora: the command's trace was not sampled, as OTEL_TRACES_SAMPLER or TRACEPARENT has it\n", stderr);
	if (s.spans == 1)
		fprintf(stderr,
			"remora: no requests were seen; other protocols than HTTP are passed over, and so are\n"
			"remora: connections that were refused, and static, Go, setuid and denied programs\n"
			"remora: can it be traced: remora check -- %s; what happens: remora run --debug init,conn\n",
			command);
}

void rm_report_undelivered(const struct rm_gather *g)
{
	struct rm_pipeline_stats s;
	uint64_t refused, late, missing;

	g->api->stats(g->pipeline, &s);
	refused = s.dropped_refused + s.rejected;
	late = s.dropped_timeout + s.queued;
	missing = s.dropped_queue + refused + late;
	if (missing == 0 && rm_gather_lost(g) == 0)
		return;
	fprintf(stderr, "remora: %llu of %llu spans were not delivered (queue full %llu, refused %llu, timed out %llu)",
		(unsigned long long)missing, (unsigned long long)s.received,
		(unsigned long long)s.dropped_queue, (unsigned long long)refused, (unsigned long long)late);
	print_losses(g);
	fputs(rm_log_topics() & RM_LOG_EXPORT ? "\n" : "; --debug export says why\n", stderr);
}
