/*
 * Calls of well-known services over HTTP: which service a request of a client is for, and what of it. Only what the request
 * says itself is told: a signature's scope, a field that only clients of that service send. Context: any, signal-safe.
 */
#ifndef RM_AGENT_API_H
#define RM_AGENT_API_H

#include "protocols/proto.h"

enum rm_api_kind {
	RM_API_NONE,
#define RM_OVER_SERVICE(id, name, help) RM_API_##id,
#include "agent/over_http.h"
};

struct rm_api {
	enum rm_api_kind kind;
	struct rm_str operation;  /* "GetItem", "search"; empty: it is not said */
	struct rm_str service;    /* AWS: "DynamoDB" */
	struct rm_str region;     /* AWS */
	struct rm_str collection; /* the index that is asked, percent-encoded as it came */
	struct rm_str space;      /* the database */
	struct rm_str bucket;     /* S3 */
};

/* Ownership: everything points into the head, or is constant. */
void rm_api_of(const struct rm_head *head, struct rm_api *ret);

/* Does it end so, whatever the case of its letters is? */
static inline bool rm_api_ends(struct rm_str s, struct rm_str end)
{
	return s.n >= end.n && rm_str_ieq((struct rm_str){ s.p + (s.n - end.n), end.n }, end);
}

/* The first field with this name; empty without one. */
struct rm_str rm_api_field(const struct rm_head *head, struct rm_str name);

/* The value of a parameter of a URL's query, or of a form, as it came. p is NULL without one. */
struct rm_str rm_api_parameter(struct rm_str query, struct rm_str name);

/* What a server says of itself with its answer. */
struct rm_api_answer {
	enum rm_api_kind kind;    /* NONE: nothing */
	struct rm_str code;       /* ClickHouse: of an exception */
	struct rm_str request_id, extended_id; /* AWS */
	struct rm_str cluster, node;           /* Elasticsearch */
};

void rm_api_answer_of(const struct rm_head *head, struct rm_api_answer *ret);

#endif
