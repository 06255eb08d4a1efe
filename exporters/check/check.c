/* Which exporters there are to check, and how findings look. */
#include "exporters/check/check.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "exporters/check/checks.h"
#include "exporters/lane.h"

static const struct rm_backend_check checks[] = {
	{ "otlp", RM_SIGNAL_TRACES, rm_check_otlp },
	{ "otlp", RM_SIGNAL_LOGS, rm_check_otlp },
	{ "otlp/file", RM_SIGNAL_TRACES, rm_check_otlp_file },
	{ "otlp/file", RM_SIGNAL_LOGS, rm_check_otlp_file },
	{ "zipkin", RM_SIGNAL_TRACES, rm_check_zipkin },
	{ "xray", RM_SIGNAL_TRACES, rm_check_xray },
	{ "cloudwatch", RM_SIGNAL_LOGS, rm_check_cloudwatch },
	{ "rollbar", RM_SIGNAL_TRACES, rm_check_rollbar },
	{ "rollbar", RM_SIGNAL_LOGS, rm_check_rollbar },
	{ "console", RM_SIGNAL_TRACES, rm_check_console },
	{ "console", RM_SIGNAL_LOGS, rm_check_console },
};

static const char *const signals[RM_SIGNAL_COUNT] = { [RM_SIGNAL_TRACES] = "traces", [RM_SIGNAL_LOGS] = "logs" };

void rm_checkup_say(struct rm_checkup *c, enum rm_finding finding, const char *format, ...)
{
	static const char *const words[] = { "yes", "note", "no" };
	char text[2048];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	for (char *p = text; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	fprintf(c->out, "%s: %s, %s: %s\n", words[finding], signals[c->signal], c->name, text);
	fflush(c->out); /* the next one may take seconds */
	c->bad |= finding == RM_FINDING_NO;
}

struct rm_str rm_checkup_quote(const struct rm_checkup *c, struct rm_str said)
{
	if (c->secrets && rm_secrets_are_told(c->secrets, said))
		return RM_STR("(not shown: it repeats a key)");
	return said;
}

static const struct rm_backend_check *find(struct rm_str name, enum rm_signal signal)
{
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
		if (checks[i].signal == signal && rm_str_ieq(name, rm_str_c(checks[i].name)))
			return &checks[i];
	return NULL;
}

/* Returns whether all of a signal's exporters are well. */
static bool check_signal(const struct rm_env *env, enum rm_signal signal, FILE *out, int *ret_count)
{
	struct rm_str rest = rm_env_str(env, rm_lane_exporters(signal)), item;
	bool good = true;

	while (rm_env_item(&rest, &item)) {
		const struct rm_backend_check *check = find(item, signal);
		struct rm_checkup c = { .env = env, .out = out, .signal = signal };

		if (rm_str_ieq(item, RM_STR("none")))
			continue;
		++*ret_count;
		if (!check) {
			fprintf(out, "no: %s, %.*s: no exporter has that name; known are: %s\n", signals[signal], (int)item.n, item.p,
				rm_env_values(rm_lane_exporters(signal)));
			good = false;
			continue;
		}
		c.name = check->name;
		check->run(&c);
		good &= !c.bad;
	}
	return good;
}

bool rm_check_backends(const struct rm_env *env, FILE *out)
{
	int count = 0;
	bool good = true;

	for (int i = 0; i < RM_SIGNAL_COUNT; i++)
		good &= check_signal(env, (enum rm_signal)i, out, &count);
	if (count == 0) {
		fputs("no: OTEL_TRACES_EXPORTER and OTEL_LOGS_EXPORTER name nothing: spans and logs go nowhere\n", out);
		return false;
	}
	return good;
}
