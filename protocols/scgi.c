/*
 * SCGI: "70:" and 70 bytes of variables, each ended by NUL, the first of which is CONTENT_LENGTH; then a comma
 * and the body. See gateway.h. Context: hook, connection locked.
 */
#include <string.h>

#include "protocols/gateway.h"

enum { DIGITS_MAX = 5 };

static int prefix(const uint8_t *p, size_t n, uint32_t *ret_block_bytes)
{
	uint32_t bytes = 0;

	for (size_t i = 0; i < n; i++) {
		if (p[i] == ':' && i > 0) {
			*ret_block_bytes = bytes;
			return 1;
		}
		if (p[i] < '0' + (i == 0) || p[i] > '9' || i == DIGITS_MAX)
			return -1;
		bytes = bytes * 10 + (p[i] - '0');
	}
	return 0;
}

static enum rm_sniff sniff(const uint8_t *p, size_t n)
{
	static const char first[] = "CONTENT_LENGTH";
	uint32_t bytes;
	size_t at = 0, compare;
	int got = 0;

	while (at < n && !got)
		got = prefix(p, ++at, &bytes);
	if (got < 0)
		return RM_SNIFF_NO;
	compare = n - at < sizeof(first) ? n - at : sizeof(first);
	if (memcmp(p + at, first, compare) != 0)
		return RM_SNIFF_NO;
	return compare == sizeof(first) ? RM_SNIFF_YES : RM_SNIFF_MORE;
}

static const struct rm_gateway_kind scgi = {
	.name = "scgi", .form = RM_CGI_SCGI, .prefix = prefix, .tail_bytes = 1,
};

static void scgi_open(void *state, enum rm_role role)
{
	((struct rm_gateway_state *)state)->kind = &scgi;
}

const struct rm_proto rm_proto_scgi = {
	.name = "scgi",
	.help = "SCGI: requests that web servers pass on, as variables",
	.state_bytes = sizeof(struct rm_gateway_state),
	.sniff = sniff,
	.open = scgi_open,
	.feed = rm_gateway_feed,
	.skip = rm_gateway_skip,
	.end = rm_gateway_end,
	.at_head = rm_gateway_at_head,
	.unread = rm_gateway_unread,
};
