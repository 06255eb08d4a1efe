/* Settings: each type's rules, first of two, limits, lists, pairs and percent escapes. */
#include "base/env.h"

#include <stdlib.h>

#include "base/err.h"
#include "tests/rmtest.h"

static struct rm_env env;
static int warnings;
static char warned_name[64], warned_value[64];

static void warn(enum rm_env_id id, struct rm_str value, const char *reason)
{
	warnings++;
	snprintf(warned_name, sizeof(warned_name), "%s", rm_env_name(id));
	snprintf(warned_value, sizeof(warned_value), "%.*s", (int)value.n, value.p);
	RM_CHECK(reason && reason[0]);
}

/* Loads the given variables, NULL at the end. */
#define LOAD(...)                                                                              \
	do {                                                                                   \
		warnings = 0;                                                                  \
		rm_env_load(&env, (char *[]){ __VA_ARGS__ __VA_OPT__(,) NULL }, warn);         \
	} while (0)

RM_TEST("without variables every row has its default and nothing warns")
{
	LOAD();
	for (int id = 0; id < RM_ENV_COUNT; id++) {
		RM_CHECK(!rm_env_is_set(&env, id));
		RM_CHECK_STR(rm_env_str(&env, id), rm_env_default(id));
	}
	rm_env_load(&env, NULL, warn);
	RM_CHECK(rm_env_u64(&env, RM_ENV_BSP_MAX_QUEUE_SIZE, 0) == 2048);
	RM_CHECK(warnings == 0 && env.warned == 0);
}

RM_TEST("every default is a valid value of its row")
{
	static char text[512];

	for (int id = 0; id < RM_ENV_COUNT; id++) {
		snprintf(text, sizeof(text), "%s=%s", rm_env_name(id), rm_env_default(id));
		LOAD(text);
		RM_CHECK(warnings == 0);
		RM_CHECK(rm_env_is_set(&env, id) == (rm_env_default(id)[0] != '\0'));
	}
}

