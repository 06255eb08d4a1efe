/*
 * gRPC, as much as a unary call needs: the frame of a message, and what came of a call. Context: worker.
 * Spec: gRPC over HTTP/2 (PROTOCOL-HTTP2.md); google.rpc.RetryInfo.
 */
#ifndef RM_EXPORTERS_GRPC_H
#define RM_EXPORTERS_GRPC_H

#include "exporters/http.h"

enum {
	RM_GRPC_FRAME_BYTES = 5,
	/* Of one message that a server takes if nobody told it otherwise: grpc's own default, and the Collector's. */
	RM_GRPC_MESSAGE_MAX_BYTES = 4 * 1024 * 1024,
};

enum rm_grpc_code {
	RM_GRPC_NO_ANSWER = -1, /* see `error` of the transfer */
	RM_GRPC_OK = 0,
	RM_GRPC_CANCELLED = 1,
	RM_GRPC_UNKNOWN = 2,
	RM_GRPC_DEADLINE_EXCEEDED = 4,
	RM_GRPC_PERMISSION_DENIED = 7,
	RM_GRPC_RESOURCE_EXHAUSTED = 8,
	RM_GRPC_ABORTED = 10,
	RM_GRPC_OUT_OF_RANGE = 11,
	RM_GRPC_UNIMPLEMENTED = 12,
	RM_GRPC_INTERNAL = 13,
	RM_GRPC_UNAVAILABLE = 14,
	RM_GRPC_DATA_LOSS = 15,
	RM_GRPC_UNAUTHENTICATED = 16,
};

struct rm_grpc_answer {
	int code; /* enum rm_grpc_code, or any other number that the server chose */
	bool is_grpc; /* the code is the server's own word, not made from the status of HTTP */
	bool has_retry_info;
	uint64_t retry_after_ns; /* from now, a day at most; 0 without one */
	char text[512];		 /* grpc-message, decoded; NUL-terminated, may be empty */
	uint8_t *message;	 /* the first one, unpacked; owned, may be NULL */
	size_t message_bytes;
};

/* Writes the five bytes before a message of `n` bytes. */
void rm_grpc_frame(uint8_t ret[RM_GRPC_FRAME_BYTES], size_t n, bool is_compressed);

/* The grpc-timeout header of a call that may last `ns`, at least 1 ms: eight digits and a unit. */
void rm_grpc_timeout(uint64_t ns, char *ret, size_t cap);

/* Reads a transfer's outcome while it is valid. Ownership: rm_grpc_answer_free gives `message` back. */
void rm_grpc_answer(const struct rm_http_answer *http, struct rm_grpc_answer *ret);
void rm_grpc_answer_free(struct rm_grpc_answer *a);

/* "UNAVAILABLE"; "code 77" for one that has no name. `buffer` is for the latter. */
const char *rm_grpc_code_name(int code, char buffer[16]);

#endif
