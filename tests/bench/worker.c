/*
 * What one background thread makes of spans: takes them out of rings, encodes and sends them, as the agent's worker does.
 * There is no program beside it; rings are filled in between, and of time only the thread's own counts (CLOCK_THREAD_CPUTIME_ID),
 * so that a busy machine changes little.
 *
 * Usage: worker SPANS [commands]
 * With `commands` they are those of clients of Redis, else those of a server of HTTP.
 * Settings are those of its environment. Prints "spans S cpu-ns N": those that a backend took.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "agent/drain.h"
#include "agent/record.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"

enum { FILL = 512, PORTS = 16, FLUSH_NS = 1000000000, STATUSES = 50 };

extern char **environ;

static struct rm_env env;
static struct rm_segment segment;
static struct rm_drain drain;
static struct rm_random random_bits;
static uint64_t clock_ns;

static uint64_t own_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void write_resource(void)
{
	struct rm_builder b = { 0 };

	rm_segment_init(&segment, 1);
	rm_builder_resource(&b, segment.resource, sizeof(segment.resource));
	rm_builder_str(&b, RM_KEY_SERVICE_NAME, RM_STR("shop"));
	rm_builder_i64(&b, RM_KEY_PROCESS_PID, 4242);
	rm_builder_named_str(&b, RM_STR("host.name"), RM_STR("bench"));
	rm_builder_named_str(&b, RM_STR("process.executable.path"), RM_STR("/usr/local/bin/shop"));
	rm_builder_named_str(&b, RM_STR("telemetry.sdk.name"), RM_STR("remora"));
	atomic_store(&segment.resource_bytes, rm_builder_end(&b));
}

/* A request as servers get them: one of a few paths, a number in its query, one of some connections; most are answered with 200. */
static void add_request(struct rm_builder *b, uint64_t bits)
{
	static const char *const paths[] = { "/api/items", "/api/orders", "/cart", "/" };
	char query[32];

	snprintf(query, sizeof(query), "id=%u&sort=price", (unsigned)(bits >> 40) % 1000);
	rm_builder_str(b, RM_KEY_HTTP_REQUEST_METHOD, RM_STR("GET"));
	rm_builder_str(b, RM_KEY_URL_SCHEME, RM_STR("http"));
	rm_builder_str(b, RM_KEY_URL_PATH, rm_str_c(paths[bits >> 32 & 3]));
	rm_builder_str(b, RM_KEY_URL_QUERY, rm_str_c(query));
	rm_builder_str(b, RM_KEY_SERVER_ADDRESS, RM_STR("127.0.0.1"));
	rm_builder_i64(b, RM_KEY_SERVER_PORT, 8080);
	rm_builder_str(b, RM_KEY_CLIENT_ADDRESS, RM_STR("127.0.0.1"));
	rm_builder_str(b, RM_KEY_NETWORK_PEER_ADDRESS, RM_STR("127.0.0.1"));
	rm_builder_i64(b, RM_KEY_NETWORK_PEER_PORT, 40000 + (int64_t)(bits >> 24 & (PORTS - 1)));
	rm_builder_str(b, RM_KEY_NETWORK_PROTOCOL_VERSION, RM_STR("1.1"));
	rm_builder_str(b, RM_KEY_USER_AGENT_ORIGINAL, RM_STR("curl/7.88.1"));
	rm_builder_i64(b, RM_KEY_HTTP_RESPONSE_STATUS_CODE, bits % STATUSES ? 200 : 404);
	rm_builder_i64(b, RM_KEY_HTTP_RESPONSE_BODY_SIZE, 12);
}

static void add_command(struct rm_builder *b)
{
	rm_builder_str(b, RM_KEY_DB_SYSTEM_NAME, RM_STR("redis"));
	rm_builder_str(b, RM_KEY_DB_OPERATION_NAME, RM_STR("GET"));
	rm_builder_str(b, RM_KEY_DB_QUERY_TEXT, RM_STR("GET ?"));
	rm_builder_str(b, RM_KEY_SERVER_ADDRESS, RM_STR("127.0.0.1"));
	rm_builder_str(b, RM_KEY_NETWORK_PEER_ADDRESS, RM_STR("127.0.0.1"));
	rm_builder_i64(b, RM_KEY_NETWORK_PEER_PORT, 6379);
}

static void add_span(bool commands)
{
	_Alignas(8) char memory[2048];
	struct rm_span head = { .kind = commands ? RM_KIND_CLIENT : RM_KIND_SERVER, .trace_flags = 3 };
	struct rm_builder b = { 0 };
	uint64_t bits = rm_random_u64(&random_bits);

	for (int i = 0; i < 16; i += 8)
		memcpy(head.trace_id + i, &(uint64_t){ rm_random_u64(&random_bits) }, 8);
	memcpy(head.span_id, &(uint64_t){ rm_random_u64(&random_bits) }, 8);
	clock_ns += bits % 40000;
	head.start_ns = clock_ns;
	head.end_ns = clock_ns + 100000 + bits / 3 % 400000;
	rm_builder_span(&b, memory, sizeof(memory), &head, RM_STR("GET"), RM_STR(""));
	if (commands)
		add_command(&b);
	else
		add_request(&b, bits);
	if (rm_segment_push(&segment, 0, memory, rm_builder_end(&b), NULL) != 0)
		abort();
}

/* Takes and sends what is there; returns what that took of the thread. */
static uint64_t work(const struct rm_pipeline_api *api, bool all)
{
	uint64_t from = own_ns();

	while (rm_drain_batches(&drain))
		;
	api->run(drain.pipeline);
	if (all)
		api->flush(drain.pipeline, rm_clock_mono_ns() + FLUSH_NS);
	return own_ns() - from;
}

int main(int argc, char **argv)
{
	const struct rm_pipeline_api *api = remora_export_api(RM_EXPORT_ABI);
	long spans = argc > 1 ? atol(argv[1]) : FILL;
	bool commands = argc > 2 && strcmp(argv[2], "commands") == 0;
	struct rm_pipeline_driver driver = { NULL, NULL, NULL };
	struct rm_pipeline_stats stats;
	struct rm_pipeline *pipeline;
	uint64_t cpu_ns = 0;

	rm_env_load(&env, environ, NULL);
	clock_ns = rm_clock_wall_ns();
	write_resource();
	pipeline = api ? api->open(&env, 1u << RM_SIGNAL_TRACES, 0, RM_LEVEL_INFO, &driver) : NULL;
	if (!pipeline)
		return 2;
	rm_drain_init(&drain, &env, &segment, api, pipeline);
	for (long i = 1; i <= spans; i++) {
		add_span(commands);
		if (i % FILL == 0 || i == spans)
			cpu_ns += work(api, i == spans);
	}
	api->stats(pipeline, RM_SIGNAL_TRACES, &stats);
	printf("spans %lu cpu-ns %lu\n", stats.exported, cpu_ns);
	api->close(pipeline);
	return stats.exported == (uint64_t)spans ? 0 : 1;
}
