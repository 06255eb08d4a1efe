/*
 * What the body of a request over HTTP says of the operation, where the head does not: GraphQL, JSON-RPC, AWS. Bodies are read as
 * they pass, up to a limit, and no further than to the first thing that shows them to be none of these; of what is in them only
 * names are kept. Context: hook, connection locked.
 * Spec: GraphQL over HTTP; JSON-RPC 2.0; AWS Query and AWS JSON protocols.
 */
#ifndef RM_AGENT_API_BODY_H
#define RM_AGENT_API_BODY_H

#include "agent/api.h"
#include "protocols/json_scan.h"

enum { RM_API_BODY_MAX_BYTES = 16 * 1024, RM_API_WORD_BYTES = 64, RM_API_METHOD_BYTES = 128 };

enum rm_api_body_form {
	RM_API_BODY_NONE,
	RM_API_BODY_JSON,     /* a call of GraphQL or of JSON-RPC, or none */
	RM_API_BODY_GRAPHQL,  /* a document */
	RM_API_BODY_AWS_JSON,
	RM_API_BODY_AWS_FORM,
	RM_API_BODY_GRAPHQL_URL, /* none: what is asked stands in the URL */
};

enum rm_api_call {
	RM_API_CALL_NONE,
#define RM_OVER_CALL(id, name, help) RM_API_CALL_##id,
#include "agent/over_http.h"
	RM_API_CALL_AWS, /* a service: its head has said which */
};

/* A text of bounded length; one that was longer is empty. */
struct rm_api_word {
	uint8_t bytes;
	char text[RM_API_METHOD_BYTES];
};

/* What a service of AWS is asked about. */
enum rm_aws_thing {
	RM_AWS_NOTHING,
	RM_AWS_TABLE,
	RM_AWS_QUEUE_URL,
	RM_AWS_TOPIC,
	RM_AWS_STREAM,
	RM_AWS_SECRET,
	RM_AWS_STATE_MACHINE,
};

struct rm_api_body {
	uint8_t form;            /* enum rm_api_body_form */
	uint8_t member;          /* of the JSON: what the value that comes is */
	bool over;               /* nothing more is read of the request ... */
	uint8_t call;            /* enum rm_api_call: what it turned out to be */
	bool answers, answered;  /* ... it is the answer that is read; there is one of JSON-RPC */
	bool listed, batch, mixed; /* a list of calls; of several; they are not all of one kind */
	uint8_t calls;           /* 0, 1, or more */
	bool graphql_said;       /* head or body say that they are GraphQL */
	bool has_id, failed;     /* of JSON-RPC's request; the answer has an error, or GraphQL's errors, ... */
	bool has_data;           /* ... beside data */
	bool any_failed, differ; /* of a list of answers: one did, with the code `shared`; others had another one */
	uint32_t item;           /* which of them is read */
	uint8_t thing;           /* enum rm_aws_thing, of ... */
	uint32_t read_bytes;
	struct rm_api_word type, name;    /* of a GraphQL document's first operation */
	struct rm_api_word operation;     /* GraphQL: which of them; AWS: the Action */
	struct rm_api_word method, id, version, code, shared; /* JSON-RPC */
	struct rm_api_word service;       /* AWS: "DynamoDB" */
	uint16_t about_bytes;
	char about[RM_JSON_SCAN_TEXT_BYTES];   /* ... which name */
	struct rm_json_scan json;
};

/* Which form the body of a request has that is worth to be read; `api` is what its head says. */
enum rm_api_body_form rm_api_body_form(const struct rm_head *head, const struct rm_api *api, bool server);

/* Prepares to read it. */
void rm_api_body_begin(struct rm_api_body *b, enum rm_api_body_form form, const struct rm_head *head, const struct rm_api *api);

/* The next bytes; NULL where nobody saw them. False: there is nothing more to be read. */
bool rm_api_body_read(struct rm_api_body *b, const char *p, uint64_t n);

/* What the body turned out to be, as far as it was read. */
enum rm_api_call rm_api_body_over(struct rm_api_body *b);

/* Of GraphQL and JSON-RPC the answer is read, too: whether its head allows that; then its content, in the same way. */
bool rm_api_body_answer(struct rm_api_body *b, const struct rm_head *head);

/* It was read: the call failed, or one of the list did. Then `code` is what all those that failed have, if they have one. */
bool rm_api_body_failed(struct rm_api_body *b);

static inline struct rm_str rm_api_word(const struct rm_api_word *w)
{
	return (struct rm_str){ w->text, w->bytes };
}

#endif
