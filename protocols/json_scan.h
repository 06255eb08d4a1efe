/*
 * Reads JSON as it comes, in pieces of any size, and tells of the members of the outermost levels, two unless more are asked for. Nothing is kept but a key
 * or a value that is asked for. Context: any, signal-safe. Spec: RFC 8259.
 */
#ifndef RM_PROTOCOLS_JSON_SCAN_H
#define RM_PROTOCOLS_JSON_SCAN_H

#include "base/str.h"

enum { RM_JSON_SCAN_TEXT_BYTES = 256, RM_JSON_SCAN_DEPTH_MAX = 64, RM_JSON_SCAN_TOLD_DEPTH = 2 };

enum rm_json_scan_kind { RM_JSON_SCAN_TEXT, RM_JSON_SCAN_NUMBER, RM_JSON_SCAN_WORD, RM_JSON_SCAN_OBJECT, RM_JSON_SCAN_ARRAY };

enum rm_json_scan_wish { RM_JSON_SCAN_SKIP, RM_JSON_SCAN_COLLECT, RM_JSON_SCAN_STOP };

struct rm_json_scan_calls {
	/* A member of an object at `depth` (1: the outermost). The key is cut after RM_JSON_SCAN_TEXT_BYTES. */
	enum rm_json_scan_wish (*member)(void *to, unsigned depth, struct rm_str key);
	/*
	 * Its value. `text` is what was asked to be collected of a text, a number or a word, as it is meant, up to
	 * RM_JSON_SCAN_TEXT_BYTES; `whole`: that is all of it. Of objects and arrays this is told when they begin.
	 */
	enum rm_json_scan_wish (*value)(void *to, unsigned depth, enum rm_json_scan_kind kind, struct rm_str text, bool whole);
};

struct rm_json_scan {
	uint64_t objects;  /* bit n: level n is an object, else an array */
	uint8_t depth, state;
	bool collects, whole;
	bool closed;       /* the outermost level ended */
	uint8_t digits;    /* of \uXXXX, still to come */
	uint8_t told_depth; /* so many levels are told of: the caller may want one more */
	uint32_t items;    /* objects that began in an outermost array */
	uint16_t code, bytes;
	char text[RM_JSON_SCAN_TEXT_BYTES];
};

/* Prepares zeroed memory, or begins anew. */
void rm_json_scan_begin(struct rm_json_scan *j);

/* All of a value was read, to its end. */
bool rm_json_scan_is_whole(const struct rm_json_scan *j);

/* Reads on. False: it is over, no JSON, deeper than RM_JSON_SCAN_DEPTH_MAX, or was stopped. */
bool rm_json_scan_feed(struct rm_json_scan *j, const char *p, size_t n, const struct rm_json_scan_calls *on, void *to);

#endif
