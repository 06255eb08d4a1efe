/*
 * The uwsgi protocol: a modifier (which language's plugin is asked), the length of the variables in two bytes,
 * low one first, a second modifier; the variables; the body. See gateway.h. Other uses of its packets (spooling,
 * caches, signals) are left alone: they hold no request. Context: hook, connection locked.
 */
#include <string.h>

#include "protocols/gateway.h"

enum { HEADER_BYTES = 4, BLOCK_MIN_BYTES = 32, MODIFIER_MAX = 31, NAME_MAX_BYTES = 64 };
enum { TLS_HANDSHAKE = 22, TLS_MAJOR = 3 }; /* how the records of a ClientHello begin */

static int prefix(const uint8_t *p, size_t n, uint32_t *ret_block_bytes)
{
	if (n < HEADER_BYTES)
		return 0;
	*ret_block_bytes = p[1] | (uint32_t)p[2] << 8;
	return 1;
}

static bool is_name(uint8_t c)
{
	return (c >= 'A' && c <= 'Z') || c == '_' || (c >= '0' && c <= '9');
}

static enum rm_sniff sniff(const uint8_t *p, size_t n)
{
	uint32_t block, name;

	if (n > 0 && p[0] > MODIFIER_MAX)
		return RM_SNIFF_NO;
	/* TLS libraries read five bytes first, which could be a packet's in every short ClientHello. */
	if (n > 1 && p[0] == TLS_HANDSHAKE && p[1] == TLS_MAJOR)
		return RM_SNIFF_NO;
	/* Four bytes are how it is read, and could still be anybody's; fewer could be all the more. */
	if (n < HEADER_BYTES)
		return n ? RM_SNIFF_NO : RM_SNIFF_MORE;
	prefix(p, n, &block);
	if (block < BLOCK_MIN_BYTES || p[3])
		return RM_SNIFF_NO;
	if (n < HEADER_BYTES + 2)
		return RM_SNIFF_MORE;
	name = p[4] | (uint32_t)p[5] << 8;
	if (name == 0 || name > NAME_MAX_BYTES)
		return RM_SNIFF_NO;
	for (size_t i = 0; i < name && HEADER_BYTES + 2 + i < n; i++)
		if (!is_name(p[HEADER_BYTES + 2 + i]))
			return RM_SNIFF_NO;
	return HEADER_BYTES + 2 + name <= n ? RM_SNIFF_YES : RM_SNIFF_MORE;
}

static const struct rm_gateway_kind uwsgi = {
	.name = "uwsgi", .form = RM_CGI_UWSGI, .prefix = prefix,
};

static void uwsgi_open(void *state, enum rm_role role)
{
	((struct rm_gateway_state *)state)->kind = &uwsgi;
}

const struct rm_proto rm_proto_uwsgi = {
	.name = "uwsgi",
	.help = "uwsgi, the protocol: requests that web servers pass on, as variables",
	.state_bytes = sizeof(struct rm_gateway_state),
	.sniff = sniff,
	.open = uwsgi_open,
	.feed = rm_gateway_feed,
	.skip = rm_gateway_skip,
	.end = rm_gateway_end,
	.at_head = rm_gateway_at_head,
	.unread = rm_gateway_unread,
};
