/* Which protocol takes given bytes, as the agent asks. */
#ifndef RM_TESTS_SNIFF_FIXTURE_H
#define RM_TESTS_SNIFF_FIXTURE_H

#include "protocols/proto.h"
#include "tests/rmtest.h"

/* The first protocol that does not say no to the first bytes of a client. */
static inline const char *claimed_by(const char *p, size_t n)
{
	for (int i = 0; rm_protocols[i]; i++)
		if (rm_protocols[i]->sniff((const uint8_t *)p, n) != RM_SNIFF_NO)
			return rm_protocols[i]->name;
	return "none";
}

#define CLAIMED(bytes, name) RM_CHECK(strcmp(claimed_by(bytes, sizeof(bytes) - 1), name) == 0)

/* What a protocol makes of a client's bytes on a connection that was there before. */
static inline enum rm_sniff joined_by(const struct rm_proto *proto, const char *p, size_t n)
{
	_Alignas(16) char state[384] = { 0 };

	proto->open(state, RM_ROLE_CLIENT);
	return proto->join(state, (const uint8_t *)p, n);
}

#endif
