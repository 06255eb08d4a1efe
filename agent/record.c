/*
 * Records of spans, logs and resources: builds them in place and reads them back. The builder runs in
 * hooks and trusts its caller; rm_record_valid is the gate for bytes from shared memory, and after
 * it the readers need no checks. Padding is zeroed, so that no stack bytes of the application leave
 * with a record. Layout: agent/telemetry.h. Context: any, signal-safe.
 */
#include "agent/record.h"

#include <string.h>

#include "base/err.h"
#include "base/segment.h"

_Static_assert((int)RM_RECORD_FILLER == (int)RM_SEGMENT_FILLER, "base/segment.c skips these");
_Static_assert((int)RM_RECORD_SPAN == (int)RM_SEGMENT_SPAN, "base/segment.c counts these");
_Static_assert((int)RM_RECORD_LOG == (int)RM_SEGMENT_LOG && (int)RM_RECORD_OUTPUT == (int)RM_SEGMENT_OUTPUT,
	       "base/segment.c puts these apart");
_Static_assert(sizeof(struct rm_span) % 8 == 0 && sizeof(struct rm_attr_head) == 8 && sizeof(struct rm_link) % 8 == 0 &&
	       sizeof(struct rm_event) % 8 == 0, "alignment");
_Static_assert(sizeof(struct rm_log) % 8 == 0 && sizeof(struct rm_output) % 8 == 0, "alignment");

static size_t padded(size_t n)
{
	return (n + 7) & ~(size_t)7;
}

/* Copies text and zeroes up to the next multiple of 8; returns what follows. There must be room. */
static char *put_padded(char *to, const char *p, size_t n)
{
	char *end = to + padded(n);

	if (n == 0)
		return to;
	memset(end - 8, 0, 8);
	memcpy(to, p, n);
	return end;
}

static uint32_t attrs_limit(const struct rm_builder *b)
{
	return b->max_attrs > 0 && b->max_attrs < UINT16_MAX ? b->max_attrs : UINT16_MAX;
}

static void begin(struct rm_builder *b, struct rm_record *r, char *at, uint32_t cap_bytes)
{
	b->record = r;
	b->at = at;
	b->end = (char *)r + cap_bytes;
	b->attrs_left = attrs_limit(b);
	b->dropped = 0;
}

int rm_builder_span(struct rm_builder *b, void *memory, uint32_t cap_bytes,
		    const struct rm_span *head, struct rm_str name, struct rm_str tracestate)
{
	struct rm_span *s = memory;

	if (name.n > UINT16_MAX || tracestate.n > UINT16_MAX ||
	    cap_bytes < sizeof(*s) + padded(name.n) + padded(tracestate.n))
		return RM_E_FULL;
	*s = *head;
	s->record = (struct rm_record){ .type = RM_RECORD_SPAN };
	s->name_bytes = (uint16_t)name.n;
	s->tracestate_bytes = (uint16_t)tracestate.n;
	s->link_count = s->dropped_links = 0;
	s->event_count = s->dropped_events = 0;
	s->reserved = 0;
	begin(b, &s->record, put_padded(put_padded((char *)(s + 1), name.p, name.n), tracestate.p, tracestate.n),
	      cap_bytes);
	return RM_OK;
}

bool rm_builder_rename(struct rm_builder *b, struct rm_str name)
{
	struct rm_span *s = (struct rm_span *)b->record;
	char *first = (char *)(s + 1), *behind = first + padded(s->name_bytes);
	size_t kept = (size_t)(b->at - behind);

	if (name.n > UINT16_MAX || (size_t)(b->end - first) < padded(name.n) + kept)
		return false;
	memmove(first + padded(name.n), behind, kept);
	put_padded(first, name.p, name.n);
	b->at = first + padded(name.n) + kept;
	s->name_bytes = (uint16_t)name.n;
	return true;
}

