/* Settings: defaults, limits, combinations, and which programs are left alone. */
#include "agent/config.h"

#include <stdlib.h>
#include <unistd.h>

#include "agent/redact.h"
#include "agent/skiplist.h"
#include "tests/rmtest.h"

static struct rm_env env;
static struct rm_config config;
static char warnings[4096];

/* Builds the settings of an environment; what stderr gets meanwhile lands in `warnings`. */
static void build(char *const *environ)
{
	int ends[2], saved = dup(2);
	ssize_t n;

	RM_CHECK(pipe(ends) == 0);
	dup2(ends[1], 2);
	close(ends[1]);
	rm_env_load(&env, environ, NULL);
	rm_config_build(&config, &env);
	dup2(saved, 2);
	close(saved);
	n = read(ends[0], warnings, sizeof(warnings) - 1);
	warnings[n > 0 ? n : 0] = '\0';
	close(ends[0]);
}

#define BUILD(...) build((char *const[]){ __VA_ARGS__, NULL })

static int warning_count(void)
{
	int n = 0;

	for (const char *p = warnings; *p; p++)
		n += *p == '\n';
	return n;
}

RM_TEST("an empty environment gives the defaults and no warning")
{
	build((char *const[]){ NULL });
	RM_CHECK(config.propagators == (RM_PROP_TRACECONTEXT | RM_PROP_BAGGAGE));
	RM_CHECK(config.sampler == RM_SAMPLER_PARENT_ON && config.ratio == 1.0);
	RM_CHECK(config.max_attrs == 128 && config.max_value_chars == 0);
	RM_CHECK(config.ingress && !config.parent_source);
	RM_CHECK(config.client_request.count == 0 && config.server_response.count == 0);
	RM_CHECK(config.method_count == 10);
	RM_CHECK_STR(config.methods[2], "GET");
	RM_CHECK(config.redact_count == 29);
	RM_CHECK_STR(config.redact[5], "sig");
	RM_CHECK(config.exit_timeout_ns == 300000000);
	RM_CHECK(config.memory_bytes == 256ull << 20);
	RM_CHECK(!config.parent.valid && config.parent_tracestate.n == 0 &&
		 config.parent_baggage.n == 0);
	RM_CHECK(warning_count() == 0);
}

RM_TEST("each sampler has its name")
{
	static const struct {
		char *var;
		enum rm_sampler_kind kind;
	} rows[] = {
		{ "OTEL_TRACES_SAMPLER=always_on", RM_SAMPLER_ON },
		{ "OTEL_TRACES_SAMPLER=always_off", RM_SAMPLER_OFF },
		{ "OTEL_TRACES_SAMPLER=traceidratio", RM_SAMPLER_RATIO },
		{ "OTEL_TRACES_SAMPLER=ParentBased_Always_On", RM_SAMPLER_PARENT_ON },
		{ "OTEL_TRACES_SAMPLER=parentbased_always_off", RM_SAMPLER_PARENT_OFF },
		{ "OTEL_TRACES_SAMPLER=parentbased_traceidratio", RM_SAMPLER_PARENT_RATIO },
		{ "OTEL_TRACES_SAMPLER=parentbased_adaptive", RM_SAMPLER_PARENT_ADAPTIVE },
		{ "OTEL_TRACES_SAMPLER=jaeger_remote", RM_SAMPLER_PARENT_ON },
		{ "OTEL_TRACES_SAMPLER=", RM_SAMPLER_PARENT_ON },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		BUILD(rows[i].var, "OTEL_TRACES_SAMPLER_ARG=0.25");
		RM_CHECK(config.sampler == rows[i].kind && config.ratio == 0.25);
	}
}

