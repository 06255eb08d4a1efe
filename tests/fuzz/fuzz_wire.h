/*
 * Fuzzing of any protocol's parser. An input is one byte that seeds the cuts, then records: one
 * character (enum fuzz_op; any other counts as FUZZ_REQUEST), a length of two bytes, low one first,
 * and for REQUEST and RESPONSE as many bytes, less at the end of the input.
 */
#ifndef RM_TESTS_FUZZ_WIRE_H
#define RM_TESTS_FUZZ_WIRE_H

#include "protocols/proto.h"

enum fuzz_op {
	FUZZ_REQUEST = '>',
	FUZZ_RESPONSE = '<',
	FUZZ_SKIP_REQUEST = 's',
	FUZZ_SKIP_RESPONSE = 'S',
	FUZZ_END_REQUEST = 'e',
	FUZZ_END_RESPONSE = 'E',
	FUZZ_RESET = 'R',
};

enum { FUZZ_RECORD_MAX_BYTES = 0xffff };

/*
 * Plays the input whole, cut at random, and byte by byte with stops at request heads, into a
 * checking sink. What the whole one does not mute, all must tell alike. Aborts on a finding.
 */
void fuzz_wire(const struct rm_proto *proto, const uint8_t *data, size_t n);

#endif