int rm_builder_resource(struct rm_builder *b, void *memory, uint32_t cap_bytes)
{
	struct rm_record *r = memory;

	if (cap_bytes < sizeof(*r))
		return RM_E_FULL;
	*r = (struct rm_record){ .type = RM_RECORD_RESOURCE };
	*b = (struct rm_builder){ 0 };
	begin(b, r, (char *)(r + 1), cap_bytes);
	return RM_OK;
}

int rm_builder_event(struct rm_builder *b, void *memory, uint32_t cap_bytes, struct rm_str name, uint64_t time_ns)
{
	struct rm_event *e = memory;

	if (name.n > UINT16_MAX || cap_bytes < sizeof(*e) + padded(name.n))
		return RM_E_FULL;
	*e = (struct rm_event){ .record.type = RM_RECORD_EVENT, .time_ns = time_ns, .name_bytes = (uint16_t)name.n };
	begin(b, &e->record, put_padded((char *)(e + 1), name.p, name.n), cap_bytes);
	return RM_OK;
}

int rm_builder_log(struct rm_builder *b, void *memory, uint32_t cap_bytes, const struct rm_log *head,
		   struct rm_str severity, struct rm_str event, struct rm_str body)
{
	struct rm_log *l = memory;
	char *at = (char *)(l + 1);

	if (severity.n > UINT8_MAX || event.n > UINT8_MAX || body.n > UINT32_MAX / 2 ||
	    cap_bytes < sizeof(*l) + padded(severity.n) + padded(event.n) + padded(body.n))
		return RM_E_FULL;
	*l = *head;
	l->record = (struct rm_record){ .type = RM_RECORD_LOG };
	l->severity_bytes = (uint8_t)severity.n;
	l->event_bytes = (uint8_t)event.n;
	l->body_bytes = (uint32_t)body.n;
	at = put_padded(at, severity.p, severity.n);
	at = put_padded(at, event.p, event.n);
	begin(b, &l->record, put_padded(at, body.p, body.n), cap_bytes);
	return RM_OK;
}

/* The value's first `max` characters; a byte that is not UTF-8 counts as one. */
static struct rm_str cut(struct rm_str value, uint32_t max)
{
	struct rm_str rest = value;

	if (max == 0 || value.n <= max)
		return value;
	for (uint32_t i = 0; i < max && rest.n > 0; i++) {
		size_t n = rm_utf8_next(rest);

		rest.p += n > 0 ? n : 1;
		rest.n -= n > 0 ? n : 1;
	}
	value.n -= rest.n;
	return value;
}

/* Cuts the value of the attribute that was added last. */
static void shorten(struct rm_builder *b, struct rm_str value)
{
	size_t n = cut(value, b->max_value_bytes).n;
	char *start = b->at - padded(value.n);
	uint32_t bytes = (uint32_t)n;

	memcpy(start - sizeof(struct rm_attr_head) + offsetof(struct rm_attr_head, value_bytes), &bytes,
	       sizeof(bytes));
	memset(start + n, 0, padded(n) - n);
	b->at = start + padded(n);
}

/* As rm_builder_add, of an attribute with a key of its own. */
static char *add_named(struct rm_builder *b, struct rm_str name, enum rm_attr_type type, size_t value_bytes)
{
	const struct rm_attr_head head = { RM_KEY_NONE, (uint8_t)type, (uint8_t)name.n, (uint32_t)value_bytes };
	size_t bytes = sizeof(head) + padded(name.n) + padded(value_bytes);
	char *to = b->at;

	if (bytes > (size_t)(b->end - to) || name.n > UINT8_MAX || !b->attrs_left) {
		b->dropped++;
		return NULL;
	}
	b->attrs_left--;
	b->at = to + bytes;
	memcpy(to, &head, sizeof(head));
	to = put_padded(to + sizeof(head), name.p, name.n);
	if (value_bytes > 0)
		memset(b->at - 8, 0, 8);
	return to;
}

void rm_builder_long(struct rm_builder *b, enum rm_key key, struct rm_str value)
{
	struct rm_str shown = cut(value, b->max_value_bytes);
	char *to = rm_builder_add(b, key, RM_ATTR_STR, shown.n);

	if (to)
		memcpy(to, shown.p, shown.n);
}

