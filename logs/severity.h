/*
 * How severe a log line says it is. Recognised are the shapes that loggers write; where none is, nothing is
 * guessed: a word of the message is no severity. Context: any, signal-safe.
 */
#ifndef RM_LOGS_SEVERITY_H
#define RM_LOGS_SEVERITY_H

#include "base/str.h"

struct rm_severity_found {
	uint8_t number;     /* of OpenTelemetry, 1 to 24; 0: none */
	struct rm_str text; /* as the program wrote it, a slice of the line; empty where it is a number or a letter */
};

/* Of the first line of an entry; of the second one, where the first says nothing but when and where. */
struct rm_severity_found rm_severity_of(struct rm_str entry);

/* Of syslog's severities 0 to 7. Spec: OpenTelemetry, logs/data-model-appendix.md. */
uint8_t rm_severity_of_syslog(unsigned severity);

/* True of the first of the two lines that java.util.logging writes: the second one begins with the severity. */
bool rm_severity_follows(struct rm_str line);

/*
 * True when the line begins as loggers begin theirs: with a time or a severity. What has no such beginning, and comes in
 * one call with a line that has, is more of that one's message.
 */
bool rm_severity_is_head(struct rm_str line);

#endif
