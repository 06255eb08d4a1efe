/* See conn_pool.h. */
#include "agent/conn_pool.h"

#include <string.h>

#include "base/pool.h"

/* Of a multiple of 16 bytes each. */
#define POOL(bytes) RM_POOL_INIT(bytes, RM_CONNS_CHUNK, RM_CONNS_MAX)

struct rm_pool rm_conns = POOL(RM_CONN_BYTES);
static struct rm_pool edits = POOL(RM_TX_EDITS * sizeof(struct rm_pending)), states = POOL(RM_CONN_STATE_BYTES);

_Static_assert(sizeof(struct rm_conn) <= 464, "as docs/SAFETY.md says");

struct rm_conn *rm_conn_get(void)
{
	uint32_t number = rm_pool_get(&rm_conns);
	struct rm_conn *c = number ? rm_conn_at(number) : NULL;

	if (!c)
		return NULL;
	if (!c->pending)
		c->pending = rm_pool_beside(&edits, number);
	if (!c->pending) {
		rm_pool_put(&rm_conns, number);
		return NULL;
	}
	/* Who looks at it without a lock finds a state, whatever its protocol. */
	if (!c->state)
		c->state = c->near;
	c->number = number;
	return c;
}

void rm_conn_put(uint32_t number)
{
	rm_pool_put(&rm_conns, number);
}

bool rm_conn_room(struct rm_conn *c, uint32_t bytes)
{
	void *room = c->near;

	if (bytes > RM_CONN_STATE_BYTES)
		return false;
	if (bytes > sizeof(c->near))
		room = rm_pool_beside(&states, c->number);
	if (!room)
		return false;
	c->state = memset(room, 0, bytes);
	return true;
}

uint32_t rm_conn_live(void)
{
	return rm_pool_live(&rm_conns);
}