void rm_builder_named_str(struct rm_builder *b, struct rm_str key, struct rm_str value)
{
	struct rm_str shown = cut(value, b->max_value_bytes);
	char *to = key.n > 0 && shown.n > 0 ? add_named(b, key, RM_ATTR_STR, shown.n) : NULL;

	if (to)
		memcpy(to, shown.p, shown.n);
}

void rm_builder_bool(struct rm_builder *b, enum rm_key key, bool value)
{
	char *to = rm_builder_add(b, key, RM_ATTR_BOOL, sizeof(int64_t));
	int64_t word = value;

	if (to)
		memcpy(to, &word, sizeof(word));
}

void rm_builder_joined(struct rm_builder *b, enum rm_key key, const struct rm_str *parts, uint32_t count)
{
	struct rm_str whole = { NULL, 0 };
	char *to;

	for (uint32_t i = 0; i < count; i++)
		whole.n += parts[i].n;
	to = whole.n > 0 ? rm_builder_add(b, key, RM_ATTR_STR, whole.n) : NULL;
	if (!to)
		return;
	whole.p = to;
	for (uint32_t i = 0; i < count; i++) {
		if (parts[i].n > 0)
			memcpy(to, parts[i].p, parts[i].n);
		to += parts[i].n;
	}
	if (b->max_value_bytes > 0 && whole.n > b->max_value_bytes)
		shorten(b, whole);
}

static size_t strs_bytes(const struct rm_builder *b, const struct rm_str *values, uint32_t count)
{
	size_t bytes = 0;

	for (uint32_t i = 0; i < count; i++)
		bytes += sizeof(uint32_t) + cut(values[i], b->max_value_bytes).n;
	return bytes;
}

static void put_strs(const struct rm_builder *b, char *to, const struct rm_str *values, uint32_t count)
{
	for (uint32_t i = 0; to && i < count; i++) {
		struct rm_str value = cut(values[i], b->max_value_bytes);
		uint32_t n = (uint32_t)value.n;

		memcpy(to, &n, sizeof(n));
		if (n > 0)
			memcpy(to + sizeof(n), value.p, n);
		to += sizeof(n) + n;
	}
}

void rm_builder_strs(struct rm_builder *b, enum rm_key key, const struct rm_str *values, uint32_t count)
{
	if (count)
		put_strs(b, rm_builder_add(b, key, RM_ATTR_STRS, strs_bytes(b, values, count)), values, count);
}

void rm_builder_named_strs(struct rm_builder *b, struct rm_str key, const struct rm_str *values, uint32_t count)
{
	if (key.n && count)
		put_strs(b, add_named(b, key, RM_ATTR_STRS, strs_bytes(b, values, count)), values, count);
}

void rm_builder_link(struct rm_builder *b, const struct rm_link *link)
{
	const struct rm_attr_head head = { .type = RM_ATTR_LINK, .value_bytes = sizeof(*link) };
	struct rm_span *s = (struct rm_span *)b->record;

	if (s->link_count == RM_LINKS_MAX || (size_t)(b->end - b->at) < sizeof(head) + sizeof(*link)) {
		s->dropped_links += s->dropped_links < UINT16_MAX;
		return;
	}
	s->link_count++;
	memcpy(b->at, &head, sizeof(head));
	memcpy(b->at + sizeof(head), link, sizeof(*link));
	b->at += sizeof(head) + sizeof(*link);
}

void rm_builder_add_event(struct rm_builder *b, const struct rm_event *event, uint32_t max)
{
	const struct rm_attr_head head = { .type = RM_ATTR_EVENT, .value_bytes = event->record.bytes };
	struct rm_span *s = (struct rm_span *)b->record;

	max = max < UINT16_MAX ? max : UINT16_MAX;
	if (s->event_count >= max || (size_t)(b->end - b->at) < sizeof(head) + event->record.bytes) {
		s->dropped_events += s->dropped_events < UINT16_MAX;
		return;
	}
	s->event_count++;
	memcpy(b->at, &head, sizeof(head));
	memcpy(b->at + sizeof(head), event, event->record.bytes);
	b->at += sizeof(head) + event->record.bytes;
}