/* One value of one row: what it reads as, and whether that took a warning. */
static const struct rule {
	const char *text; /* NAME=value */
	enum rm_env_id id;
	const char *want;
	int warnings;
} rules[] = {
	/* Empty is unset, for every type. */
	{ "OTEL_SERVICE_NAME=", RM_ENV_SERVICE_NAME, "", 0 },
	{ "OTEL_LOG_LEVEL=", RM_ENV_LOG_LEVEL, "info", 0 },
	{ "OTEL_LOG_LEVEL=  ", RM_ENV_LOG_LEVEL, "info", 0 },
	{ "OTEL_SDK_DISABLED=", RM_ENV_SDK_DISABLED, "false", 0 },
	{ "OTEL_BSP_SCHEDULE_DELAY=", RM_ENV_BSP_SCHEDULE_DELAY, "5000", 0 },
	/* Strings are taken as they are. */
	{ "OTEL_SERVICE_NAME= my shop ", RM_ENV_SERVICE_NAME, " my shop ", 0 },
	{ "OTEL_SERVICE_NAME=a=b", RM_ENV_SERVICE_NAME, "a=b", 0 },
	/* Booleans. */
	{ "OTEL_SDK_DISABLED=TRUE", RM_ENV_SDK_DISABLED, "TRUE", 0 },
	{ "OTEL_SDK_DISABLED= false ", RM_ENV_SDK_DISABLED, "false", 0 },
	{ "OTEL_SDK_DISABLED=1", RM_ENV_SDK_DISABLED, "false", 1 },
	{ "OTEL_SDK_DISABLED=yes", RM_ENV_SDK_DISABLED, "false", 1 },
	{ "REMORA_INGRESS=off", RM_ENV_REMORA_INGRESS, "true", 1 },
	{ "REMORA_DISABLED=1", RM_ENV_REMORA_DISABLED, "1", 0 },
	{ "REMORA_DISABLED=0", RM_ENV_REMORA_DISABLED, "0", 0 },
	{ "REMORA_DISABLED=2", RM_ENV_REMORA_DISABLED, "0", 1 },
	/* Numbers and durations. */
	{ "OTEL_BSP_MAX_QUEUE_SIZE= 17 ", RM_ENV_BSP_MAX_QUEUE_SIZE, "17", 0 },
	{ "OTEL_BSP_MAX_QUEUE_SIZE=-1", RM_ENV_BSP_MAX_QUEUE_SIZE, "2048", 1 },
	{ "OTEL_BSP_MAX_QUEUE_SIZE=1.5", RM_ENV_BSP_MAX_QUEUE_SIZE, "2048", 1 },
	{ "OTEL_BSP_MAX_QUEUE_SIZE=99999999999999999999", RM_ENV_BSP_MAX_QUEUE_SIZE, "2048", 1 },
	{ "OTEL_EXPORTER_OTLP_TIMEOUT=0", RM_ENV_OTLP_TIMEOUT, "0", 0 },
	{ "OTEL_EXPORTER_OTLP_TIMEOUT=5s", RM_ENV_OTLP_TIMEOUT, "10000", 1 },
	/* Ratios. */
	{ "OTEL_TRACES_SAMPLER_ARG=0.25", RM_ENV_TRACES_SAMPLER_ARG, "0.25", 0 },
	{ "OTEL_TRACES_SAMPLER_ARG=1.1", RM_ENV_TRACES_SAMPLER_ARG, "1.0", 1 },
	{ "OTEL_TRACES_SAMPLER_ARG=-0.5", RM_ENV_TRACES_SAMPLER_ARG, "1.0", 1 },
	{ "OTEL_TRACES_SAMPLER_ARG=nan", RM_ENV_TRACES_SAMPLER_ARG, "1.0", 1 },
	{ "OTEL_TRACES_SAMPLER_ARG=.", RM_ENV_TRACES_SAMPLER_ARG, "1.0", 1 },
	{ "OTEL_TRACES_SAMPLER_ARG=0.1.2", RM_ENV_TRACES_SAMPLER_ARG, "1.0", 1 },
	{ "OTEL_TRACES_SAMPLER_ARG=1e", RM_ENV_TRACES_SAMPLER_ARG, "1.0", 1 },
	/* Enumerations: stored in lowercase. */
	{ "OTEL_LOG_LEVEL=DEBUG", RM_ENV_LOG_LEVEL, "debug", 0 },
	{ "OTEL_LOG_LEVEL=verbose", RM_ENV_LOG_LEVEL, "info", 1 },
	{ "OTEL_LOG_LEVEL=warn,info", RM_ENV_LOG_LEVEL, "info", 1 },
	{ "OTEL_EXPORTER_OTLP_PROTOCOL=GRPC", RM_ENV_OTLP_PROTOCOL, "grpc", 0 },
	{ "OTEL_EXPORTER_OTLP_PROTOCOL=thrift", RM_ENV_OTLP_PROTOCOL, "http/protobuf", 1 },
	{ "OTEL_EXPORTER_OTLP_PROTOCOL=http/JSON", RM_ENV_OTLP_PROTOCOL, "http/json", 0 },
	/* Lists: an unknown item warns, and the rest still counts. */
	{ "OTEL_PROPAGATORS=b3, TraceContext", RM_ENV_PROPAGATORS, "b3, TraceContext", 0 },
	{ "OTEL_PROPAGATORS=b3,ottrace", RM_ENV_PROPAGATORS, "b3,ottrace", 1 },
	{ "OTEL_PROPAGATORS=x,y,z", RM_ENV_PROPAGATORS, "x,y,z", 1 },
	{ "REMORA_ALLOW=any*,thing", RM_ENV_REMORA_ALLOW, "any*,thing", 0 },
	/* Names that only resemble ours. */
	{ "OTEL_SERVICE_NAMES=x", RM_ENV_SERVICE_NAME, "", 0 },
	{ "OTEL_SERVICE_NAM=x", RM_ENV_SERVICE_NAME, "", 0 },
	{ "otel_service_name=x", RM_ENV_SERVICE_NAME, "", 0 },
	{ "OTEL_SERVICE_NAME", RM_ENV_SERVICE_NAME, "", 0 },
};

RM_TEST("each type accepts, normalises or drops values as OpenTelemetry's rules say")
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		LOAD((char *)rules[i].text);
		if (warnings != rules[i].warnings)
			printf("# %d warnings for %s\n", warnings, rules[i].text);
		RM_CHECK(warnings == rules[i].warnings);
		RM_CHECK(env.warned == (uint32_t)rules[i].warnings);
		RM_CHECK_STR(rm_env_str(&env, rules[i].id), rules[i].want);
	}
}

RM_TEST("values come out as booleans, numbers and ratios")
{
	LOAD("OTEL_SDK_DISABLED=True", "REMORA_DISABLED=1", "OTEL_BSP_SCHEDULE_DELAY=250",
	     "OTEL_TRACES_SAMPLER_ARG=0.1");
	RM_CHECK(rm_env_bool(&env, RM_ENV_SDK_DISABLED));
	RM_CHECK(rm_env_bool(&env, RM_ENV_REMORA_DISABLED));
	RM_CHECK(rm_env_bool(&env, RM_ENV_REMORA_INGRESS)); /* by default */
	RM_CHECK(!rm_env_bool(&env, RM_ENV_REMORA_PARENT_SOURCE));
	RM_CHECK(rm_env_u64(&env, RM_ENV_BSP_SCHEDULE_DELAY, 1) == 250);
	RM_CHECK(rm_env_u64(&env, RM_ENV_OTLP_TIMEOUT, 1) == 10000);
	RM_CHECK(rm_env_u64(&env, RM_ENV_SPAN_ATTRIBUTE_COUNT_LIMIT, 77) == 77);
	RM_CHECK(rm_env_ratio(&env, RM_ENV_TRACES_SAMPLER_ARG) == 0.1);
}