RM_TEST("the rate-limited sampler has its number of traces a second")
{
	BUILD("OTEL_TRACES_SAMPLER=parentbased_ratelimited", "OTEL_TRACES_SAMPLER_ARG=per_second=25");
	RM_CHECK(config.sampler == RM_SAMPLER_PARENT_RATELIMITED && config.traces_per_s == 25);
	BUILD("OTEL_TRACES_SAMPLER=parentbased_ratelimited", "OTEL_TRACES_SAMPLER_ARG=per_second=0");
	RM_CHECK(config.traces_per_s == 100);
	BUILD("OTEL_TRACES_SAMPLER=parentbased_ratelimited");
	RM_CHECK(config.traces_per_s == 100);
}

RM_TEST("unknown names in a sampler's argument are said once, what is known counts")
{
	BUILD("OTEL_TRACES_SAMPLER=parentbased_ratelimited", "OTEL_TRACES_SAMPLER_ARG=per_second=25");
	RM_CHECK(config.traces_per_s == 25 && warning_count() == 0);
	BUILD("OTEL_TRACES_SAMPLER=parentbased_ratelimited", "OTEL_TRACES_SAMPLER_ARG=burst=9, per_second = 25,per_secnd=3,0.5");
	RM_CHECK(config.traces_per_s == 25 && warning_count() == 1);
	RM_CHECK(strstr(warnings, "OTEL_TRACES_SAMPLER_ARG: 'burst=9, per_second = 25,per_secnd=3,0.5' holds something unknown"));
	BUILD("OTEL_TRACES_SAMPLER=parentbased_ratelimited", "OTEL_TRACES_SAMPLER_ARG=per_secnd=25");
	RM_CHECK(config.traces_per_s == 100 && warning_count() == 1);
	BUILD("OTEL_TRACES_SAMPLER=parentbased_always_on", "OTEL_TRACES_SAMPLER_ARG=per_second=25");
	RM_CHECK(warning_count() == 1 && strstr(warnings, "is not used: this sampler has no argument"));
	BUILD("OTEL_TRACES_SAMPLER=always_on", "OTEL_TRACES_SAMPLER_ARG=1.0");
	RM_CHECK(warning_count() == 0);
	BUILD("OTEL_TRACES_SAMPLER=xray", "OTEL_TRACES_SAMPLER_ARG=endpoint=http://x"); /* the poller tells of these */
	RM_CHECK(warning_count() == 0);
}

RM_TEST("a ratio out of range is the default ratio")
{
	BUILD("OTEL_TRACES_SAMPLER=traceidratio", "OTEL_TRACES_SAMPLER_ARG=1.5");
	RM_CHECK(config.sampler == RM_SAMPLER_RATIO && config.ratio == 1.0 && env.warned == 1);
}

RM_TEST("propagators: none is none, unknown ones alone are the default")
{
	BUILD("OTEL_PROPAGATORS=none");
	RM_CHECK(config.propagators == 0 && !config.ingress);
	BUILD("OTEL_PROPAGATORS=ottrace");
	RM_CHECK(config.propagators == (RM_PROP_TRACECONTEXT | RM_PROP_BAGGAGE));
	BUILD("OTEL_PROPAGATORS=b3,ottrace");
	RM_CHECK(config.propagators == RM_PROP_B3 && !config.ingress);
}

#define XRAY(n) "Root=1-00000000-000000000000000000000004;Parent=000000000000000" #n ";Sampled=1"

RM_TEST("the parent of a process may be told as X-Ray does, where that propagator is on")
{
	BUILD("X_AMZN_TRACE_ID=" XRAY(5));
	RM_CHECK(!config.parent.valid);
	BUILD("OTEL_PROPAGATORS=xray", "X_AMZN_TRACE_ID=" XRAY(5), "_X_AMZN_TRACE_ID=" XRAY(6),
	      "TRACEPARENT=00-00000000000000000000000000000001-0000000000000001-01");
	RM_CHECK(config.parent.valid && config.parent.span_id[7] == 5 && config.ingress);
	BUILD("OTEL_PROPAGATORS=xray-lambda", "_X_AMZN_TRACE_ID=" XRAY(6) ";Lineage=1:abcdef01:2");
	RM_CHECK(config.parent.valid && config.parent.span_id[7] == 6);
	BUILD("OTEL_PROPAGATORS=tracecontext,xray", "X_AMZN_TRACE_ID=" XRAY(5),
	      "TRACEPARENT=00-00000000000000000000000000000001-0000000000000001-01");
	RM_CHECK(config.parent.valid && config.parent.span_id[7] == 1);
	BUILD("OTEL_PROPAGATORS=xray", "GATEWAY_INTERFACE=CGI/1.1", "X_AMZN_TRACE_ID=" XRAY(5),
	      "HTTP_X_AMZN_TRACE_ID=" XRAY(7));
	RM_CHECK(config.parent.valid && config.parent.span_id[7] == 7);
}

