/* The variables of each signal; see lane.h. Context: worker. */
#include "exporters/lane.h"

#include "base/log.h"
#include "exporters/registry.h"

#define MS_NS 1000000ull
enum { QUEUE_DEFAULT = 2048, QUEUE_MAX = 1 << 20, BATCH_DEFAULT = 512 };

static const struct {
	enum rm_env_id exporters, queue_size, batch_size, delay, timeout;
} settings[RM_SIGNAL_COUNT] = {
	[RM_SIGNAL_TRACES] = { RM_ENV_TRACES_EXPORTER, RM_ENV_BSP_MAX_QUEUE_SIZE, RM_ENV_BSP_MAX_EXPORT_BATCH_SIZE,
			       RM_ENV_BSP_SCHEDULE_DELAY, RM_ENV_BSP_EXPORT_TIMEOUT },
	[RM_SIGNAL_LOGS] = { RM_ENV_LOGS_EXPORTER, RM_ENV_BLRP_MAX_QUEUE_SIZE, RM_ENV_BLRP_MAX_EXPORT_BATCH_SIZE,
			     RM_ENV_BLRP_SCHEDULE_DELAY, RM_ENV_BLRP_EXPORT_TIMEOUT },
};

/* A setting that must be a positive number of at most `max`. */
static uint32_t read_size(const struct rm_env *env, enum rm_env_id id, uint32_t if_unset,
			  uint32_t max)
{
	uint64_t v = rm_env_u64(env, id, if_unset);

	if (v > 0 && v <= max)
		return (uint32_t)v;
	v = v == 0 ? if_unset : max;
	rm_warn("%s: must be from 1 to %u; %u is used", rm_env_name(id), max, (unsigned)v);
	return (uint32_t)v;
}

static uint64_t read_ns(const struct rm_env *env, enum rm_env_id id)
{
	uint64_t ms = rm_env_u64(env, id, 0);

	return ms < UINT64_MAX / MS_NS ? ms * MS_NS : UINT64_MAX;
}

void rm_lane_init(struct rm_lane *lane, enum rm_signal signal, const struct rm_env *env)
{
	enum rm_env_id batch = settings[signal].batch_size;

	lane->queue_cap = read_size(env, settings[signal].queue_size, QUEUE_DEFAULT, QUEUE_MAX);
	/* The default batch shrinks with the queue; a larger one, if asked for, is a mistake. */
	lane->batch_max = read_size(env, batch, BATCH_DEFAULT, rm_env_is_set(env, batch) ? lane->queue_cap : QUEUE_MAX);
	if (lane->batch_max > lane->queue_cap)
		lane->batch_max = lane->queue_cap;
	lane->delay_ns = read_ns(env, settings[signal].delay);
	lane->timeout_ns = read_ns(env, settings[signal].timeout);
}

enum rm_env_id rm_lane_exporters(enum rm_signal signal)
{
	return settings[signal].exporters;
}

const char *rm_signal_name(enum rm_signal signal)
{
	return signal == RM_SIGNAL_LOGS ? "logs" : "spans";
}

const struct rm_exporter *rm_lane_find(enum rm_signal signal, struct rm_str name)
{
	for (const struct rm_exporter *const *x = rm_exporters; *x; x++)
		if ((*x)->signal == signal && rm_str_ieq(name, rm_str_c((*x)->name)))
			return *x;
	return NULL;
}

bool rm_lane_knows(enum rm_signal signal, struct rm_str list)
{
	struct rm_str item;

	while (rm_env_item(&list, &item))
		if (rm_lane_find(signal, item) || rm_str_ieq(item, RM_STR("none")))
			return true;
	return false;
}
