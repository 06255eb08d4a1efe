/*
 * What an OTLP backend says in the body of its answer: Export...ServiceResponse after a success,
 * google.rpc.Status after an error, each as protobuf or JSON. Context: worker.
 */
#ifndef RM_EXPORTERS_OTLP_ANSWER_H
#define RM_EXPORTERS_OTLP_ANSWER_H

#include "base/str.h"

struct rm_otlp_answer {
	uint64_t rejected; /* spans or log records; 0 after an error */
	char message[256]; /* NUL-terminated; may be empty */
};

/*
 * Reads a body that may be anything, for receivers say much that is no OTLP: what does not make
 * sense gives no rejection; an error's plain text becomes the message.
 */
void rm_otlp_answer(struct rm_str body, bool is_json, bool is_success, struct rm_otlp_answer *ret);

#endif