RM_TEST("ratios are the very doubles that other languages read from the same text")
{
	static const char *const texts[] = { "0", "1", "1.0", ".5", "0.001", "1e-05", "2.5E-1",
					     "0.3333333333333333", "0.99999999999999999999", "1e-10",
					     "0.7", "0.1234567", "00.5", "1.", "10e-1" };
	static char text[64];

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		double got, want = strtod(texts[i], NULL);

		snprintf(text, sizeof(text), "OTEL_TRACES_SAMPLER_ARG=%s", texts[i]);
		LOAD(text);
		got = rm_env_ratio(&env, RM_ENV_TRACES_SAMPLER_ARG);
		/* Past 15 digits they may be dropped. */
		RM_CHECK(warnings == 0 && got >= want - 1e-15 && got <= want);
		if (strlen(texts[i]) < 17)
			RM_CHECK(got == want);
	}
}

RM_TEST("a ratio with more zeros than a double has places is zero, and a number with as many is refused")
{
	static char small[600] = "OTEL_TRACES_SAMPLER_ARG=0.", large[600] = "OTEL_TRACES_SAMPLER_ARG=1";

	memset(small + strlen(small), '0', 450);
	strcat(small, "1");
	memset(large + strlen(large), '0', 450);
	LOAD(small);
	RM_CHECK(warnings == 0 && rm_env_ratio(&env, RM_ENV_TRACES_SAMPLER_ARG) == 0);
	LOAD(large);
	RM_CHECK(warnings == 1 && rm_env_ratio(&env, RM_ENV_TRACES_SAMPLER_ARG) == 1);
}

RM_TEST("of two equal names the first counts, also when it is empty or invalid")
{
	LOAD("OTEL_SERVICE_NAME=one", "OTEL_SERVICE_NAME=two", "OTEL_LOG_LEVEL=", "OTEL_LOG_LEVEL=none",
	     "OTEL_BSP_SCHEDULE_DELAY=x", "OTEL_BSP_SCHEDULE_DELAY=1");
	RM_CHECK_STR(rm_env_str(&env, RM_ENV_SERVICE_NAME), "one");
	RM_CHECK_STR(rm_env_str(&env, RM_ENV_LOG_LEVEL), "info");
	RM_CHECK(rm_env_u64(&env, RM_ENV_BSP_SCHEDULE_DELAY, 0) == 5000);
	RM_CHECK(warnings == 1);
}

RM_TEST("values are copies, NUL-terminated, whatever the program does with its environment")
{
	char text[] = "OTEL_SERVICE_NAME=shop";

	LOAD("HOME=/", "TRACEPARENT=tp", text, "BAGGAGE=k=v", "PATH=/bin");
	memset(text, 'x', sizeof(text) - 1);
	RM_CHECK(strcmp(rm_env_str(&env, RM_ENV_SERVICE_NAME).p, "shop") == 0);
	RM_CHECK_STR(rm_env_str(&env, RM_ENV_TRACEPARENT), "tp");
	RM_CHECK_STR(rm_env_str(&env, RM_ENV_BAGGAGE), "k=v");
}

RM_TEST("a value too long for the memory is dropped with a warning, later ones are still read")
{
	static char big[RM_ENV_TEXT_BYTES + 64], half[RM_ENV_TEXT_BYTES / 2 + 64];

	memset(big, 'x', sizeof(big) - 1);
	memcpy(big, "OTEL_SERVICE_NAME=", 18);
	LOAD(big, "BAGGAGE=k=v");
	RM_CHECK(warnings == 1 && strcmp(warned_name, "OTEL_SERVICE_NAME") == 0);
	RM_CHECK(warned_value[0] == '\0'); /* a part of it may be a password */
	RM_CHECK(!rm_env_is_set(&env, RM_ENV_SERVICE_NAME));
	RM_CHECK_STR(rm_env_str(&env, RM_ENV_BAGGAGE), "k=v");

	memset(half, 'x', sizeof(half) - 1);
	memcpy(half, "TRACESTATE=", 11);
	memcpy(big, "OTEL_RESOURCE_ATTRIBUTES=", 25);
	big[sizeof(half)] = '\0';
	LOAD(half, big);
	RM_CHECK(warnings == 1 && rm_env_is_set(&env, RM_ENV_TRACESTATE));
	RM_CHECK(!rm_env_is_set(&env, RM_ENV_RESOURCE_ATTRIBUTES));
	RM_CHECK(env.text_bytes <= RM_ENV_TEXT_BYTES);
}

