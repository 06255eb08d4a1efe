/*
 * Output text with a hard cap, over memory of the caller. Past the cap nothing is written and the
 * sticky flag `truncated` is set: check it once, at the end. Context of all: any, signal-safe.
 */
#ifndef RM_BASE_STRBUF_H
#define RM_BASE_STRBUF_H

#include "base/str.h"

struct rm_strbuf {
	char *p;
	size_t n;   /* bytes written */
	size_t cap; /* bytes `p` can hold */
	bool truncated;
};

/* Starts an empty buffer over `cap` bytes at `memory`. Ownership: borrowed until the buffer is dead. */
static inline void rm_strbuf_init(struct rm_strbuf *b, char *memory, size_t cap)
{
	*b = (struct rm_strbuf){ .p = memory, .cap = cap };
}

/* Counts `n` bytes as written, and returns where the caller is to write them; NULL: there is no room. */
static inline char *rm_strbuf_room(struct rm_strbuf *b, size_t n)
{
	char *p = b->p + b->n;

	if (b->truncated || n > b->cap - b->n) {
		b->truncated = true;
		return NULL;
	}
	b->n += n;
	return p;
}

void rm_strbuf_put(struct rm_strbuf *b, const void *bytes, size_t n); /* all of it or nothing */
static inline void rm_strbuf_str(struct rm_strbuf *b, struct rm_str s)
{
	rm_strbuf_put(b, s.p, s.n);
}
/* NUL-terminated; the length of a literal is known where it is written. */
static inline void rm_strbuf_c(struct rm_strbuf *b, const char *text)
{
	rm_strbuf_put(b, text, strlen(text));
}
void rm_strbuf_char(struct rm_strbuf *b, char c);
void rm_strbuf_u64(struct rm_strbuf *b, uint64_t v); /* decimal */
void rm_strbuf_i64(struct rm_strbuf *b, int64_t v);  /* decimal */
void rm_strbuf_hex_u64(struct rm_strbuf *b, uint64_t v); /* 0x, lowercase, no more digits than it takes */
void rm_strbuf_hex(struct rm_strbuf *b, const uint8_t *bytes, size_t n); /* lowercase */
static inline struct rm_str rm_strbuf_view(const struct rm_strbuf *b)
{
	return (struct rm_str){ b->p, b->n };
}

#endif
