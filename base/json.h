/* Streaming JSON writer over a growing buffer of its own (malloc: worker and command line only). */
#ifndef RM_BASE_JSON_H
#define RM_BASE_JSON_H

#include "base/str.h"

struct rm_json {
	char *p;       /* the text so far; owned */
	size_t n, cap;
	bool failed;   /* sticky: out of memory */
	bool comma;    /* the next item needs one before it */
};

void rm_json_init(struct rm_json *j);
void rm_json_free(struct rm_json *j);
void rm_json_open(struct rm_json *j, char bracket);  /* '{' or '[' */
void rm_json_close(struct rm_json *j, char bracket); /* '}' or ']' */
void rm_json_key(struct rm_json *j, const char *key);
/* Escapes per RFC 8259; bytes that are not UTF-8 become U+FFFD. */
void rm_json_str(struct rm_json *j, struct rm_str s);
void rm_json_i64(struct rm_json *j, int64_t v);
void rm_json_u64_str(struct rm_json *j, uint64_t v); /* as a decimal string: OTLP/JSON's 64-bit */
void rm_json_f64(struct rm_json *j, double v);
void rm_json_bool(struct rm_json *j, bool v);
void rm_json_hex(struct rm_json *j, const uint8_t *bytes, size_t n);
void rm_json_raw(struct rm_json *j, struct rm_str s); /* as it is, before or between documents */
void rm_json_line(struct rm_json *j); /* ends a document by a newline; another may follow */

#endif
