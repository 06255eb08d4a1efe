/* Finds what is wanted of a backend's JSON by name. Context of all: worker. */
#ifndef RM_EXPORTERS_JSON_FIND_H
#define RM_EXPORTERS_JSON_FIND_H

#include "base/str.h"

/* The value of a member of a JSON object, as it stands there; empty if there is none. */
struct rm_str rm_json_find(struct rm_str object, const char *name);

/* A string without its quotes; other values as they are. Escapes stay: this is read by people only. */
struct rm_str rm_json_plain(struct rm_str value);

#endif