void rm_builder_move(struct rm_builder *b, void *memory, uint32_t cap_bytes)
{
	b->at = (char *)memory + (b->at - (char *)b->record);
	b->record = memory;
	b->end = (char *)memory + cap_bytes;
}

uint32_t rm_builder_end(struct rm_builder *b)
{
	b->record->bytes = (uint32_t)(b->at - (char *)b->record);
	b->record->attr_count = (uint16_t)(attrs_limit(b) - b->attrs_left);
	if (b->record->type == RM_RECORD_SPAN)
		((struct rm_span *)b->record)->dropped_attrs += b->dropped;
	else if (b->record->type == RM_RECORD_EVENT)
		((struct rm_event *)b->record)->dropped_attrs += b->dropped;
	else if (b->record->type == RM_RECORD_LOG)
		((struct rm_log *)b->record)->dropped_attrs += b->dropped;
	return b->record->bytes;
}

struct rm_str rm_span_name(const struct rm_span *s)
{
	return (struct rm_str){ (const char *)(s + 1), s->name_bytes };
}

struct rm_str rm_span_tracestate(const struct rm_span *s)
{
	return (struct rm_str){ (const char *)(s + 1) + padded(s->name_bytes), s->tracestate_bytes };
}

struct rm_str rm_log_severity_text(const struct rm_log *l)
{
	return (struct rm_str){ (const char *)(l + 1), l->severity_bytes };
}

struct rm_str rm_log_event_name(const struct rm_log *l)
{
	return (struct rm_str){ (const char *)(l + 1) + padded(l->severity_bytes), l->event_bytes };
}

struct rm_str rm_log_body(const struct rm_log *l)
{
	return (struct rm_str){ (const char *)(l + 1) + padded(l->severity_bytes) + padded(l->event_bytes), l->body_bytes };
}

bool rm_log_has_trace(const struct rm_log *l)
{
	static const uint8_t none[sizeof(l->trace_id)];

	return memcmp(l->trace_id, none, sizeof(l->trace_id)) != 0 && memcmp(l->span_id, none, sizeof(l->span_id)) != 0;
}

struct rm_str rm_event_name(const struct rm_event *e)
{
	return (struct rm_str){ (const char *)(e + 1), e->name_bytes };
}

/* What stands among the attributes and is none. */
static uint32_t others(const struct rm_record *r)
{
	const struct rm_span *s = (const struct rm_span *)r;

	return r->type == RM_RECORD_SPAN ? (uint32_t)s->link_count + s->event_count : 0;
}

/* Bytes before the first attribute. */
static size_t fixed_bytes(const struct rm_record *r)
{
	const struct rm_span *s = (const struct rm_span *)r;
	const struct rm_log *l = (const struct rm_log *)r;

	switch (r->type) {
	case RM_RECORD_SPAN:
		return sizeof(*s) + padded(s->name_bytes) + padded(s->tracestate_bytes);
	case RM_RECORD_EVENT:
		return sizeof(struct rm_event) + padded(((const struct rm_event *)r)->name_bytes);
	case RM_RECORD_LOG:
		return sizeof(*l) + padded(l->severity_bytes) + padded(l->event_bytes) + padded(l->body_bytes);
	case RM_RECORD_OUTPUT:
		return sizeof(struct rm_output) + padded(((const struct rm_output *)r)->bytes);
	default:
		return sizeof(*r);
	}
}

struct rm_attr_iter rm_record_attrs(const struct rm_record *r)
{
	const char *p = (const char *)r;

	return (struct rm_attr_iter){ p + fixed_bytes(r), p + r->bytes, r->attr_count + others(r) };
}

