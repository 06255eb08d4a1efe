/* The commands of Redis and Valkey, and which of them are more than a question and its answer. Context: any. */
#ifndef RM_PROTOCOLS_REDIS_NAMES_H
#define RM_PROTOCOLS_REDIS_NAMES_H

#include <stddef.h>
#include <stdint.h>

enum rm_redis_kind {
	RM_REDIS_PLAIN,       /* RM_WAITING_PLAIN */
	RM_REDIS_SELECT,
	RM_REDIS_MULTI,
	RM_REDIS_EXEC,
	RM_REDIS_DISCARD,
	RM_REDIS_RESET,
	RM_REDIS_CLIENT,
	RM_REDIS_HELLO,
	RM_REDIS_SUBSCRIBE,
	RM_REDIS_UNSUBSCRIBE,
	RM_REDIS_STREAMS,     /* what follows are no answers */
};

enum { RM_REDIS_NAME_BYTES = 21 };

struct rm_redis_name {
	char name[RM_REDIS_NAME_BYTES];
	uint8_t kind;         /* enum rm_redis_kind */
};

/* The command that the word is, in letters of any case; NULL when it is none. */
const struct rm_redis_name *rm_redis_find(const char *word, size_t n);

/* Its number, from 1 on, 0 of NULL; and back. */
uint16_t rm_redis_number(const struct rm_redis_name *name);
const struct rm_redis_name *rm_redis_by_number(uint16_t number);

#endif
