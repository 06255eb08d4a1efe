/* See latest.h. A thread's array is its own for ever: threads that come when all are given away do without. */
#include "adapters/node/latest.h"

#include <stdatomic.h>

enum { ARRAYS = 64, HEADER_EVERY = 64 };

static struct latest {
	int32_t index, generation, fd;
	uint32_t count; /* of those it was told of */
} arrays[ARRAYS];

static _Atomic uint32_t given;
static atomic_bool forwards;
struct napi_value__ *rm_node_latest_open(struct napi_env__ *env)
{
	struct napi_value__ *ret = NULL;
	uint32_t n = rm_node_thread == RM_NODE_BEGUN ? atomic_load(&given) : ARRAYS;

	while (n < ARRAYS && !atomic_compare_exchange_weak(&given, &n, n + 1))
		;
	if (n >= ARRAYS || rm_node.create_external_arraybuffer(env, &arrays[n], offsetof(struct latest, count), NULL, NULL, &ret) != 0)
		return NULL;
	rm_node_thread = (uint8_t)(RM_NODE_BEGUN + 1 + n);
	return ret;
}

static struct latest *own(void)
{
	return rm_node_thread > RM_NODE_BEGUN ? &arrays[rm_node_thread - RM_NODE_BEGUN - 1] : NULL;
}

bool rm_node_latest_put(rm_ctx ctx, int fd)
{
	struct latest *l = own();

	if (!l)
		return false;
	l->index = (int32_t)ctx;
	l->generation = (int32_t)(ctx >> 32);
	l->fd = fd;
	return ++l->count % HEADER_EVERY && !atomic_load_explicit(&forwards, memory_order_relaxed);
}

void rm_node_latest_forwards(void)
{
	atomic_store_explicit(&forwards, true, memory_order_relaxed);
}

void rm_node_latest_forget(void)
{
	struct latest *l = own();

	if (l)
		l->index = 0;
}
