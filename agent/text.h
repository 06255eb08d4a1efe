/*
 * Bounded memory for text that outlives a call: span records in the making, header lines on their
 * way, unfinished heads. Five sizes, lock-free pools. Context: hook, signal-safe.
 */
#ifndef RM_AGENT_TEXT_H
#define RM_AGENT_TEXT_H

#include <stddef.h>
#include <stdint.h>

/* Names a piece of text memory; 0 is none. */
typedef uint32_t rm_text;

/* Memory for at least `bytes`, 16-byte aligned, contents unspecified. 0: too large or none left. */
rm_text rm_text_get(size_t bytes);
void rm_text_put(rm_text t); /* 0 is allowed */
char *rm_text_at(rm_text t);
size_t rm_text_cap(rm_text t);

/* Pieces of text memory in use, see rm_pool_live. */
uint32_t rm_text_live(void);

#endif
