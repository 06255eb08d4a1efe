/* The settings of OTLP, for traces; those for logs are in test_otlp_logs.c. */
#include <stdio.h>

#include "base/err.h"
#include "base/log.h"
#include "exporters/otlp_config.h"
#include "tests/rmtest.h"

static struct rm_env env;

static struct rm_otlp_config config(char *const *settings)
{
	struct rm_otlp_config c = { 0 };

	rm_log_init(0, RM_LEVEL_NONE);
	rm_env_load(&env, settings, NULL);
	RM_CHECK(rm_otlp_config(&env, RM_SIGNAL_TRACES, &c) == RM_OK);
	return c;
}

#define CONFIG(...) config((char *[]){ __VA_ARGS__ __VA_OPT__(, ) NULL })

static bool has_header(const struct rm_otlp_config *c, const char *line)
{
	for (uint32_t i = 0; i < c->header_count; i++)
		if (strcmp(c->header[i], line) == 0)
			return true;
	return false;
}

RM_TEST("settings: the URL that each endpoint gives")
{
	static const struct {
		const char *base, *traces, *url;
	} rows[] = {
		{ "", "", "http://localhost:4318/v1/traces" },
		{ "http://h:1", "", "http://h:1/v1/traces" },
		{ "http://h:1/", "", "http://h:1/v1/traces" },
		{ "https://h/a", "", "https://h/a/v1/traces" },
		{ "https://h/a/", "", "https://h/a/v1/traces" },
		{ " HTTP://h/a?k=v#f ", "", "http://h/a/v1/traces?k=v" },
		{ "http://h", "http://t/exactly/", "http://t/exactly/" },
		{ "http://h", "http://t", "http://t/" },
		{ "http://h", "t:4318", "http://h/v1/traces" },
		{ "localhost:4318", "", "http://localhost:4318/v1/traces" },
		{ "ftp://h", "", "http://localhost:4318/v1/traces" },
		{ "http://", "", "http://localhost:4318/v1/traces" },
		{ "http://[::1]:4318", "", "http://[::1]:4318/v1/traces" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char base[128], traces[128];
		struct rm_otlp_config c;

		snprintf(base, sizeof(base), "OTEL_EXPORTER_OTLP_ENDPOINT=%s", rows[i].base);
		snprintf(traces, sizeof(traces), "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=%s",
			 rows[i].traces);
		c = CONFIG(base, traces);
		RM_CHECK_STR(rm_str_c(c.endpoint.url), rows[i].url);
		rm_otlp_config_free(&c);
	}
}

#define METHOD "/opentelemetry.proto.collector.trace.v1.TraceService/Export"

RM_TEST("settings: the server that each endpoint of gRPC names")
{
	static const struct {
		const char *base, *traces, *insecure, *url;
	} rows[] = {
		{ "", "", "", "http://localhost:4317" METHOD },
		{ "http://h:1", "", "", "http://h:1" METHOD },
		{ "https://h:1/base/", "", "true", "https://h:1" METHOD },
		{ "http://h:1", "", "false", "http://h:1" METHOD },
		{ "http://h", "https://t:2/v1/traces", "", "https://t:2" METHOD },
		{ "api.example:443", "", "", "https://api.example:443" METHOD },
		{ "h:4317", "", "TRUE", "http://h:4317" METHOD },
		{ " h ", "", "true", "http://h" METHOD },
		{ "[::1]:4317", "", "true", "http://[::1]:4317" METHOD },
		{ "me:pass@h:1", "", "true", "http://me:pass@h:1" METHOD },
		{ "ftp://h", "", "", "http://localhost:4317" METHOD },
		{ "h:x", "", "", "http://localhost:4317" METHOD },
		{ "h:1", "dns:///t:2", "true", "http://h:1" METHOD },
		{ "unix:///run/otel.sock", "", "", "http://localhost" METHOD },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char base[128], traces[128], insecure[128];
		struct rm_otlp_config c;

		snprintf(base, sizeof(base), "OTEL_EXPORTER_OTLP_ENDPOINT=%s", rows[i].base);
		snprintf(traces, sizeof(traces), "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=%s", rows[i].traces);
		snprintf(insecure, sizeof(insecure), "OTEL_EXPORTER_OTLP_INSECURE=%s", rows[i].insecure);
		c = CONFIG(base, traces, insecure, "OTEL_EXPORTER_OTLP_PROTOCOL=grpc");
		RM_CHECK_STR(rm_str_c(c.endpoint.url), rows[i].url);
		rm_otlp_config_free(&c);
	}
}

RM_TEST("settings: a socket's path, for HTTP and gRPC; what is no absolute path that fits is none")
{
	static const struct {
		const char *text, *path;
	} rows[] = {
		{ "unix:///run/a b.sock", "/run/a b.sock" }, { " UNIX:/run/x ", "/run/x" },
		{ "unix:relative", NULL }, { "unix://host/x", NULL }, { "unix:///", NULL }, { "unix:", NULL },
		{ "unix:///1234567890123456789012345678901234567890123456789012345678901234567890"
		  "123456789012345678901234567890123456", "/1234567890123456789012345678901234567890123456789012"
		  "345678901234567890123456789012345678901234567890123456" },
		{ "unix:///1234567890123456789012345678901234567890123456789012345678901234567890"
		  "1234567890123456789012345678901234567", NULL },
	};

	for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
		bool grpc = i % 2;
		char text[256];
		struct rm_otlp_config c;

		snprintf(text, sizeof(text), "OTEL_EXPORTER_OTLP_%sENDPOINT=%s", i / 2 % 2 ? "TRACES_" : "",
			 rows[i / 2].text);
		c = CONFIG(text, grpc ? "OTEL_EXPORTER_OTLP_PROTOCOL=grpc" : "A=B");
		RM_CHECK(!c.endpoint.unix_path == !rows[i / 2].path);
		if (c.endpoint.unix_path) {
			RM_CHECK_STR(rm_str_c(c.endpoint.unix_path), rows[i / 2].path);
			RM_CHECK_STR(rm_str_c(c.endpoint.url),
				     grpc ? "http://localhost" METHOD : "http://localhost/v1/traces");
			RM_CHECK(strncmp(c.endpoint.shown, "unix:/", 6) == 0);
		}
		rm_otlp_config_free(&c);
	}
}

