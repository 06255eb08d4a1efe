/*
 * A request or response head of HTTP/1: the start line and the fields, in one pass over memory,
 * nothing copied. Field names end at their colon and hold no white space or controls, but may hold
 * more than a token. What it says of framing and persistence is gathered on the way, so that the
 * fields past RM_FIELDS_MAX count too. Stateless. Context: any, signal-safe.
 * Spec: RFC 9112 sections 2.2, 3, 4, 5, 6.3, 9.3; RFC 9110 sections 5.5, 7.2.
 */
#ifndef RM_PROTOCOLS_HTTP1_HEAD_H
#define RM_PROTOCOLS_HTTP1_HEAD_H

#include "protocols/proto.h"

enum { RM_HTTP1_METHOD_MAX_BYTES = 32 };

enum rm_http1_parsed {
	RM_HTTP1_MORE,     /* good so far, but the input ended */
	RM_HTTP1_DONE,
	RM_HTTP1_BAD_LINE, /* the start line is not one of HTTP/1 */
	RM_HTTP1_BAD,      /* a field that is not allowed, or that can be read in two ways */
};

/* What the fields say of the message's length, and of the connection. */
struct rm_http1_framing {
	uint64_t length;     /* Content-Length, if has_length */
	bool has_length;
	bool chunked;        /* the last transfer coding is chunked */
	bool other_coding;   /* there is a transfer coding that is not chunked */
	bool close, keep_alive; /* connection options */
};

struct rm_http1_head {
	struct rm_field *room; /* the caller's: where fields are listed, and ... */
	uint32_t room_fields;  /* ... how many, RM_FIELDS_MAX at most */
	struct rm_head head;   /* fed_from and fed_at are the caller's */
	struct rm_http1_framing framing;
};

/* True for a character that methods are made of: a token's (RFC 9110 section 5.6.2). */
bool rm_http1_is_token(char c);

/*
 * Parses the start line alone. `n` may end anywhere: RM_HTTP1_MORE then, with ret->version
 * set as soon as the version of a request was seen. On RM_HTTP1_DONE *ret_bytes is the length of
 * the line with its end. Fields of `ret` other than the start line's are not touched.
 */
enum rm_http1_parsed rm_http1_line(struct rm_head *ret, enum rm_dir dir, const char *p, size_t n,
				   size_t *ret_bytes);

/*
 * Parses a head that begins at `p`. It ends before the first CR or LF at the start of a line,
 * which must lie inside the `n` bytes; with `sealed` it is known to follow them. On RM_HTTP1_DONE
 * ret->head is whole and ret->head.raw.n is where the empty line begins.
 * When not all fields found room ret->head.fields_cut is set, and all else is as it would be.
 * Ownership: slices of `ret` point into the input, ret->head.fields is ret->room.
 */
enum rm_http1_parsed rm_http1_head_parse(struct rm_http1_head *ret, enum rm_dir dir, const char *p,
					 size_t n, bool sealed);

/*
 * The same in parts: its first line, which leaves all else empty; its fields behind that; and what is told once the empty
 * line was found, at `blank`.
 */
enum rm_http1_parsed rm_http1_begin(struct rm_http1_head *ret, enum rm_dir dir, const char *p, size_t n);
enum rm_http1_parsed rm_http1_fields(struct rm_http1_head *ret, enum rm_dir dir, const char *p, size_t n, bool sealed);
void rm_http1_over(struct rm_http1_head *ret, enum rm_dir dir, const char *p, const char *blank);

/*
 * How many of the `n` bytes (not 0) come before the empty line that ends a head; all of them where it is not there, which
 * *ret_found says. `line_starts`: a line begins with the first one.
 */
size_t rm_http1_to_blank(const char *p, size_t n, bool line_starts, bool *ret_found);

/* As rm_proto.sniff. */
enum rm_sniff rm_http1_sniff(const uint8_t *p, size_t n);

/* True when an Upgrade field of the head names the protocol, and no other (RFC 9110 section 7.8). */
bool rm_http1_upgrades_to(const struct rm_http1_head *m, struct rm_str protocol);

/* True when the connection lives on after this message (RFC 9112 section 9.3). */
bool rm_http1_persists(const struct rm_http1_head *m);

#endif
