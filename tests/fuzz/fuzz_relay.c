/*
 * What the relay takes from memory that another process writes: rings of records, and all that is
 * made of them. The input is one byte that places the ring, two positions of eight bytes, and what
 * stands there. What must hold for any input: the ring is empty in the end, a record is read within
 * its bounds, JSON is JSON, protobuf is protobuf with all spans in it, and nothing that is drawn can
 * move the cursor.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/exporter.h"
#include "agent/record.h"
#include "base/clock.h"
#include "base/segment.h"
#include "exporters/otlp_json.h"
#include "exporters/otlp_proto.h"
#include "relay/tree.h"
#include "relay/view.h"
#include "tests/fuzz/json_check.h"
#include "trace_service.pb-c.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
ssize_t __real_write(int fd, const void *p, size_t n);
ssize_t __wrap_write(int fd, const void *p, size_t n);

extern const struct rm_exporter rm_exporter_console;

enum { RING = RM_SEGMENT_RINGS - 1, SPANS_MAX = 64, SIZE_LIMIT = 1 << 20 };

static bool console_speaks;

static void check(bool condition)
{
	if (!condition)
		abort();
}

/* What the console exporter says goes here. */
ssize_t __wrap_write(int fd, const void *p, size_t n)
{
	if (!console_speaks || fd != STDERR_FILENO)
		return __real_write(fd, p, n);
	check(json_lines((struct rm_str){ p, n }));
	return (ssize_t)n;
}

static const struct rm_record *sample_resource(void)
{
	static _Alignas(8) char memory[256];
	struct rm_builder b;

	check(rm_builder_resource(&b, memory, sizeof(memory)) == 0);
	rm_builder_str(&b, RM_KEY_SERVICE_NAME, RM_STR("fuzz"));
	rm_builder_end(&b);
	return b.record;
}

static void encode(const struct rm_batch *batch)
{
	Otlp__ExportTraceServiceRequest *r;
	struct rm_export_result result;
	struct rm_export_io io = { .deadline_ns = UINT64_MAX };
	struct rm_json j;
	uint8_t *bytes;
	size_t n;

	rm_json_init(&j);
	rm_otlp_json(&j, batch);
	check(!j.failed && json_lines((struct rm_str){ j.p, j.n }));
	rm_json_free(&j);
	check(rm_otlp_proto(batch, SIZE_LIMIT * 16, &bytes, &n) == 0);
	r = otlp__export_trace_service_request__unpack(NULL, n, bytes);
	check(r && r->n_resource_spans == 1 &&
	      r->resource_spans[0]->scope_spans[0]->n_spans == batch->span_count);
	otlp__export_trace_service_request__free_unpacked(r, NULL);
	free(bytes);
	console_speaks = true;
	rm_exporter_console.export(NULL, batch, &io, &result);
	console_speaks = false;
	check(result.code == RM_EXPORT_DONE);
}

static void draw(const struct rm_batch *batch)
{
	static const struct rm_view views[] = { { false, false, 60 }, { false, true, 200 } };
	struct rm_tree *t = rm_tree_new(SPANS_MAX / 2);
	struct rm_trace *trace, *next;
	char *text = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&text, &n);

	check(t && out);
	for (uint32_t i = 0; i < batch->span_count; i++)
		rm_tree_add(t, rm_tree_text(t, RM_STR("fuzz")), batch->groups[0].spans[i], i);
	rm_tree_hold(t, (const uint8_t *)"0123456789abcdef");
	for (uint64_t quiet_ns = 2; quiet_ns-- > 0;)
		for (trace = rm_tree_take(t, SPANS_MAX, quiet_ns); trace; trace = next) {
			next = trace->later;
			for (int v = 0; v < 2; v++)
				rm_view_trace(&views[v], t, trace, out);
			rm_tree_put(t, trace);
		}
	rm_tree_free(t);
	fclose(out);
	for (size_t i = 0; i < n; i++)
		check((text[i] >= ' ' || text[i] == '\n' || text[i] < 0) && text[i] != 0x7f);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct rm_segment segment;
	static _Alignas(8) char buf[RM_RECORD_MAX_BYTES];
	struct rm_span *spans[SPANS_MAX];
	struct rm_batch_group group = { .resource = sample_resource(), .spans = (const struct rm_span *const *)spans, .span_count = 0 };
	struct rm_batch batch = { .groups = &group, .group_count = 1, .span_count = 0 };
	uint64_t head, tail;
	size_t at, to_end;
	int got;

	if (n < 17 || n > RM_RING_BYTES / 2)
		return 0;
	memcpy(&head, data + 1, 8);
	memcpy(&tail, data + 9, 8);
	at = data[0] < 128 ? tail % RM_RING_BYTES & ~7ul : RM_RING_BYTES - 8ul * (data[0] - 127);
	tail = data[0] < 128 ? tail : tail - tail % RM_RING_BYTES + at;
	head += tail;
	data += 17, n -= 17;
	to_end = RM_RING_BYTES - at < n ? RM_RING_BYTES - at : n;
	memcpy(segment.data[RING] + at, data, to_end);
	memcpy(segment.data[RING], data + to_end, n - to_end);
	atomic_store(&segment.ring[RING].head, head);
	atomic_store(&segment.ring[RING].tail, tail);
	while ((got = rm_segment_pop(&segment, RING, buf)) != 0) {
		const struct rm_record *record = (const struct rm_record *)buf;

		check(got < 0 || (got >= 8 && got <= RM_RECORD_MAX_BYTES));
		if (got < 0 || !rm_record_valid(record, (uint32_t)got) || record->type != RM_RECORD_SPAN ||
		    batch.span_count == SPANS_MAX)
			continue;
		spans[batch.span_count] = malloc((size_t)got); /* of exactly this size */
		memcpy(spans[batch.span_count++], buf, (size_t)got);
	}
	check(rm_segment_empty(&segment));
	memset(segment.data[RING] + at, 0, to_end);
	memset(segment.data[RING], 0, n - to_end);
	group.span_count = batch.span_count;
	if (batch.span_count) {
		encode(&batch);
		draw(&batch);
	}
	while (batch.span_count)
		free(spans[--batch.span_count]);
	return 0;
}
