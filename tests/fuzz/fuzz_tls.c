/* Handshakes of TLS, see fuzz_wire.h. */
#include "tests/fuzz/fuzz_wire.h"

extern const struct rm_proto rm_proto_tls;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	fuzz_wire(&rm_proto_tls, data, n);
	return 0;
}
