/*
 * What Remora says of itself: to stderr by one write(2) per line, nothing unless asked for
 * (REMORA_DEBUG topics, OTEL_LOG_LEVEL=debug) or a setting is wrong. Stack buffer, errno kept.
 * Context: any, signal-safe. In the preloaded object nothing else may print.
 */
#ifndef RM_BASE_LOG_H
#define RM_BASE_LOG_H

#include <stdarg.h>

#include "base/str.h"

enum rm_topic { RM_LOG_INIT = 1, RM_LOG_CONN = 2, RM_LOG_HTTP1 = 4, RM_LOG_TRACE = 8, RM_LOG_EXPORT = 16, RM_LOG_RELAY = 32, RM_LOG_ALL = 63 };
enum rm_level { RM_LEVEL_NONE, RM_LEVEL_ERROR, RM_LEVEL_WARN, RM_LEVEL_INFO, RM_LEVEL_DEBUG };

/* Sets what is logged; the only state of base/. Context: init. */
void rm_log_init(unsigned topics, enum rm_level level);
unsigned rm_log_topics(void);
enum rm_level rm_log_level(void);

/* Parses REMORA_DEBUG's list ("conn,http1", "all") into topic bits. */
unsigned rm_log_parse_topics(struct rm_str list);

/*
 * Formats and writes "remora[PID] topic: text\n". Conversions: %s %d %u %ld %lu %zu %zd %x %p %c %%
 * and %S (struct rm_str passed by pointer). Longer than 512 bytes is cut, marked "...".
 */
void rm_debug(enum rm_topic topic, const char *format, ...);

/* A wrong setting or a loss the user must know of: written at level warn and above. */
void rm_warn(const char *format, ...);

/*
 * While `on`, rm_warn keeps its lines, 1 KB of them, for rm_log_say_kept: a program that never uses what
 * the settings are for must not show them. Context: init.
 */
void rm_log_keep(bool on);

/* Writes what was kept, once, unless descriptor 2 is another file by now. Context: any, signal-safe. */
void rm_log_say_kept(void);

/* The same conversions into `ret` (cap bytes, NUL-terminated). Returns the length. */
size_t rm_format(char *ret, size_t cap, const char *format, ...);
size_t rm_vformat(char *ret, size_t cap, const char *format, va_list args);

#endif
