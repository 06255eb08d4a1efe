/*
 * One message of DNS, as it lies in memory: its head, its first question, and the addresses and names that answer it.
 * Nothing in it is trusted: names may point anywhere. Context: any, signal-safe.
 * Spec: RFC 1035, section 4; RFC 6891 (extended response codes).
 */
#ifndef RM_PROTOCOLS_DNS_MESSAGE_H
#define RM_PROTOCOLS_DNS_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/strbuf.h"

enum { RM_DNS_NAME_BYTES = 1024, RM_DNS_HEAD_BYTES = 12 }; /* a name as text, where every byte is written as \DDD */

enum { RM_DNS_A = 1, RM_DNS_PTR = 12, RM_DNS_AAAA = 28, RM_DNS_OPT = 41 };

struct rm_dns_message {
	uint16_t id;
	bool response;
	uint16_t rcode;      /* with its extension */
	uint16_t type;       /* of what is asked */
	struct rm_str name;  /* of what is asked, without a dot at its end; in the caller's room. The root is "." */
	uint32_t hash;       /* of both, the same for upper and lower case */
	uint16_t records;    /* behind the question: answers, authorities and others */
	uint16_t answers;
	size_t at;           /* where the first record begins */
};

/*
 * Reads head and question of a standard query, or of an answer to one, of `n` bytes. False: it is none; a message has
 * exactly one question, in the class IN.
 */
bool rm_dns_read(const uint8_t *p, size_t n, struct rm_strbuf *room, struct rm_dns_message *ret);

/* A question as resolvers ask them, and nothing else in the message. */
bool rm_dns_is_question(const uint8_t *p, size_t n);

/* An answer: an address of 4 or 16 bytes, or a name as text. */
typedef void (*rm_dns_answer_fn)(void *arg, uint16_t type, const uint8_t *address, struct rm_str name);

/*
 * Goes through the records: tells what answers, as far as the message can be read (one may be cut), and completes the
 * response code. `room` is for names.
 */
void rm_dns_answers(const uint8_t *p, size_t n, struct rm_dns_message *m, struct rm_strbuf *room, rm_dns_answer_fn tell, void *arg);

/* "A", "AAAA" ...; NULL: not known here. */
const char *rm_dns_type_name(uint16_t type);
/* "NXDOMAIN" ...; NULL: not known here. */
const char *rm_dns_rcode_name(uint16_t rcode);

#endif
