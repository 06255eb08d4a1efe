/*
 * What FastCGI, SCGI and uwsgi have in common: a request is variables by the names of CGI, and its answer
 * begins with the header of a CGI response. Stateless but for rm_cgi_answer. Context: any, signal-safe.
 * Spec: RFC 3875 sections 4 and 6; FastCGI Specification 3.4; SCGI; the uwsgi protocol.
 */
#ifndef RM_PROTOCOLS_CGI_H
#define RM_PROTOCOLS_CGI_H

#include "protocols/proto.h"

/* How names and values follow one another. */
enum rm_cgi_form {
	RM_CGI_FASTCGI, /* two lengths of one byte, or of four with the highest bit set; then both */
	RM_CGI_SCGI,    /* each ends with NUL */
	RM_CGI_UWSGI,   /* each has its length before it: two bytes, low one first */
};

struct rm_cgi_vars {
	const char *p;
	size_t n, at;
	enum rm_cgi_form form;
};

/* The next variable: 1; 0 at the end; negative when it is cut, or none. */
int rm_cgi_next(struct rm_cgi_vars *v, struct rm_str *ret_name, struct rm_str *ret_value);

enum { RM_CGI_TEXT_BYTES = 12 * 1024 };

/* What a head is put together in: the memory for one feed (rm_sink_calls.scratch). */
struct rm_cgi_room {
	struct rm_field fields[RM_FIELDS_MAX];
	char text[RM_CGI_TEXT_BYTES]; /* names of fields, and the target where no variable has it whole */
};

struct rm_cgi_request {
	struct rm_head head;        /* its gateway is the one below, whose name and place are the caller's */
	struct rm_gateway gateway;
	struct rm_str traceparent;  /* the value of HTTP_TRACEPARENT: the last one's */
	uint64_t content_bytes;     /* that follow; 0 where nothing is said of them */
};

/*
 * Reads variables as the request they stand for. False when they are cut, or are no request: REQUEST_METHOD or
 * the target is missing. Ownership: slices point into the variables and `room`.
 */
bool rm_cgi_request(struct rm_cgi_request *ret, struct rm_cgi_vars vars, struct rm_cgi_room *room);

/* The head of an answer on its way; zeroed, it has not begun. */
struct rm_cgi_answer {
	uint32_t stashed; /* bytes of it in RM_STASH_RESPONSE_HEAD */
	uint8_t line;     /* where the bytes so far end */
	bool over;        /* it was told */
};

/*
 * Takes bytes of an answer: up to the end of its head, which is then told (as response_head), or all there
 * are. Returns how many, or RM_FEED_MUTE when it is no such head.
 */
int64_t rm_cgi_answer_feed(struct rm_cgi_answer *a, const char *p, size_t n, struct rm_sink *sink, rm_xid x);

/* Gives back what is stashed. */
void rm_cgi_answer_drop(struct rm_cgi_answer *a, struct rm_sink *sink);

#endif
