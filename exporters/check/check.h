/*
 * `remora check --backend`: asks each backend that the settings name whether it would take what we send, and says
 * what it found, a line each. Only linked into the command. Context of everything here: worker.
 */
#ifndef RM_EXPORTERS_CHECK_CHECK_H
#define RM_EXPORTERS_CHECK_CHECK_H

#include <stdio.h>

#include "agent/telemetry.h"
#include "base/env.h"
#include "exporters/secrets.h"

enum rm_finding { RM_FINDING_YES, RM_FINDING_NOTE, RM_FINDING_NO };

/* What a check works with. */
struct rm_checkup {
	const struct rm_env *env;
	FILE *out;
	enum rm_signal signal;
	const char *name; /* of the exporter */
	const struct rm_secrets *secrets; /* of its settings, see rm_checkup_quote; NULL for none */
	bool bad; /* RM_FINDING_NO was said */
};

/* Writes "yes: traces, otlp: text". What is no printable character becomes '?'. */
__attribute__((format(printf, 3, 4)))
void rm_checkup_say(struct rm_checkup *c, enum rm_finding finding, const char *format, ...);

/* What a backend says, for rm_checkup_say: other words in its place where it repeats one of c->secrets. */
struct rm_str rm_checkup_quote(const struct rm_checkup *c, struct rm_str said);

/* The check of one exporter, in a file of its own, and one line in check.c. */
struct rm_backend_check {
	const char *name; /* as in OTEL_TRACES_EXPORTER or OTEL_LOGS_EXPORTER */
	enum rm_signal signal;
	void (*run)(struct rm_checkup *c);
};

/*
 * Checks what OTEL_TRACES_EXPORTER and OTEL_LOGS_EXPORTER name, one after the other. False: something would not
 * arrive.
 */
bool rm_check_backends(const struct rm_env *env, FILE *out);

#endif
