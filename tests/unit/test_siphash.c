/* The keyed hash, against the vectors of its authors (key 00 01 .. 0f, message 00 01 ..). */
#include "base/siphash.h"
#include "tests/rmtest.h"

static const uint64_t key[2] = { 0x0706050403020100, 0x0f0e0d0c0b0a0908 };

RM_TEST("messages of all lengths up to 15 bytes have the published hashes")
{
	static const uint64_t want[16] = {
		0x726fdb47dd0e0e31, 0x74f839c593dc67fd, 0x0d6c8009d9a94f5a, 0x85676696d7fb7e2d,
		0xcf2794e0277187b7, 0x18765564cd99a68d, 0xcbc9466e58fee3ce, 0xab0200f58b01d137,
		0x93f5f5799a932462, 0x9e0082df0ba9e4b0, 0x7a5dbbc594ddb9f3, 0xf4b32f46226bada7,
		0x751e8fbc860ee5fb, 0x14ea5627c0843d90, 0xf723ca908e7af2ee, 0xa129ca6149be45e5,
	};
	char message[16];

	for (size_t n = 0; n < 16; n++) {
		message[n] = (char)n;
		RM_CHECK(rm_siphash(key, (struct rm_str){ message, n }) == want[n]);
	}
}

RM_TEST("another key gives another hash")
{
	const uint64_t other[2] = { key[0] ^ 1, key[1] };

	RM_CHECK(rm_siphash(key, RM_STR("service")) != rm_siphash(other, RM_STR("service")));
}
