/*
 * GraphQL: what a document asks for, and a request that carries one in its URL. Of what is in a document only the type and the name
 * of its first operation are told. Context: any, signal-safe. Spec: GraphQL, October 2021; GraphQL over HTTP.
 */
#ifndef RM_AGENT_API_GRAPHQL_H
#define RM_AGENT_API_GRAPHQL_H

#include "protocols/proto.h"

struct rm_graphql {
	struct rm_str type; /* "query", constant; empty: a fragment comes first */
	struct rm_str name; /* of the operation, in the text */
};

/* The first operation of a document, of which this is the beginning. False: it does not begin with one. */
bool rm_graphql_read(struct rm_str document, struct rm_graphql *ret);

/* Does a head say by itself that it is about GraphQL: by its path, or by the answers that it takes? */
bool rm_graphql_said(const struct rm_head *head);

/* Does it, and ask in its URL? */
bool rm_graphql_in_url(const struct rm_head *head);

/* Is this all of a name, as operations have them? */
bool rm_graphql_is_name(struct rm_str s);

#endif
