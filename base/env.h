/*
 * Settings from the environment, read once: values are copied into a struct rm_env and never
 * change. Parsing follows OpenTelemetry's common rules (empty is unset; invalid gives one warning
 * and the default). No getenv at run time: programs overwrite their environ.
 */
#ifndef RM_BASE_ENV_H
#define RM_BASE_ENV_H

#include "base/str.h"

enum rm_env_id {
#define RM_ENV(id, name, type, def, unit, values, help) RM_ENV_##id,
#include "base/env_table.h"
#undef RM_ENV
	RM_ENV_COUNT,
};

enum rm_env_type {
	RM_ENV_STR,
	RM_ENV_BOOL,        /* true only for "true", case-insensitive */
	RM_ENV_BOOL1,       /* "1" or "true" */
	RM_ENV_INT,         /* non-negative */
	RM_ENV_DURATION,    /* non-negative milliseconds */
	RM_ENV_RATIO,       /* 0 to 1 */
	RM_ENV_SAMPLER_ARG, /* the same, or key=value pairs */
	RM_ENV_ENUM,        /* one of `values`, case-insensitive */
	RM_ENV_LIST,        /* comma-separated; with `values`, each item one of them */
	RM_ENV_SECRET,      /* never shown */
	RM_ENV_SECRET_LIST, /* never shown */
};

/* What a row says: all but units and help, which `remora list env` alone knows. Context: any. */
const char *rm_env_name(enum rm_env_id id);
const char *rm_env_default(enum rm_env_id id); /* possibly empty */
const char *rm_env_values(enum rm_env_id id);  /* the known ones, separated by commas; empty: no list */
enum rm_env_type rm_env_type(enum rm_env_id id);

enum { RM_ENV_TEXT_BYTES = 24 * 1024 };

/* Values of one process; flat, so that it can be copied and handed to another object. */
struct rm_env {
	uint16_t offset[RM_ENV_COUNT]; /* into text; 0 = unset */
	uint16_t length[RM_ENV_COUNT];
	uint32_t text_bytes;
	uint32_t warned;
	char text[RM_ENV_TEXT_BYTES];
};

/*
 * Reads all rows from `environ` (as main's envp). A value that is invalid for its type is dropped
 * and reported once through `warn` (may be NULL; called with the row's id, the value, which is empty
 * when it is a secret, and what is wrong with it, as the rest of a sentence that begins with the value).
 * Context: init; signal-safe, no allocation.
 */
void rm_env_load(struct rm_env *e, char *const *environ,
		 void (*warn)(enum rm_env_id id, struct rm_str value, const char *reason));

/* Says so with rm_warn, with the values that are known: a `warn` for rm_env_load. Context: any. */
void rm_env_warn(enum rm_env_id id, struct rm_str value, const char *reason);

/* The value, else the row's default (possibly empty). NUL-terminated. Valid as long as `e`. */
struct rm_str rm_env_str(const struct rm_env *e, enum rm_env_id id);
bool rm_env_is_set(const struct rm_env *e, enum rm_env_id id);
bool rm_env_bool(const struct rm_env *e, enum rm_env_id id);
/* INT and DURATION (milliseconds); an empty default gives `if_unset`. */
uint64_t rm_env_u64(const struct rm_env *e, enum rm_env_id id, uint64_t if_unset);
double rm_env_ratio(const struct rm_env *e, enum rm_env_id id);

/*
 * Next item of a LIST value, trimmed; empty items are skipped. *rest starts as rm_env_str().
 * Returns false at the end.
 */
bool rm_env_item(struct rm_str *rest, struct rm_str *ret);

/* Whether a LIST value has this item, in any case. */
bool rm_env_lists(const struct rm_env *e, enum rm_env_id id, struct rm_str name);

/* Splits `key=value` at the first '='; both trimmed. False without '=' or with an empty key. */
bool rm_env_pair(struct rm_str item, struct rm_str *ret_key, struct rm_str *ret_value);

/* Percent-decodes into `ret` (cap bytes). Returns the length, or RM_E_INVALID on a bad escape. */
int rm_percent_decode(struct rm_str s, char *ret, size_t cap);

#endif
