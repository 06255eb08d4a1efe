/* Events and requests of CloudWatch Logs. Context: worker. */
#include "exporters/cloudwatch_events.h"

#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/err.h"
#include "base/siphash.h"
#include "exporters/attr_json.h"

#define MS_NS 1000000u

/* ---- where they go ---- */

static bool is_group_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c && strchr("_-/.#", c));
}

static bool is_stream_byte(char c)
{
	return (unsigned char)c > ' ' && (unsigned char)c < 0x7f && c != ':' && c != '*';
}

/* A name as CloudWatch Logs takes it: '_' for what it does not. */
static void put_name(char ret[RM_CLOUDWATCH_NAME_BYTES], struct rm_str name, bool is_good(char c))
{
	size_t n = name.n < RM_CLOUDWATCH_NAME_BYTES ? name.n : RM_CLOUDWATCH_NAME_BYTES - 1;

	for (size_t i = 0; i < n; i++)
		ret[i] = is_good(name.p[i]) ? name.p[i] : '_';
	ret[n] = '\0';
}

void rm_cloudwatch_group(struct rm_str name, char ret[RM_CLOUDWATCH_NAME_BYTES])
{
	put_name(ret, name, is_group_byte);
	if (strncmp(ret, "aws/", 4) == 0)
		ret[3] = '_'; /* AWS's own */
}

static void find_place(const struct rm_record *resource, const struct rm_cloudwatch_style *style, struct rm_cloudwatch_place *ret)
{
	struct rm_str group = style->group, stream = style->stream;
	struct utsname host;

	if (group.n == 0 && (!rm_record_find_str(resource, "service.name", &group) || group.n == 0))
		group = RM_STR("unknown_service");
	rm_cloudwatch_group(group, ret->group);
	if (stream.n == 0 && (!rm_record_find_str(resource, "host.name", &stream) || stream.n == 0))
		stream = uname(&host) == 0 && host.nodename[0] ? rm_str_c(host.nodename) : RM_STR("unknown_host");
	put_name(ret->stream, stream, is_stream_byte);
}

static bool is_same(const struct rm_cloudwatch_place *a, const struct rm_cloudwatch_place *b)
{
	return strcmp(a->group, b->group) == 0 && strcmp(a->stream, b->stream) == 0;
}

/* ---- the order ---- */

static int by_place(const void *a, const void *b)
{
	const struct rm_cloudwatch_event *x = a, *y = b;

	if (x->place != y->place)
		return x->place < y->place ? -1 : 1;
	if (x->time_ms != y->time_ms)
		return x->time_ms < y->time_ms ? -1 : 1;
	return x->at < y->at ? -1 : 1;
}

static void add_group(struct rm_cloudwatch_plan *p, const struct rm_batch_group *g, uint32_t place)
{
	for (uint32_t i = 0; i < g->log_count; i++) {
		const struct rm_log *l = g->logs[i];

		p->event[p->count] = (struct rm_cloudwatch_event){
			.place = place, .at = p->count, .time_ms = (int64_t)((l->time_ns ? l->time_ns : l->observed_ns) / MS_NS),
			.log = l, .resource = g->resource,
		};
		p->count++;
	}
}

int rm_cloudwatch_plan(const struct rm_batch *batch, const struct rm_cloudwatch_style *style, struct rm_cloudwatch_plan *ret)
{
	*ret = (struct rm_cloudwatch_plan){
		.place = calloc(batch->group_count + 1, sizeof(*ret->place)),
		.event = calloc(batch->log_count + 1, sizeof(*ret->event)),
	};
	if (!ret->place || !ret->event) {
		rm_cloudwatch_plan_free(ret);
		return RM_E_NOMEM;
	}
	for (uint32_t g = 0; g < batch->group_count; g++) {
		uint32_t place = 0;

		find_place(batch->groups[g].resource, style, &ret->place[g]);
		while (!is_same(&ret->place[place], &ret->place[g]))
			place++;
		add_group(ret, &batch->groups[g], place);
	}
	qsort(ret->event, ret->count, sizeof(*ret->event), by_place);
	return RM_OK;
}

void rm_cloudwatch_plan_free(struct rm_cloudwatch_plan *p)
{
	free(p->place);
	free(p->event);
	*p = (struct rm_cloudwatch_plan){ 0 };
}

uint64_t rm_cloudwatch_plan_mark(const struct rm_cloudwatch_plan *p)
{
	uint64_t key[2] = { p->count, 0 };

	for (uint32_t i = 0; i < p->count; i++)
		key[1] = rm_siphash(key, (struct rm_str){ (const char *)p->event[i].log, p->event[i].log->record.bytes });
	return key[1];
}

/* ---- messages ---- */