RM_TEST("trace ids begin with the time where X-Ray is in use, or as asked for")
{
	BUILD("OTEL_TRACES_EXPORTER=otlp");
	RM_CHECK(!config.time_ids);
	BUILD("OTEL_TRACES_EXPORTER=otlp, xray");
	RM_CHECK(config.time_ids);
	BUILD("OTEL_PROPAGATORS=baggage,xray");
	RM_CHECK(config.time_ids);
	BUILD("OTEL_PROPAGATORS=xray", "REMORA_ID_GENERATOR=random");
	RM_CHECK(!config.time_ids);
	BUILD("REMORA_ID_GENERATOR=xray");
	RM_CHECK(config.time_ids);
}

RM_TEST("limits for spans are stronger than general ones")
{
	BUILD("OTEL_ATTRIBUTE_COUNT_LIMIT=5", "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT=6");
	RM_CHECK(config.max_attrs == 5 && config.max_value_chars == 6);
	BUILD("OTEL_ATTRIBUTE_COUNT_LIMIT=5", "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT=7",
	      "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT=6", "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT=8");
	RM_CHECK(config.max_attrs == 7 && config.max_value_chars == 8);
	BUILD("OTEL_ATTRIBUTE_COUNT_LIMIT=99999999999", "REMORA_EXIT_TIMEOUT=18446744073709551615");
	RM_CHECK(config.max_attrs == UINT32_MAX && config.exit_timeout_ns == 3600ull * 1000000000);
}

RM_TEST("messages have a limit of 4,000 bytes where no other is known")
{
	BUILD("OTEL_PROPAGATORS=tracecontext");
	RM_CHECK(config.message_bytes == 4000);
	BUILD("REMORA_MESSAGE_LIMIT=99999999999");
	RM_CHECK(config.message_bytes == UINT32_MAX);
}

RM_TEST("memory has a limit of 16 MiB at least")
{
	BUILD("REMORA_MEMORY_LIMIT=64");
	RM_CHECK(config.memory_bytes == 64ull << 20 && warning_count() == 0);
	BUILD("REMORA_MEMORY_LIMIT=3");
	RM_CHECK(config.memory_bytes == 16ull << 20 && warning_count() == 1);
	BUILD("REMORA_MEMORY_LIMIT=18446744073709551615");
	RM_CHECK(config.memory_bytes == 1ull << 40 && warning_count() == 0);
}

RM_TEST("captured header names become lowercase")
{
	BUILD("OTEL_INSTRUMENTATION_HTTP_CLIENT_CAPTURE_REQUEST_HEADERS=X-Id, Content-Type",
	      "OTEL_INSTRUMENTATION_HTTP_SERVER_CAPTURE_RESPONSE_HEADERS=ETag");
	RM_CHECK(config.client_request.count == 2 && config.server_response.count == 1);
	RM_CHECK_STR(config.client_request.name[0], "x-id");
	RM_CHECK_STR(config.client_request.name[1], "content-type");
	RM_CHECK_STR(config.server_response.name[0], "etag");
}