bool rm_builder_find_str(const struct rm_builder *b, enum rm_key key, struct rm_str *ret)
{
	const char *p = (const char *)b->record;
	struct rm_attr_iter it = { p + fixed_bytes(b->record), b->at,
				   attrs_limit(b) - b->attrs_left + others(b->record) };
	struct rm_attr attr;

	while (rm_attr_next(&it, &attr)) {
		if (attr.type != RM_ATTR_STR || attr.key.p != rm_key_name(key).p)
			continue;
		*ret = attr.v.str;
		return true;
	}
	return false;
}

bool rm_attr_strs_next(struct rm_str *rest, struct rm_str *ret)
{
	uint32_t n;

	if (rest->n < sizeof(n))
		return false;
	memcpy(&n, rest->p, sizeof(n));
	if (n > rest->n - sizeof(n))
		return false;
	*ret = (struct rm_str){ rest->p + sizeof(n), n };
	rest->p += sizeof(n) + n;
	rest->n -= sizeof(n) + n;
	return true;
}

/*
 * Decodes the attribute, link or event at it->p and steps over it. False when it does not stay inside or is of no
 * known kind, which in a valid record happens only at the end.
 */
static inline bool step(struct rm_attr_iter *it, struct rm_attr *ret)
{
	struct rm_attr_head head;
	size_t left = (size_t)(it->end - it->p);
	const char *text = it->p + sizeof(head), *value;

	if (it->left == 0 || left < sizeof(head))
		return false;
	memcpy(&head, it->p, sizeof(head));
	left -= sizeof(head);
	if (left < padded(head.key_bytes) ||
	    left - padded(head.key_bytes) < padded(head.value_bytes))
		return false;
	if ((head.key == RM_KEY_NONE) != (head.key_bytes > 0 || head.type >= RM_ATTR_LINK) || head.key >= RM_KEY_COUNT)
		return false;
	value = text + padded(head.key_bytes);
	ret->key = head.key != RM_KEY_NONE ? rm_key_name(head.key) :
					     (struct rm_str){ text, head.key_bytes };
	ret->named = head.key != RM_KEY_NONE;
	ret->type = head.type;
	if (head.type == RM_ATTR_STR || head.type == RM_ATTR_STRS)
		ret->v.str = (struct rm_str){ value, head.value_bytes };
	else if (head.type >= RM_ATTR_I64 && head.type <= RM_ATTR_BOOL && head.value_bytes == 8)
		memcpy(&ret->v, value, 8);
	else if (head.type == RM_ATTR_LINK && !head.key_bytes && head.value_bytes == sizeof(struct rm_link))
		ret->v.str = (struct rm_str){ value, sizeof(struct rm_link) };
	else if (head.type == RM_ATTR_EVENT && !head.key_bytes && head.value_bytes >= sizeof(struct rm_event))
		ret->v.str = (struct rm_str){ value, head.value_bytes };
	else
		return false;
	it->p = value + padded(head.value_bytes);
	it->left--;
	return true;
}

bool rm_attr_next(struct rm_attr_iter *it, struct rm_attr *ret)
{
	while (step(it, ret))
		if (ret->type < RM_ATTR_LINK)
			return true;
	return false;
}

bool rm_link_next(struct rm_attr_iter *it, struct rm_link *ret)
{
	struct rm_attr a;

	while (step(it, &a)) {
		if (a.type != RM_ATTR_LINK)
			continue;
		memcpy(ret, a.v.str.p, sizeof(*ret));
		return true;
	}
	return false;
}

bool rm_event_next(struct rm_attr_iter *it, const struct rm_event **ret)
{
	struct rm_attr a;

	while (step(it, &a)) {
		if (a.type != RM_ATTR_EVENT)
			continue;
		*ret = (const struct rm_event *)a.v.str.p;
		return true;
	}
	return false;
}

bool rm_record_find_str(const struct rm_record *r, const char *key, struct rm_str *ret)
{
	struct rm_attr_iter it = rm_record_attrs(r);
	struct rm_attr a;

	while (rm_attr_next(&it, &a)) {
		if (a.type != RM_ATTR_STR || !rm_str_eq(a.key, rm_str_c(key)))
			continue;
		*ret = a.v.str;
		return true;
	}
	return false;
}