static void put_trace(struct rm_json *j, const struct rm_log *l)
{
	char id[2 + 8 + 1 + 24] = "1-";

	if (!rm_log_has_trace(l))
		return;
	rm_json_key(j, "flags");
	rm_json_i64(j, l->trace_flags);
	rm_json_key(j, "trace_id");
	rm_json_hex(j, l->trace_id, sizeof(l->trace_id));
	rm_json_key(j, "span_id");
	rm_json_hex(j, l->span_id, sizeof(l->span_id));
	/* X-Ray's console looks for it in this form. */
	rm_hex_encode(l->trace_id, 4, id + 2);
	id[10] = '-';
	rm_hex_encode(l->trace_id + 4, 12, id + 11);
	rm_json_key(j, "xray_trace_id");
	rm_json_str(j, (struct rm_str){ id, sizeof(id) });
}

/* With the keys of the Collector's exporter. */
static void put_document(struct rm_json *j, const struct rm_cloudwatch_event *e)
{
	const struct rm_log *l = e->log;

	rm_json_open(j, '{');
	rm_json_key(j, "body");
	rm_json_str(j, rm_log_body(l));
	if (l->severity) {
		rm_json_key(j, "severity_number");
		rm_json_i64(j, l->severity);
	}
	if (l->severity_bytes) {
		rm_json_key(j, "severity_text");
		rm_json_str(j, rm_log_severity_text(l));
	}
	if (l->event_bytes) {
		rm_json_key(j, "event_name");
		rm_json_str(j, rm_log_event_name(l));
	}
	if (l->dropped_attrs) {
		rm_json_key(j, "dropped_attributes_count");
		rm_json_i64(j, l->dropped_attrs);
	}
	put_trace(j, l);
	rm_json_key(j, "attributes");
	rm_attrs_json(j, &l->record);
	rm_json_key(j, "resource");
	rm_attrs_json(j, e->resource);
	rm_json_close(j, '}');
}

/* The message, in `room` where it has to be made. */
static struct rm_str message_of(const struct rm_cloudwatch_event *e, bool as_json, struct rm_json *room)
{
	struct rm_str body = rm_log_body(e->log);

	if (!as_json)
		return body.n > 0 ? body : rm_log_event_name(e->log);
	room->n = 0;
	room->comma = false;
	put_document(room, e);
	return (struct rm_str){ room->p, room->n };
}

/* As UTF-8: a byte that is none becomes U+FFFD. */
static size_t message_bytes(struct rm_str s)
{
	size_t bytes = 0;

	while (s.n > 0) {
		size_t n = rm_str_plain(s);

		if (n == 0)
			n = rm_utf8_next(s);
		bytes += n > 0 ? n : 3;
		s = rm_str_behind(s, n > 0 ? n : 1);
	}
	return bytes;
}

/* ---- requests ---- */

static void put_event(struct rm_json *j, int64_t time_ms, struct rm_str message)
{
	rm_json_open(j, '{');
	rm_json_key(j, "timestamp");
	rm_json_i64(j, time_ms);
	rm_json_key(j, "message");
	rm_json_str(j, message);
	rm_json_close(j, '}');
}

uint32_t rm_cloudwatch_put(const struct rm_cloudwatch_plan *p, const struct rm_cloudwatch_style *style, uint32_t from,
			   struct rm_json *j, uint32_t *ret_left_out)
{
	const struct rm_cloudwatch_event *first = &p->event[from];
	uint32_t at = from, count = 0;
	struct rm_json room;
	size_t bytes = 0;

	*ret_left_out = 0;
	rm_json_init(&room);
	rm_json_open(j, '{');
	rm_json_key(j, "logGroupName");
	rm_json_str(j, rm_str_c(p->place[first->place].group));
	rm_json_key(j, "logStreamName");
	rm_json_str(j, rm_str_c(p->place[first->place].stream));
	rm_json_key(j, "logEvents");
	rm_json_open(j, '[');
	for (; at < p->count && count < RM_CLOUDWATCH_EVENTS_MAX; at++) {
		const struct rm_cloudwatch_event *e = &p->event[at];
		struct rm_str message;
		size_t more;

		if (e->place != first->place || e->time_ms - first->time_ms >= RM_CLOUDWATCH_SPAN_MS)
			break;
		message = message_of(e, style->as_json, &room);
		more = message_bytes(message) + RM_CLOUDWATCH_EVENT_BYTES;
		if (message.n == 0 || more > RM_CLOUDWATCH_BYTES_MAX) {
			++*ret_left_out;
			continue;
		}
		if (more > RM_CLOUDWATCH_BYTES_MAX - bytes)
			break;
		bytes += more;
		count++;
		put_event(j, e->time_ms, message);
	}
	rm_json_close(j, ']');
	rm_json_close(j, '}');
	j->failed |= room.failed;
	rm_json_free(&room);
	return at;
}
