/* See semconv_db.h. Runs in hooks with the connection locked. */
#include "agent/semconv_db.h"

#include "agent/semconv.h"
#include "base/strbuf.h"

enum { RECORD_BASE_BYTES = 700, NAME_BYTES = 320 };

/*
 * database-spans.md, "Name": the summary; else the operation and what it is about; else what it is
 * about; else the system.
 */
static struct rm_str name_of(const struct rm_operation *op, char room[NAME_BYTES])
{
	struct rm_str about = op->collection.n ? op->collection : op->procedure.n ? op->procedure : op->space;
	struct rm_strbuf both;

	if (op->summary.n)
		return op->summary;
	if (!op->name.n || !about.n)
		return op->name.n ? op->name : about.n ? about : op->system;
	rm_strbuf_init(&both, room, NAME_BYTES);
	rm_strbuf_str(&both, op->name);
	rm_strbuf_char(&both, ' ');
	rm_strbuf_str(&both, about);
	return rm_strbuf_view(&both);
}

static size_t record_bytes(const struct rm_exchange *e, const struct rm_operation *op)
{
	size_t n = RECORD_BASE_BYTES + e->tracestate_bytes + op->name.n + op->collection.n + op->procedure.n +
		   op->space.n + 2 * op->summary.n + op->query.n;

	return n < RM_RECORD_MAX_BYTES ? n : RM_RECORD_MAX_BYTES;
}

void rm_semconv_operation(struct rm_exchange *e, const struct rm_config *c, const struct rm_peer *peer,
			  const struct rm_operation *op, const char *parent_source)
{
	struct rm_str host = { peer ? peer->text : NULL, peer ? peer->bytes : 0 };
	struct rm_builder *b = &e->builder;
	char room[NAME_BYTES];

	if (!rm_semconv_start(e, c, record_bytes(e, op), name_of(op, room)))
		return;
	rm_builder_str(b, RM_KEY_DB_SYSTEM_NAME, op->system);
	rm_builder_str(b, RM_KEY_DB_OPERATION_NAME, op->name);
	rm_builder_str(b, RM_KEY_DB_COLLECTION_NAME, op->collection);
	rm_builder_str(b, RM_KEY_DB_STORED_PROCEDURE_NAME, op->procedure);
	rm_builder_str(b, RM_KEY_DB_NAMESPACE, op->space);
	rm_builder_str(b, RM_KEY_DB_QUERY_SUMMARY, op->summary);
	rm_builder_str(b, RM_KEY_DB_QUERY_TEXT, op->query);
	if (op->batch > 1)
		rm_builder_i64(b, RM_KEY_DB_OPERATION_BATCH_SIZE, op->batch);
	/* The path of a Unix-domain socket is an address, too. */
	rm_builder_str(b, RM_KEY_SERVER_ADDRESS, host);
	if (host.n && peer->port && peer->port != op->port)
		rm_builder_i64(b, RM_KEY_SERVER_PORT, peer->port);
	if (peer)
		rm_semconv_peer(b, peer);
	if (parent_source)
		rm_builder_str(b, RM_KEY_REMORA_PARENT_SOURCE, rm_str_c(parent_source));
}

void rm_semconv_outcome(struct rm_exchange *e, const struct rm_outcome *outcome)
{
	struct rm_builder *b = &e->builder;

	rm_builder_str(b, RM_KEY_DB_NAMESPACE, outcome->space);
	rm_builder_str(b, RM_KEY_DB_RESPONSE_STATUS_CODE, outcome->status);
	if (!outcome->failed)
		return;
	e->status = RM_STATUS_ERROR;
	rm_builder_str(b, RM_KEY_ERROR_TYPE, outcome->status.n ? outcome->status : RM_STR("_OTHER"));
}
