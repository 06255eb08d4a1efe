/*
 * See pgsql_copy.h. While a server reads what is copied it steps over Sync. Some clients (tokio-postgres) send one right behind
 * the execution of a COPY, before they know that it is one: of those that wait for ReadyForQuery it is taken out when the server
 * says that it begins to read.
 */
#include "protocols/pgsql_copy.h"

void rm_pgsql_copy_asked(struct rm_pgsql_copy *c)
{
	c->ended = false;
}

void rm_pgsql_copy_ended(struct rm_pgsql_copy *c)
{
	c->under_way = false;
	c->ended = true;
}

uint32_t rm_pgsql_copy_sync(struct rm_pgsql_copy *c)
{
	c->early = c->early || c->under_way;
	return c->under_way ? 0 : c->ended ? RM_PGSQL_SYNC_BEHIND_COPY : RM_PGSQL_SYNC;
}

bool rm_pgsql_copy_begins(struct rm_pgsql_copy *c, struct rm_waiting_queue *q, struct rm_sink *sink, uint32_t sync)
{
	const struct rm_waiting question = *rm_waiting_oldest(q, sink);
	struct rm_waiting *next;

	while ((next = rm_waiting_at(q, sink, 1)) != NULL && next->kind == sync && next->n == RM_PGSQL_SYNC) {
		*next = question;
		rm_waiting_pop(q, sink);
		c->early = true;
	}
	c->under_way = !c->ended;
	return !next || (next->kind == sync && c->ended);
}

bool rm_pgsql_copy_answered(struct rm_pgsql_copy *c, bool failed)
{
	bool sure = !failed || !c->early;

	c->under_way = c->early = false;
	return sure;
}