static bool strs_valid(struct rm_str list)
{
	struct rm_str item;

	while (rm_attr_strs_next(&list, &item))
		;
	return list.n == 0;
}

/*
 * Of a record whose fixed part is inside: all that follows is too, and is as many as it says. Events have
 * attributes only, which `may_hold` says.
 */
static bool contents_valid(const struct rm_record *r, bool may_hold);

static bool event_valid(struct rm_str entry)
{
	const struct rm_record *r = (const struct rm_record *)entry.p;

	return r->type == RM_RECORD_EVENT && r->bytes == entry.n && r->bytes % 8 == 0 && fixed_bytes(r) <= entry.n &&
	       contents_valid(r, false);
}

/*
 * Steps over attributes of ours that are texts or numbers, which nearly all are, as far as they are valid: returns
 * how many. What step() would say of them, with less to find out.
 */
static uint32_t skip_plain(struct rm_attr_iter *it)
{
	uint32_t left = it->left;
	const char *p = it->p;

	while (left > 0 && (size_t)(it->end - p) >= sizeof(struct rm_attr_head)) {
		const struct rm_attr_head *h = (const struct rm_attr_head *)p;
		size_t bytes = sizeof(*h) + padded(h->value_bytes);

		if (h->key - 1u >= RM_KEY_COUNT - 1u || h->key_bytes || bytes > (size_t)(it->end - p))
			break;
		if (h->type != RM_ATTR_STR && (h->type - (unsigned)RM_ATTR_I64 > RM_ATTR_BOOL - RM_ATTR_I64 || h->value_bytes != 8))
			break;
		p += bytes;
		left--;
	}
	it->p = p;
	left = it->left - left;
	it->left -= left;
	return left;
}

static bool contents_valid(const struct rm_record *r, bool may_hold)
{
	struct rm_attr_iter it = rm_record_attrs(r);
	uint32_t attrs = skip_plain(&it), links = 0, events = 0;
	struct rm_attr attr = { .type = 0 };

	while (step(&it, &attr)) {
		links += attr.type == RM_ATTR_LINK;
		events += attr.type == RM_ATTR_EVENT;
		attrs += attr.type < RM_ATTR_LINK;
		if (attr.type == RM_ATTR_STRS && !strs_valid(attr.v.str))
			return false;
		if (attr.type == RM_ATTR_EVENT && !(may_hold && event_valid(attr.v.str)))
			return false;
		attrs += skip_plain(&it);
	}
	if (it.left != 0 || it.p != it.end || attrs != r->attr_count)
		return false;
	return r->type != RM_RECORD_SPAN || (links == ((const struct rm_span *)r)->link_count &&
					     events == ((const struct rm_span *)r)->event_count);
}

/* Of a record of at least `bytes`: its fixed part is whole, and its numbers are ones that we know. */
static bool head_valid(const struct rm_record *r, uint32_t bytes)
{
	const struct rm_span *s = (const struct rm_span *)r;
	const struct rm_output *o = (const struct rm_output *)r;

	switch (r->type) {
	case RM_RECORD_SPAN:
		return bytes >= sizeof(*s) && s->kind <= RM_KIND_CONSUMER && s->status <= RM_STATUS_ERROR;
	case RM_RECORD_RESOURCE:
		return true;
	case RM_RECORD_LOG:
		return bytes >= sizeof(struct rm_log) && ((const struct rm_log *)r)->severity <= RM_SEVERITY_MAX;
	case RM_RECORD_OUTPUT:
		return bytes >= sizeof(*o) && (o->stream == RM_STREAM_STDOUT || o->stream == RM_STREAM_STDERR);
	default:
		return false;
	}
}

bool rm_record_valid(const struct rm_record *r, uint32_t bytes)
{
	if (bytes < sizeof(*r) || r->bytes != bytes || bytes % 8 != 0)
		return false;
	return head_valid(r, bytes) && fixed_bytes(r) <= bytes && contents_valid(r, true);
}
