/*
 * A head is walked once, and nearly every field in it is none of ours: the first letter of its name
 * tells. Context: any, signal-safe.
 */
#include "agent/fields.h"

#include "base/bytes.h"

enum { NAME_BYTES = 18 };

static inline struct rm_str *wanted(struct rm_fields *f, struct rm_str name)
{
	switch (name.n) {
	case 9:
		return rm_bytes_are(name.p, "forwarded", 9) ? &f->forwarded : NULL;
	case 10:
		return rm_bytes_are(name.p, "user-agent", 10) ? &f->user_agent : NULL;
	case 15:
		return rm_bytes_are(name.p, "x-forwarded-for", 15) ? &f->forwarded_for : NULL;
	case 16:
		return rm_bytes_are(name.p, "x-forwarded-host", 16) ? &f->forwarded_host : NULL;
	case 17:
		return rm_bytes_are(name.p, "x-forwarded-proto", 17) ? &f->forwarded_proto : NULL;
	}
	return NULL;
}

#define LETTER(c) (1u << ((c) & 31))

/*
 * The first letters, by length: of baggage, b3, forwarded, traceparent, tracestate, uber-trace-id, user-agent, x-...
 * A field of another letter or length is none of ours.
 */
static const uint32_t letters[NAME_BYTES] = {
	[2] = LETTER('b'),
	[7] = LETTER('b'),
	[9] = LETTER('f'),
	[10] = LETTER('t') | LETTER('u') | LETTER('x'),
	[11] = LETTER('t') | LETTER('x'),
	[12] = LETTER('x'),
	[13] = LETTER('u'),
	[15] = LETTER('x'),
	[16] = LETTER('x'),
	[17] = LETTER('x'),
};

static inline bool may_matter(struct rm_str name)
{
	return name.n < NAME_BYTES && letters[name.n] >> (name.p[0] & 31) & 1;
}

static void read_field(const struct rm_field *field, struct rm_fields *ret)
{
	struct rm_str *first = wanted(ret, field->name);
	int carrier = first ? -1 : rm_carrier_of(field->name);

	if (first && !first->p)
		*first = field->value;
	if (carrier < 0)
		return;
	rm_carriers_add(&ret->carriers, carrier, field->value);
	if (carrier == RM_CARRIER_TRACEPARENT)
		ret->traceparent = field;
	else if (carrier == RM_CARRIER_XRAY)
		ret->xray = field;
}

void rm_fields_read(const struct rm_head *head, struct rm_fields *ret)
{
	const struct rm_str none = { NULL, 0 };

	ret->carriers.seen = 0;
	memset(ret->carriers.count, 0, sizeof(ret->carriers.count));
	ret->traceparent = ret->xray = NULL;
	ret->user_agent = none;
	ret->forwarded = ret->forwarded_for = ret->forwarded_host = ret->forwarded_proto = none;
	for (uint32_t i = 0; i < head->field_count; i++)
		if (may_matter(head->fields[i].name))
			read_field(&head->fields[i], ret);
}

/* First element of a comma list. */
static struct rm_str first_item(struct rm_str list)
{
	return rm_str_trim(rm_str_cut(&list, ','));
}

static struct rm_str unquoted(struct rm_str value)
{
	if (value.n >= 2 && value.p[0] == '"' && value.p[value.n - 1] == '"')
		return (struct rm_str){ value.p + 1, value.n - 2 };
	return value;
}

/* The parameters for=, host= and proto= of the first element; the first of each name. */
static void read_forwarded(struct rm_str rest, struct rm_origin *ret)
{
	while (rest.n) {
		struct rm_str value = rm_str_cut(&rest, ';');
		struct rm_str name = rm_str_trim(rm_str_cut(&value, '='));
		struct rm_str *to = rm_str_ieq(name, RM_STR("for"))   ? &ret->client
				    : rm_str_ieq(name, RM_STR("host"))  ? &ret->host
				    : rm_str_ieq(name, RM_STR("proto")) ? &ret->scheme
									: NULL;

		if (to && !to->p)
			*to = unquoted(rm_str_trim(value));
	}
}

void rm_fields_origin(const struct rm_fields *f, struct rm_origin *ret)
{
	*ret = (struct rm_origin){ 0 };
	if (f->forwarded.n)
		read_forwarded(first_item(f->forwarded), ret);
	if (!ret->scheme.n && f->forwarded_proto.n)
		ret->scheme = first_item(f->forwarded_proto);
	if (!ret->host.n && f->forwarded_host.n)
		ret->host = first_item(f->forwarded_host);
	if (!ret->client.n && f->forwarded_for.n)
		ret->client = first_item(f->forwarded_for);
}

/* "host:8080", as nearly all are that have a port. False: another one, or none. */
static inline bool split_plain(struct rm_str authority, size_t *ret_host_bytes, uint64_t *ret_port)
{
	const char *colon = authority.n > 1 ? memchr(authority.p, ':', authority.n) : NULL, *end;
	uint64_t port = 0;

	if (!colon || colon == authority.p)
		return false;
	end = authority.p + authority.n;
	if (end - colon < 2 || end - colon > 6)
		return false;
	for (const char *p = colon + 1; p < end; p++) {
		if ((uint8_t)(*p - '0') > 9)
			return false;
		port = port * 10 + (uint8_t)(*p - '0');
	}
	if (port > UINT16_MAX)
		return false;
	*ret_host_bytes = (size_t)(colon - authority.p);
	*ret_port = port;
	return true;
}

struct rm_str rm_authority_split(struct rm_str authority, uint64_t *ret_port)
{
	const char *p = authority.p, *end = authority.n ? p + authority.n : p, *colon;
	bool bracket = authority.n > 0 && *p == '[';

	*ret_port = 0;
	if (!bracket && split_plain(authority, &authority.n, ret_port))
		return authority;
	if (bracket) {
		const char *close = memchr(p, ']', authority.n);

		if (!close)
			return authority;
		colon = close + 1 < end && close[1] == ':' ? close + 1 : NULL;
		authority = (struct rm_str){ p + 1, (size_t)(close - p - 1) };
	} else {
		colon = authority.n > 0 ? memchr(p, ':', authority.n) : NULL;
		if (!colon || memchr(colon + 1, ':', (size_t)(end - colon - 1)))
			return authority;
		authority.n = (size_t)(colon - p);
	}
	if (colon && (!rm_str_u64((struct rm_str){ colon + 1, (size_t)(end - colon - 1) }, ret_port) ||
		      *ret_port > UINT16_MAX))
		*ret_port = 0;
	return authority;
}