RM_TEST("settings: messages show no password and no query")
{
	struct rm_otlp_config c = CONFIG(
		"OTEL_EXPORTER_OTLP_ENDPOINT=https://me:secret@h:1/?token=x");

	RM_CHECK_STR(rm_str_c(c.endpoint.url), "https://me:secret@h:1/v1/traces?token=x");
	RM_CHECK_STR(rm_str_c(c.endpoint.shown), "https://h:1/v1/traces");
	rm_otlp_config_free(&c);
}

RM_TEST("settings: what a backend says is looked through for the keys it was sent")
{
	struct rm_otlp_config c = CONFIG(
		"OTEL_EXPORTER_OTLP_ENDPOINT=https://me12:secret@h:1/?token=x1",
		"OTEL_EXPORTER_OTLP_HEADERS=api-key=abc%3Ddef,authorization=Bearer%20k123,x-short=no");
	static const char *const told[] = { "abc=def", "<p>k123</p>", "Bearer k123", "secret", "who is me12?",
					    "?token=x1" };
	static const char *const harmless[] = { "", "no", "Bearer", "abc", "h:1", "application/x-protobuf" };

	for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++)
		RM_CHECK(rm_secrets_are_told(&c.secrets, rm_str_c(told[i])));
	for (size_t i = 0; i < sizeof(harmless) / sizeof(harmless[0]); i++)
		RM_CHECK(!rm_secrets_are_told(&c.secrets, rm_str_c(harmless[i])));
	rm_otlp_config_free(&c);
}