RM_TEST("the largest value that fits is kept whole")
{
	static char exact[18 + RM_ENV_TEXT_BYTES - 2 + 1];

	memset(exact, 'x', sizeof(exact) - 1);
	memcpy(exact, "OTEL_SERVICE_NAME=", 18);
	LOAD(exact);
	RM_CHECK(warnings == 0);
	RM_CHECK(rm_env_str(&env, RM_ENV_SERVICE_NAME).n == RM_ENV_TEXT_BYTES - 2);
	RM_CHECK(env.text_bytes == RM_ENV_TEXT_BYTES);
	RM_CHECK(env.text[RM_ENV_TEXT_BYTES - 1] == '\0');
}

RM_TEST("a secret never reaches the warning")
{
	static char big[RM_ENV_TEXT_BYTES + 64];

	memset(big, 's', sizeof(big) - 1);
	memcpy(big, "OTEL_EXPORTER_OTLP_HEADERS=", 27);
	LOAD(big);
	RM_CHECK(warnings == 1);
	RM_CHECK(warned_value[0] == '\0');
}

RM_TEST("a warning names the row and the value; without a listener it is only counted")
{
	LOAD("OTEL_LOG_LEVEL=loud");
	RM_CHECK(strcmp(warned_name, "OTEL_LOG_LEVEL") == 0 && strcmp(warned_value, "loud") == 0);
	rm_env_load(&env, (char *[]){ "OTEL_LOG_LEVEL=loud", NULL }, NULL);
	RM_CHECK(env.warned == 1);
}

RM_TEST("list items are trimmed and empty ones skipped")
{
	struct rm_str rest = RM_STR(" ,a , ,b c,,"), item = { NULL, 0 };

	RM_CHECK(rm_env_item(&rest, &item));
	RM_CHECK_STR(item, "a");
	RM_CHECK(rm_env_item(&rest, &item));
	RM_CHECK_STR(item, "b c");
	RM_CHECK(!rm_env_item(&rest, &item));
	rest = RM_STR("");
	RM_CHECK(!rm_env_item(&rest, &item));
	rest = (struct rm_str){ NULL, 0 };
	RM_CHECK(!rm_env_item(&rest, &item));
}

RM_TEST("pairs split at the first equals sign and need a key")
{
	struct rm_str key = { NULL, 0 }, value = { NULL, 0 };

	RM_CHECK(rm_env_pair(RM_STR(" k = v=w "), &key, &value));
	RM_CHECK_STR(key, "k");
	RM_CHECK_STR(value, "v=w");
	RM_CHECK(rm_env_pair(RM_STR("k="), &key, &value) && value.n == 0);
	RM_CHECK(!rm_env_pair(RM_STR("kv"), &key, &value));
	RM_CHECK(!rm_env_pair(RM_STR(" =v"), &key, &value));
	RM_CHECK(!rm_env_pair(RM_STR(""), &key, &value));
}

RM_TEST("percent escapes decode in either case, and bad ones are refused")
{
	char room[8];

	RM_CHECK(rm_percent_decode(RM_STR("a%20b%2C%2c+"), room, sizeof(room)) == 6);
	RM_CHECK(memcmp(room, "a b,,+", 6) == 0);
	RM_CHECK(rm_percent_decode(RM_STR("%C3%A4"), room, sizeof(room)) == 2);
	RM_CHECK(rm_percent_decode(RM_STR(""), room, 0) == 0);
	RM_CHECK(rm_percent_decode(RM_STR("%"), room, sizeof(room)) == RM_E_INVALID);
	RM_CHECK(rm_percent_decode(RM_STR("a%2"), room, sizeof(room)) == RM_E_INVALID);
	RM_CHECK(rm_percent_decode(RM_STR("%2g"), room, sizeof(room)) == RM_E_INVALID);
	RM_CHECK(rm_percent_decode(RM_STR("12345678"), room, sizeof(room)) == 8);
	RM_CHECK(rm_percent_decode(RM_STR("123456789"), room, sizeof(room)) == RM_E_RANGE);
}

RM_TEST("each variable of the table is found in an environment")
{
	static struct rm_env e;
	char setting[128], *settings[] = { setting, NULL };

	for (unsigned i = 0; i < RM_ENV_COUNT; i++) {
		enum rm_env_id id = (enum rm_env_id)i;
		struct rm_str values = rm_str_c(rm_env_values(id)), value = rm_str_cut(&values, ',');

		if (rm_env_type(id) == RM_ENV_BOOL)
			value = RM_STR("true");
		else if (value.n == 0)
			value = RM_STR("1");
		snprintf(setting, sizeof(setting), "%s=%.*s", rm_env_name(id), (int)value.n, value.p);
		rm_env_load(&e, settings, NULL);
		RM_CHECK(rm_env_is_set(&e, id));
	}
}
