/* HTTP/1 conversations, see fuzz_wire.h; and what sniff says must agree with what feed does. */
#include <stdlib.h>

#include "tests/fuzz/fuzz_wire.h"

extern const struct rm_proto rm_proto_http1;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* More bytes never revive what is none, nor bring back a doubt; they may still refute a yes. */
static void sniff(const uint8_t *p, size_t n)
{
	enum rm_sniff all = rm_proto_http1.sniff(p, n);

	for (size_t i = 0; i < n && i < 100; i++) {
		enum rm_sniff some = rm_proto_http1.sniff(p, i);

		if (some == RM_SNIFF_NO && all != RM_SNIFF_NO)
			abort();
		if (some == RM_SNIFF_YES && all == RM_SNIFF_MORE)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	fuzz_wire(&rm_proto_http1, data, n);
	if (n > 4)
		sniff(data + 4, n - 4);
	return 0;
}