RM_TEST("settings: headers are decoded; wrong ones and ours are left out")
{
	struct rm_otlp_config c = CONFIG(
		"OTEL_EXPORTER_OTLP_HEADERS=x-honeycomb-team=abc%3D%2C, x-b = a%20b ,empty=,"
		"bad name=1,evil=a%0d%0ab,half=%4,noequals,Content-Type=text/plain");

	RM_CHECK(has_header(&c, "x-honeycomb-team: abc=,"));
	RM_CHECK(has_header(&c, "x-b: a b"));
	RM_CHECK(has_header(&c, "empty;"));
	RM_CHECK(has_header(&c, "Content-Type: application/x-protobuf"));
	RM_CHECK(has_header(&c, "User-Agent: remora/" REMORA_VERSION
				" OTel-OTLP-Exporter-C/" REMORA_VERSION));
	RM_CHECK(c.header_count == 5);
	rm_otlp_config_free(&c);
}

RM_TEST("settings: more headers than there is room for are left out, ours are sent")
{
	char text[1024] = "OTEL_EXPORTER_OTLP_HEADERS=";
	struct rm_otlp_config c;

	for (int i = 0; i < 40; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "h%d=1,", i);
	c = CONFIG(text, "OTEL_EXPORTER_OTLP_COMPRESSION=gzip");
	RM_CHECK(c.header_count == RM_OTLP_HEADERS_MAX - 1);
	RM_CHECK(has_header(&c, "Content-Encoding: gzip"));
	rm_otlp_config_free(&c);
	c = CONFIG(text, "OTEL_EXPORTER_OTLP_COMPRESSION=gzip", "OTEL_EXPORTER_OTLP_PROTOCOL=grpc");
	RM_CHECK(c.header_count == RM_OTLP_HEADERS_MAX);
	RM_CHECK(has_header(&c, "grpc-encoding: gzip") && has_header(&c, "TE: trailers"));
	rm_otlp_config_free(&c);
}

RM_TEST("settings: those for traces win, each by itself; a User-Agent of the user's replaces ours")
{
	struct rm_otlp_config c = CONFIG(
		"OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf",
		"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=http/json",
		"OTEL_EXPORTER_OTLP_COMPRESSION=gzip", "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION=none",
		"OTEL_EXPORTER_OTLP_TIMEOUT=1", "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT=2",
		"OTEL_EXPORTER_OTLP_HEADERS=a=1",
		"OTEL_EXPORTER_OTLP_TRACES_HEADERS=User-Agent=me");

	RM_CHECK(c.protocol == RM_OTLP_HTTP_JSON && !c.gzip && c.timeout_ns == 2000000);
	RM_CHECK(c.header_count == 2);
	RM_CHECK(has_header(&c, "User-Agent: me") &&
		 has_header(&c, "Content-Type: application/json"));
	rm_otlp_config_free(&c);
}

RM_TEST("settings: certificates are for https, a client's key and certificate come together")
{
	struct rm_otlp_config c = CONFIG("OTEL_EXPORTER_OTLP_CERTIFICATE=/ca",
					 "OTEL_EXPORTER_OTLP_CLIENT_KEY=/k",
					 "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE=/c");

	RM_CHECK(!c.ca_file && !c.client_key && !c.client_cert && c.timeout_ns == 10000000000);
	rm_otlp_config_free(&c);
	c = CONFIG("OTEL_EXPORTER_OTLP_ENDPOINT=https://h", "OTEL_EXPORTER_OTLP_CERTIFICATE=/ca",
		   "OTEL_EXPORTER_OTLP_CLIENT_KEY=/k",
		   "OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE=/c");
	RM_CHECK_STR(rm_str_c(c.ca_file), "/ca");
	RM_CHECK_STR(rm_str_c(c.client_key), "/k");
	RM_CHECK_STR(rm_str_c(c.client_cert), "/c");
	rm_otlp_config_free(&c);
	c = CONFIG("OTEL_EXPORTER_OTLP_ENDPOINT=https://h", "OTEL_EXPORTER_OTLP_CLIENT_KEY=/k");
	RM_CHECK(!c.client_key);
	rm_otlp_config_free(&c);
}
