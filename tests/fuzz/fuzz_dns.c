/*
 * Messages of the DNS, protocols/dns_message.c. For any input: names are text; a question is the same in upper case; and of a
 * message that is cut anywhere nothing is told that the whole one does not tell, in the same order.
 */
#include <stdlib.h>
#include <string.h>

#include "protocols/dns_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { ANSWERS_MAX = 600, CUTS_MAX = 600 };

static void check(bool condition)
{
	if (!condition)
		abort();
}

struct told {
	uint32_t count;
	uint32_t hash[ANSWERS_MAX];
};

static void check_name(struct rm_str name)
{
	check(name.n >= 1 && name.n <= RM_DNS_NAME_BYTES);
	for (size_t i = 0; i < name.n; i++)
		check(name.p[i] > ' ' && name.p[i] < 0x7f);
}

static void tell(void *arg, uint16_t type, const uint8_t *address, struct rm_str name)
{
	struct told *t = arg;
	uint32_t h = type;
	size_t n = type == RM_DNS_A ? 4 : type == RM_DNS_AAAA ? 16 : name.n;
	const uint8_t *p = address ? address : (const uint8_t *)name.p;

	if (!address)
		check_name(name);
	for (size_t i = 0; i < n; i++)
		h = h * 31 + p[i];
	check(t->count < ANSWERS_MAX);
	t->hash[t->count++] = h;
}

/* In memory of exactly that size. */
static bool read_all(const uint8_t *data, size_t n, struct told *ret, uint32_t *ret_hash)
{
	char name[RM_DNS_NAME_BYTES], other[RM_DNS_NAME_BYTES];
	uint8_t *copy = malloc(n ? n : 1);
	struct rm_dns_message m;
	struct rm_strbuf room, more;
	bool read;

	memcpy(copy, data, n);
	rm_strbuf_init(&room, name, sizeof(name));
	rm_strbuf_init(&more, other, sizeof(other));
	ret->count = 0;
	read = rm_dns_read(copy, n, &room, &m);
	if (read) {
		check_name(m.name);
		*ret_hash = m.hash;
		rm_dns_answers(copy, n, &m, &more, tell, ret);
		check(m.rcode < 4096);
	}
	free(copy);
	return read;
}

static void check_upper_case(const uint8_t *data, size_t n, uint32_t hash)
{
	uint8_t *copy = malloc(n);
	uint32_t other = 0;
	struct told told;

	memcpy(copy, data, n);
	for (size_t at = RM_DNS_HEAD_BYTES; at < n && copy[at] && !(copy[at] & 0xc0); at += 1 + (size_t)copy[at])
		for (size_t i = at + 1; i <= at + copy[at] && i < n; i++)
			if (copy[i] >= 'a' && copy[i] <= 'z')
				copy[i] -= 'a' - 'A';
	check(read_all(copy, n, &told, &other) && other == hash);
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct told whole, part;
	uint32_t hash = 0, other = 0;

	if (n > 2000 || !read_all(data, n, &whole, &hash))
		return 0;
	check_upper_case(data, n, hash);
	for (size_t cut = n; cut > 0 && n - cut < CUTS_MAX; cut--) {
		if (!read_all(data, cut - 1, &part, &other))
			break;
		check(other == hash && part.count <= whole.count && memcmp(part.hash, whole.hash, part.count * sizeof(uint32_t)) == 0);
	}
	return 0;
}
