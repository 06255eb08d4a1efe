/*
 * The names of our attributes, one behind the other, and where each lies: no address is written at the start of a process.
 * What stands before and behind a name is what protobuf has there (rm_key_field); the last piece is so that 16 bytes may
 * be read from anywhere in one. Context: any, signal-safe.
 */
#include "agent/keys.h"

struct rm_key_texts {
#define RM_KEY(id, name)                      \
	struct {                              \
		uint8_t tag, bytes;           \
		char text[sizeof(name "\x12")]; \
	} id;
#include "agent/semconv_keys.h"
#undef RM_KEY
	char slack[16];
};

const struct rm_key_texts rm_key_texts = {
#define RM_KEY(id, name) .id = { 0x0a, sizeof(name) - 1, name "\x12" },
#include "agent/semconv_keys.h"
#undef RM_KEY
};

const struct rm_key_place rm_key_places[RM_KEY_COUNT] = {
#define RM_KEY(id, name) [RM_KEY_##id] = { offsetof(struct rm_key_texts, id.text), sizeof(name) - 1 },
#include "agent/semconv_keys.h"
#undef RM_KEY
};

struct rm_str rm_key_name(enum rm_key key)
{
	if ((unsigned)key >= RM_KEY_COUNT)
		return (struct rm_str){ NULL, 0 };
	return (struct rm_str){ (const char *)&rm_key_texts + rm_key_places[key].at, rm_key_places[key].bytes };
}
