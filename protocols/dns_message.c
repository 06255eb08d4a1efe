/* See dns_message.h. Bounded by the message: each name by its 255 bytes, and a pointer leads backwards only. */
#include "protocols/dns_message.h"

#include "base/endian.h"

#include <string.h>

enum {
	QR = 0x80, OPCODE = 0x78, NAME_MAX_BYTES = 255, CLASS_IN = 1, QUESTION_BYTES = 4, RECORD_BYTES = 10,
	RECORDS_MAX = 512, /* of a message that are looked at */
};

/* Where in the message the name at `at` ends; 0: it does not. */
static size_t skip_name(const uint8_t *p, size_t n, size_t at)
{
	while (at < n) {
		if (p[at] == 0)
			return at + 1;
		if ((p[at] & 0xc0) == 0xc0)
			return at + 2 <= n ? at + 2 : 0;
		if (p[at] & 0xc0)
			return 0;
		at += 1 + (size_t)p[at];
	}
	return 0;
}

/* As zone files have it: what is no part of a host's name is said by its number. */
static void put_label(struct rm_strbuf *out, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint8_t c = p[i];

		if (c > ' ' && c < 0x7f && c != '.' && c != '\\' && c != '"') {
			rm_strbuf_char(out, (char)c);
			continue;
		}
		rm_strbuf_char(out, '\\');
		rm_strbuf_char(out, (char)('0' + c / 100));
		rm_strbuf_char(out, (char)('0' + c / 10 % 10));
		rm_strbuf_char(out, (char)('0' + c % 10));
	}
}

/* The name as text. False: it is none, or there is no room. */
static bool read_name(const uint8_t *p, size_t n, size_t at, struct rm_strbuf *out, struct rm_str *ret)
{
	size_t from = out->n, bytes = 0, before = at;

	while (at < n && p[at]) {
		if ((p[at] & 0xc0) == 0xc0) {
			size_t to = at + 1 < n ? (size_t)(p[at] & 0x3f) << 8 | p[at + 1] : n;

			if (to >= before)
				return false;
			before = at = to;
			continue;
		}
		bytes += 1 + (size_t)p[at];
		if (p[at] & 0xc0 || bytes > NAME_MAX_BYTES || p[at] > n - at - 1)
			return false;
		if (out->n > from)
			rm_strbuf_char(out, '.');
		put_label(out, p + at + 1, p[at]);
		at += 1 + (size_t)p[at];
	}
	if (out->n == from)
		rm_strbuf_char(out, '.');
	if (at >= n || out->truncated)
		return false;
	*ret = (struct rm_str){ out->p + from, out->n - from };
	return true;
}

static uint32_t hash_of(struct rm_str name, uint16_t type)
{
	uint32_t h = 2166136261u ^ type;

	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];

		h = (h ^ (uint8_t)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c)) * 16777619u;
	}
	return h;
}

/* Where the name of the one question in the class IN ends; 0: there is no such. */
static size_t question_end(const uint8_t *p, size_t n)
{
	size_t end;

	if (n < RM_DNS_HEAD_BYTES || p[2] & OPCODE || rm_be16(p + 4) != 1)
		return 0;
	end = skip_name(p, n, RM_DNS_HEAD_BYTES);
	return end && n - end >= QUESTION_BYTES && rm_be16(p + end + 2) == CLASS_IN ? end : 0;
}

bool rm_dns_is_question(const uint8_t *p, size_t n)
{
	/* Only a wish for recursion, and what DNSSEC has; no authorities, and an OPT record at most. */
	return question_end(p, n) && !(p[2] & 0xfe) && !(p[3] & 0xcf) && !rm_be16(p + 6) && !rm_be16(p + 8) &&
	       rm_be16(p + 10) <= 1;
}

bool rm_dns_read(const uint8_t *p, size_t n, struct rm_strbuf *room, struct rm_dns_message *ret)
{
	size_t end = question_end(p, n);

	*ret = (struct rm_dns_message){ 0 };
	if (!end)
		return false;
	ret->id = rm_be16(p);
	ret->response = p[2] & QR;
	ret->rcode = p[3] & 0x0f;
	ret->answers = rm_be16(p + 6);
	if (!ret->response && (ret->rcode || ret->answers))
		return false;
	if (!read_name(p, n, RM_DNS_HEAD_BYTES, room, &ret->name))
		return false;
	ret->type = rm_be16(p + end);
	ret->hash = hash_of(ret->name, ret->type);
	ret->at = end + QUESTION_BYTES;
	for (int i = 6; i < RM_DNS_HEAD_BYTES; i += 2)
		ret->records = (uint16_t)(ret->records + (rm_be16(p + i) < RECORDS_MAX ? rm_be16(p + i) : RECORDS_MAX));
	return true;
}

/* A name has to end in its record: what it points to lies before it. */
static void tell_record(const uint8_t *p, size_t at, size_t bytes, uint16_t type, struct rm_strbuf *room,
			rm_dns_answer_fn tell, void *arg)
{
	struct rm_str name = { NULL, 0 };

	room->n = 0;
	room->truncated = false;
	if ((type == RM_DNS_A && bytes == 4) || (type == RM_DNS_AAAA && bytes == 16))
		tell(arg, type, p + at, name);
	else if (type == RM_DNS_PTR && read_name(p, at + bytes, at, room, &name))
		tell(arg, type, NULL, name);
}

void rm_dns_answers(const uint8_t *p, size_t n, struct rm_dns_message *m, struct rm_strbuf *room, rm_dns_answer_fn tell, void *arg)
{
	size_t at = m->at;

	for (uint32_t i = 0; i < m->records && i < RECORDS_MAX; i++) {
		uint16_t type, bytes;

		at = skip_name(p, n, at);
		if (!at || n - at < RECORD_BYTES)
			return;
		type = rm_be16(p + at);
		bytes = rm_be16(p + at + 8);
		/* The upper bits of the response code take the place of a time to live. */
		if (type == RM_DNS_OPT && i >= m->answers)
			m->rcode = (uint16_t)((m->rcode & 0x0f) | p[at + 4] << 4);
		at += RECORD_BYTES;
		if (bytes > n - at)
			return;
		if (i < m->answers)
			tell_record(p, at, bytes, type, room, tell, arg);
		at += bytes;
	}
}

const char *rm_dns_type_name(uint16_t type)
{
	switch (type) {
	case RM_DNS_A: return "A";
	case 2: return "NS";
	case 5: return "CNAME";
	case 6: return "SOA";
	case RM_DNS_PTR: return "PTR";
	case 15: return "MX";
	case 16: return "TXT";
	case RM_DNS_AAAA: return "AAAA";
	case 33: return "SRV";
	case 35: return "NAPTR";
	case 64: return "SVCB";
	case 65: return "HTTPS";
	case 255: return "ANY";
	case 257: return "CAA";
	default: return NULL;
	}
}

const char *rm_dns_rcode_name(uint16_t rcode)
{
	switch (rcode) {
	case 1: return "FORMERR";
	case 2: return "SERVFAIL";
	case 3: return "NXDOMAIN";
	case 4: return "NOTIMP";
	case 5: return "REFUSED";
	case 16: return "BADVERS";
	case 23: return "BADCOOKIE";
	default: return NULL;
	}
}