RM_TEST("too many or too long entries get one warning and the first ones count")
{
	static char names[3000] = "OTEL_INSTRUMENTATION_HTTP_CLIENT_CAPTURE_RESPONSE_HEADERS=ok,";
	size_t n = strlen(names);

	memset(names + n, 'x', 2500);
	BUILD("OTEL_INSTRUMENTATION_HTTP_CLIENT_CAPTURE_REQUEST_HEADERS="
	      "a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q,r",
	      names);
	RM_CHECK(config.client_request.count == 16 && config.client_response.count == 1);
	RM_CHECK(warning_count() == 2);
	RM_CHECK(strstr(warnings, "'q' and what follows is not used"));
	BUILD("OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS=GET,get");
	RM_CHECK(config.method_count == 2 && warning_count() == 0);
	RM_CHECK_STR(config.methods[1], "get");
}

RM_TEST("more query keys stand behind the built-in ones")
{
	BUILD("REMORA_REDACT_QUERY=ticket, otp");
	RM_CHECK(config.redact_count == 31);
	RM_CHECK_STR(config.redact[0], "X-Amz-Signature");
	RM_CHECK_STR(config.redact[29], "ticket");
	RM_CHECK_STR(config.redact[30], "otp");
}

RM_TEST("query keys of any length are found, by a list that knows which lengths there are")
{
	static char setting[512] = "REMORA_REDACT_QUERY=", query[256];
	static const unsigned lengths[] = { 1, 2, 62, 63, 64, 65, 130 };
	size_t n = strlen(setting);

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		memset(setting + n, 'k', lengths[i]);
		n += lengths[i];
		setting[n++] = ',';
	}
	setting[n] = '\0';
	BUILD(setting);
	for (unsigned i = 1; i < 200; i++) {
		bool listed = false;

		for (size_t j = 0; j < sizeof(lengths) / sizeof(lengths[0]); j++)
			listed |= lengths[j] == i;
		memset(query, 'k', i);
		memcpy(query + i, "=v", 3);
		RM_CHECK(rm_redact_query_needed(&config, rm_str_c(query)) == listed);
	}
	RM_CHECK(rm_redact_query_needed(&config, RM_STR("x=1&refresh_token=2")) && rm_redact_query_needed(&config, RM_STR("x=1&apiKey=2")));
	RM_CHECK(config.redact_no[10] == UINT32_MAX && config.redact_no[6] != UINT32_MAX);
}

RM_TEST("a query is copied where a key of the list has a value in it, and else it is not")
{
	static const char *const parts[] = { "id", "sig", "pwd", "key", "api_key", "AWSAccessKeyId", "q", "=", "=", "=", "&", "&", "x", "Sig", "code" };
	char text[128], room[1024];
	struct rm_strbuf out;

	BUILD("REMORA_REDACT_QUERY=ticket");
	srand(1);
	for (int i = 0; i < 50000; i++) {
		unsigned count = (unsigned)rand() % 12;
		struct rm_str query;
		size_t n = 0;

		for (unsigned j = 0; j < count; j++)
			n += (size_t)snprintf(text + n, sizeof(text) - n, "%s", parts[(unsigned)rand() % (sizeof(parts) / sizeof(*parts))]);
		query = (struct rm_str){ text, n };
		rm_strbuf_init(&out, room, sizeof(room));
		rm_redact_query(&config, query, &out);
		RM_CHECK(rm_redact_query_needed(&config, query) == !rm_str_eq(rm_strbuf_view(&out), query));
	}
}

#define TRACEPARENT "TRACEPARENT=00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

RM_TEST("the process's parent comes from the environment")
{
	BUILD(TRACEPARENT, "TRACESTATE=a=1, b=2", "BAGGAGE=k=v ");
	RM_CHECK(config.parent.valid && config.parent.flags == RM_FLAG_SAMPLED);
	RM_CHECK_STR(config.parent_tracestate, "a=1,b=2");
	RM_CHECK_STR(config.parent_baggage, "k=v");
}

RM_TEST("a bad TRACEPARENT takes the tracestate with it, a bad TRACESTATE only itself")
{
	BUILD("TRACEPARENT=00-0-0-00", "TRACESTATE=a=1");
	RM_CHECK(!config.parent.valid && config.parent_tracestate.n == 0 && warning_count() == 0);
	BUILD(TRACEPARENT, "TRACESTATE=A=1");
	RM_CHECK(config.parent.valid && config.parent_tracestate.n == 0);
}

