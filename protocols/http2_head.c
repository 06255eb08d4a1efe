/* See http2_head.h. Context: hook, connection locked. Spec: RFC 9113 section 8.3, RFC 8441. */
#include "protocols/http2_head.h"

#include "base/bytes.h"
#include "base/err.h"

/* The last places of a full list are kept for carriers of trace context: they matter most. */
enum { CARRIER_PLACES = 16 };

static int status_of(struct rm_str value)
{
	uint64_t status;

	return value.n == 3 && rm_str_u64(value, &status) ? (int)status : 0;
}

/* A name that begins with a colon tells what HTTP/1 has in its first line. */
static void note_pseudo(struct rm_head *h, struct rm_str name, struct rm_str value)
{
	if (rm_str_eq(name, RM_STR(":method")))
		h->method = value;
	else if (rm_str_eq(name, RM_STR(":path")))
		h->target = value;
	else if (rm_str_eq(name, RM_STR(":authority")))
		h->authority = value;
	else if (rm_str_eq(name, RM_STR(":scheme")))
		h->scheme = value;
	else if (rm_str_eq(name, RM_STR(":status")))
		h->status = status_of(value);
}

static void list_field(struct rm_http2_head *m, const struct rm_hpack_field *f, struct rm_field *room)
{
	uint32_t n = m->head.field_count;
	int carrier = rm_carrier_of(f->name);

	if (carrier == RM_CARRIER_TRACEPARENT) {
		m->traceparents++;
		m->traceparent = *f;
	}
	if (n == RM_FIELDS_MAX || (n >= RM_FIELDS_MAX - CARRIER_PLACES && carrier < 0)) {
		m->head.fields_cut = true;
		return;
	}
	room[n] = (struct rm_field){ f->name, rm_str_trim(f->value) };
	m->head.field_count = n + 1;
	if (f->name.n == 4 && rm_bytes_are(f->name.p, "host", 4) && !m->head.authority.n)
		m->head.authority = f->value;
}

int rm_http2_head_read(struct rm_http2_head *ret, struct rm_hpack_block *block, struct rm_http2_room *room)
{
	struct rm_hpack_field f;
	int got;

	*ret = (struct rm_http2_head){ .head.version = RM_STR("2"), .head.fields = room->fields };
	while ((got = rm_hpack_next(block, &f)) == 1) {
		if (f.name.n && f.name.p[0] == ':')
			note_pseudo(&ret->head, f.name, f.value);
		else if (f.name.n)
			list_field(ret, &f, room->fields);
	}
	ret->list_bytes = ret->head.text_bytes = block->list_bytes;
	/* A tunnel has no path (RFC 9113 section 8.5), but see RFC 8441. */
	if (!ret->head.target.n && rm_str_eq(ret->head.method, RM_STR("CONNECT")))
		ret->head.target = ret->head.authority;
	return got;
}

bool rm_http2_is_request(const struct rm_http2_head *m)
{
	return m->head.method.n && m->head.target.n && !m->head.status;
}

uint32_t rm_http2_content_length(const struct rm_head *response)
{
	uint32_t ret = UINT32_MAX;
	uint64_t n;

	for (uint32_t i = 0; i < response->field_count; i++) {
		const struct rm_field *f = &response->fields[i];

		if (rm_str_eq(f->name, RM_STR("content-length")) && rm_str_u64(f->value, &n))
			ret = n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
		else if (rm_str_eq(f->name, RM_STR("content-type")) && f->value.n >= 16 &&
			 rm_bytes_are(f->value.p, "application/grpc", 16))
			return UINT32_MAX;
	}
	return ret;
}
