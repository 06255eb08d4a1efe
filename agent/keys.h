/*
 * Keys of attributes that we know, by number (agent/semconv_keys.h). Context: any, signal-safe.
 */
#ifndef RM_AGENT_KEYS_H
#define RM_AGENT_KEYS_H

#include "base/str.h"

enum rm_key {
	RM_KEY_NONE = 0,
#define RM_KEY(id, name) RM_KEY_##id,
#include "agent/semconv_keys.h"
#undef RM_KEY
	RM_KEY_COUNT,
};

/* Name of a key: "http.request.method". */
struct rm_str rm_key_name(enum rm_key key);

struct rm_key_place {
	uint16_t at, bytes;
};

/* Of keys.c: names with what protobuf has around them, and where each lies. */
extern const struct rm_key_texts rm_key_texts __attribute__((visibility("hidden")));
extern const struct rm_key_place rm_key_places[RM_KEY_COUNT] __attribute__((visibility("hidden")));

/*
 * A key of ours (not RM_KEY_NONE) as a KeyValue in protobuf begins: field 1, which is the name, and the tag of field 2, the
 * value. 16 bytes may be read from anywhere in it.
 */
static inline struct rm_str rm_key_field(enum rm_key key)
{
	enum { BEFORE = 2, BEHIND = 1 };

	return (struct rm_str){ (const char *)&rm_key_texts + rm_key_places[key].at - BEFORE, rm_key_places[key].bytes + BEFORE + BEHIND };
}

#endif
