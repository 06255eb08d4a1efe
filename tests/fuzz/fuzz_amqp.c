/* Conversations of AMQP 0-9-1, see fuzz_wire.h. */
#include "tests/fuzz/fuzz_wire.h"

extern const struct rm_proto rm_proto_amqp;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	fuzz_wire(&rm_proto_amqp, data, n);
	return 0;
}
