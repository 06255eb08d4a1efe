/*
 * The body of a gRPC or gRPC-Web request or response: frames of messages, and in a response of gRPC-Web one of trailers,
 * which has the status of the call. Messages are counted and stepped over, and nothing is kept but the state.
 * Context: any, signal-safe. Spec: gRPC, doc/PROTOCOL-WEB.md, and doc/PROTOCOL-HTTP2.md for the frames; RFC 4648.
 */
#ifndef RM_PROTOCOLS_GRPC_BODY_H
#define RM_PROTOCOLS_GRPC_BODY_H

#include <stdbool.h>
#include <stdint.h>

enum { RM_GRPC_NO_STATUS = -1, RM_GRPC_STATUS_MAX = 9999 };

struct rm_grpc_body {
	uint32_t messages;  /* that were seen whole */
	uint32_t left;      /* bytes to come of the frame; while its head is read, the length so far */
	uint32_t group : 24; /* base64: the bits of the characters that wait for the rest of their group ... */
	uint32_t chars : 3; /* ... of four; how many they are, ... */
	uint32_t pads : 3;  /* ... and how many of them are padding */
	bool text : 1;      /* the body is base64, in one piece or in several, each with its padding */
	bool trailers : 1;  /* the frame is the one of trailers */
	uint8_t state;
	uint8_t have;       /* bytes of the length, or characters of the name, that were seen */
	int16_t value;      /* the number that is being read; negative: no digit yet */
	int16_t status;     /* of the call; RM_GRPC_NO_STATUS until its line is whole */
};

void rm_grpc_body_start(struct rm_grpc_body *b, bool text);

/*
 * Takes the next `n` bytes of the body; NULL where nobody saw them. What cannot be read for sure tells nothing:
 * trailers that are compressed, flags that nobody knows, bytes unseen, a status that is no number.
 */
void rm_grpc_body_feed(struct rm_grpc_body *b, const char *p, uint64_t n);

/* True of a body, over now, that could be read from the first byte to the last and has no status. */
bool rm_grpc_body_lacks(const struct rm_grpc_body *b);

/* True of a body that could be read up to here: `messages` is what passed. */
bool rm_grpc_body_counts(const struct rm_grpc_body *b);

#endif
