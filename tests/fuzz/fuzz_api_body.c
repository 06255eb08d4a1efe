/*
 * Bodies of calls over HTTP, agent/api_body.c and protocols/json_scan.c. The input is a byte for the form, one for the sizes of
 * pieces, and the body. What must hold for any input: in pieces it says what it says as a whole; and that are words, no more.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/api_body.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check(bool condition)
{
	if (!condition)
		abort();
}

/* In pieces of at most `piece` bytes, each in memory of its own. */
static enum rm_api_call read_all(struct rm_api_body *b, enum rm_api_body_form form, const uint8_t *p, size_t n, size_t piece)
{
	const struct rm_str target = form == RM_API_BODY_GRAPHQL_URL ? (struct rm_str){ (const char *)p, n } : RM_STR("/x");
	static const struct rm_field accept = { { "accept", 6 }, { "application/graphql-response+json", 33 } };
	const struct rm_head head = { .target = target, .fields = &accept, .field_count = 1 };
	const struct rm_api api = { .kind = RM_API_AWS, .service = n % 2 ? RM_STR("SQS") : RM_STR("DynamoDB") };

	memset(b, 0xa5, sizeof(*b));
	rm_api_body_begin(b, form, &head, &api);
	for (size_t at = 0; at < n; at += piece) {
		size_t take = n - at < piece ? n - at : piece;
		char *copy = malloc(take);
		bool more;

		memcpy(copy, p + at, take);
		more = rm_api_body_read(b, copy, take);
		free(copy);
		if (!more)
			break;
	}
	return rm_api_body_over(b);
}

static void same(const struct rm_api_word *a, const struct rm_api_word *b)
{
	check(a->bytes == b->bytes && memcmp(a->text, b->text, a->bytes) == 0);
	for (size_t i = 0; i < a->bytes; i++)
		check(a->text[i] > ' ' && a->text[i] <= '~');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct rm_api_body whole, pieces;
	enum rm_api_body_form form;
	size_t piece;

	if (n < 2 || n > 1 << 16)
		return 0;
	form = data[0] & 0x80 ? RM_API_BODY_GRAPHQL_URL : RM_API_BODY_JSON + data[0] % 4;
	piece = 1 + data[1];
	data += 2;
	n -= 2;
	check(read_all(&whole, form, data, n, n + 1) == read_all(&pieces, form, data, n, piece));
	same(&whole.type, &pieces.type);
	same(&whole.name, &pieces.name);
	same(&whole.operation, &pieces.operation);
	same(&whole.method, &pieces.method);
	same(&whole.id, &pieces.id);
	same(&whole.version, &pieces.version);
	check(whole.thing == pieces.thing && whole.about_bytes == pieces.about_bytes);
	check(memcmp(whole.about, pieces.about, whole.about_bytes) == 0);
	return 0;
}