RM_TEST("a CGI program belongs to its request, not to whoever started its server")
{
	static char request[] = "HTTP_TRACEPARENT=00-11111111111111111111111111111111-2222222222222222-01";
	static char large[RM_ENV_TEXT_BYTES] = "HTTP_TRACESTATE=a=";

	memset(large + strlen(large), 'x', sizeof(large) - 1 - strlen(large));
	BUILD(TRACEPARENT, "TRACESTATE=a=1", "BAGGAGE=k=v", request, "HTTP_TRACESTATE=b=2", "HTTP_BAGGAGE=l=w",
	      "GATEWAY_INTERFACE=CGI/1.1");
	RM_CHECK(config.parent.valid && config.parent.trace_id[0] == 0x11 && config.parent.span_id[0] == 0x22);
	RM_CHECK_STR(config.parent_tracestate, "b=2");
	RM_CHECK_STR(config.parent_baggage, "l=w");
	/* Its server added nothing to the request: perhaps it put the variable there for the program it starts. */
	BUILD(TRACEPARENT, "GATEWAY_INTERFACE=CGI/1.1");
	RM_CHECK(config.parent.valid && config.parent.trace_id[0] == 0x0a);
	/* Nothing that a client sends takes the room of settings, or is complained of. */
	BUILD(large, "OTEL_SERVICE_NAME=s", request, "GATEWAY_INTERFACE=CGI/1.1");
	RM_CHECK(config.parent.trace_id[0] == 0x11 && config.parent_tracestate.n == 0 && warning_count() == 0);
	RM_CHECK(rm_env_is_set(&env, RM_ENV_SERVICE_NAME));
	/* Anybody may send a header of any name to a program that is no CGI, and keeps such variables. */
	BUILD(TRACEPARENT, request);
	RM_CHECK(config.parent.trace_id[0] == 0x0a);
}

RM_TEST("the environment's context counts only for enabled propagators")
{
	BUILD(TRACEPARENT, "TRACESTATE=a=1", "BAGGAGE=k=v", "OTEL_PROPAGATORS=b3");
	RM_CHECK(!config.parent.valid && config.parent_tracestate.n == 0 &&
		 config.parent_baggage.n == 0);
}

RM_TEST("a wrong list of resource attributes gets one warning")
{
	BUILD("OTEL_RESOURCE_ATTRIBUTES=a=b%zz");
	RM_CHECK(warning_count() == 1 && strstr(warnings, "OTEL_RESOURCE_ATTRIBUTES"));
	BUILD("OTEL_RESOURCE_ATTRIBUTES=a=b%20c,");
	RM_CHECK(warning_count() == 0);
}

/* ---- which programs ---- */

static enum rm_verdict verdict(const char *exe, char *const *environ)
{
	rm_env_load(&env, environ, NULL);
	return rm_config_verdict(&env, rm_str_c(exe));
}

#define VERDICT(exe, ...) verdict(exe, (char *const[]){ __VA_ARGS__, NULL })
#define PLAIN(exe)	  verdict(exe, (char *const[]){ NULL })

RM_TEST("the built-in list is sorted and finds each of its names")
{
	unsigned n = 0;

	for (; rm_skiplist_name(n); n++) {
		RM_CHECK(rm_skiplist_has(rm_str_c(rm_skiplist_name(n))));
		RM_CHECK(n == 0 || strcmp(rm_skiplist_name(n - 1), rm_skiplist_name(n)) < 0);
	}
	RM_CHECK(n > 300);
}

