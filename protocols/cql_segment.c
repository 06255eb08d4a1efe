/* See cql_segment.h. HEAD --> PAYLOAD --> TRAILER --> HEAD; a segment without a payload has a trailer, too. */
#include "protocols/cql_segment.h"

#include "base/endian.h"

enum { TRAILER_BYTES = 4, LENGTH_MASK = 0x1ffff, CRC_INIT = 0x875060, CRC_POLYNOMIAL = 0x1974f0b };

static uint32_t crc24(const uint8_t *p, size_t n)
{
	uint32_t crc = CRC_INIT;

	while (n--) {
		crc ^= (uint32_t)*p++ << 16;
		for (int i = 0; i < 8; i++) {
			crc <<= 1;
			if (crc & 1u << 24)
				crc ^= CRC_POLYNOMIAL;
		}
	}
	return crc;
}

/* Behind the last byte of the head. False: it is none. */
static bool read_head(struct rm_cql_segment *s)
{
	s->left = rm_le24(s->head) & LENGTH_MASK;
	s->trailer = TRAILER_BYTES;
	return crc24(s->head, 3) == rm_le24(s->head + 3);
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

enum rm_cql_segment_step rm_cql_segment_next(struct rm_cql_segment *s, struct rm_str bytes, size_t *at, struct rm_str *ret)
{
	while (*at < bytes.n) {
		size_t here = bytes.n - *at;

		if (s->head_n < RM_CQL_SEGMENT_HEAD_BYTES) {
			s->head[s->head_n++] = (uint8_t)bytes.p[(*at)++];
			if (s->head_n == RM_CQL_SEGMENT_HEAD_BYTES && !read_head(s))
				return RM_CQL_SEGMENT_BAD;
		} else if (s->left) {
			*ret = (struct rm_str){ bytes.p + *at, least(here, s->left) };
			s->left -= (uint32_t)ret->n;
			*at += ret->n;
			return RM_CQL_SEGMENT_PAYLOAD;
		} else {
			uint8_t take = (uint8_t)least(here, s->trailer);

			s->trailer -= take;
			*at += take;
			s->head_n = s->trailer ? s->head_n : 0;
		}
	}
	return RM_CQL_SEGMENT_MORE;
}