RM_TEST("shells, tools and compilers are left alone, whatever folder they are in")
{
	static const char *const skipped[] = {
		"sh",
		"/bin/sh",
		"/usr/bin/bash",
		"-bash",
		"ls",
		"/usr/bin/env",
		"sudo",
		"git",
		"sshd",
		"/lib/systemd/systemd",
		"systemd-logind",
		"dbus-daemon",
		"gcc-12",
		"x86_64-linux-gnu-gcc-12",
		"/usr/bin/gdb",
		"cc1plus",
		"tini",
		"apt-get",
		"dpkg-query",
	};
	static const char *const kept[] = {
		"curl",
		"/usr/bin/python3.11",
		"node",
		"nginx",
		"./test",
		"shop",
		"git-remote-http",
		"git-remote-https",
		"bashful",
		"s",
		"java",
		"php-fpm8.2",
		"",
		"/",
		"/opt/sh/server",
		"wget",
		"perl",
	};

	for (size_t i = 0; i < sizeof(skipped) / sizeof(skipped[0]); i++)
		RM_CHECK(PLAIN(skipped[i]) == RM_SKIP_LISTED);
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		RM_CHECK(PLAIN(kept[i]) == RM_INSTRUMENT);
}

RM_TEST("both switches turn everything off")
{
	RM_CHECK(VERDICT("nginx", "OTEL_SDK_DISABLED=TRUE", "REMORA_ALLOW=nginx") ==
		 RM_SKIP_DISABLED);
	RM_CHECK(VERDICT("nginx", "REMORA_DISABLED=1") == RM_SKIP_DISABLED);
	RM_CHECK(VERDICT("nginx", "REMORA_DISABLED=0", "OTEL_SDK_DISABLED=false") == RM_INSTRUMENT);
}

RM_TEST("REMORA_ALLOW names all that is instrumented, also from the built-in list")
{
	RM_CHECK(VERDICT("/bin/bash", "REMORA_ALLOW=bash") == RM_INSTRUMENT);
	RM_CHECK(VERDICT("nginx", "REMORA_ALLOW=bash") == RM_SKIP_NOT_ALLOWED);
	RM_CHECK(VERDICT("ls", "REMORA_ALLOW=bash") == RM_SKIP_NOT_ALLOWED);
	RM_CHECK(VERDICT("nginx", "REMORA_ALLOW=") == RM_INSTRUMENT);
}

RM_TEST("REMORA_DENY is stronger than REMORA_ALLOW and adds to the built-in list")
{
	RM_CHECK(VERDICT("nginx", "REMORA_DENY=apache2, nginx") == RM_SKIP_DENIED);
	RM_CHECK(VERDICT("nginx", "REMORA_DENY=nginx", "REMORA_ALLOW=nginx") == RM_SKIP_DENIED);
	RM_CHECK(VERDICT("ls", "REMORA_DENY=nginx") == RM_SKIP_LISTED);
	RM_CHECK(VERDICT("curl", "REMORA_DENY=nginx") == RM_INSTRUMENT);
}

RM_TEST("globs match the name, or the path when they contain a slash")
{
	static const struct {
		char *deny;
		const char *exe;
		bool hit;
	} rows[] = {
		{ "REMORA_DENY=*", "/a/b", true },
		{ "REMORA_DENY=python3.*", "/usr/bin/python3.11", true },
		{ "REMORA_DENY=python?", "python3", true },
		{ "REMORA_DENY=python?", "python", false },
		{ "REMORA_DENY=*o*o*", "foo", true },
		{ "REMORA_DENY=*o*o*", "fo", false },
		{ "REMORA_DENY=a*b", "axbxb", true },
		{ "REMORA_DENY=a*b", "axbxc", false },
		{ "REMORA_DENY=bin", "/bin/x", false },
		{ "REMORA_DENY=/opt/*/x", "/opt/a/b/x", true },
		{ "REMORA_DENY=/opt/*", "x", false },
		{ "REMORA_DENY=./x", "./x", true },
		{ "REMORA_DENY=*a*a*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		  false },
		{ "REMORA_DENY=X", "x", false },
		{ "REMORA_DENY=x**", "x", true },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		RM_CHECK(VERDICT(rows[i].exe, rows[i].deny) ==
			 (rows[i].hit ? RM_SKIP_DENIED : RM_INSTRUMENT));
}
