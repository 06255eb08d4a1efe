/* See names.h. Entries stand one behind the other: the length of the key, that of the text, both. */
#include "protocols/names.h"

enum { HEAD_BYTES = 3, FIRST_BYTES = 400 };

static char *stash(const struct rm_names *names, struct rm_sink *sink)
{
	return names->bytes ? sink->on->stash(sink, RM_STASH_STREAMS, names->cap) : NULL;
}

static uint32_t entry_bytes(const char *p)
{
	const uint8_t *head = (const uint8_t *)p;

	return HEAD_BYTES + head[0] + head[1] + 256u * head[2];
}

/* Where the entry of a key stands; names->bytes when there is none. */
static uint32_t find(const struct rm_names *names, const char *all, struct rm_str key)
{
	uint32_t at = 0;

	while (at < names->bytes) {
		if (rm_str_eq((struct rm_str){ all + at + HEAD_BYTES, (uint8_t)all[at] }, key))
			return at;
		at += entry_bytes(all + at);
	}
	return at;
}

void rm_names_drop(struct rm_names *names, struct rm_sink *sink, struct rm_str key)
{
	char *all = stash(names, sink);
	uint32_t at = all ? find(names, all, key) : names->bytes, n;

	if (at == names->bytes)
		return;
	n = entry_bytes(all + at);
	memmove(all + at, all + at + n, names->bytes - at - n);
	names->bytes -= n;
}

void rm_names_drop_prefix(struct rm_names *names, struct rm_sink *sink, struct rm_str prefix)
{
	char *all = stash(names, sink);
	uint32_t at = 0;

	while (all && at < names->bytes) {
		uint32_t n = entry_bytes(all + at);

		if ((uint8_t)all[at] < prefix.n || memcmp(all + at + HEAD_BYTES, prefix.p, prefix.n) != 0) {
			at += n;
			continue;
		}
		memmove(all + at, all + at + n, names->bytes - at - n);
		names->bytes -= n;
	}
}

static char *make_room(struct rm_names *names, struct rm_sink *sink, uint32_t more)
{
	uint32_t cap = names->cap ? names->cap : FIRST_BYTES;
	char *all;

	while (cap < names->bytes + more)
		cap *= 2;
	all = cap <= RM_NAMES_MAX_BYTES ? sink->on->stash(sink, RM_STASH_STREAMS, cap) : NULL;
	if (all)
		names->cap = cap;
	return all;
}

void rm_names_put(struct rm_names *names, struct rm_sink *sink, struct rm_str key, struct rm_str text)
{
	char *at;

	rm_names_drop(names, sink, key);
	if (key.n > RM_NAMES_KEY_BYTES || text.n > RM_NAMES_TEXT_BYTES)
		return;
	at = make_room(names, sink, (uint32_t)(HEAD_BYTES + key.n + text.n));
	if (!at)
		return;
	at += names->bytes;
	at[0] = (char)key.n;
	at[1] = (char)text.n;
	at[2] = (char)(text.n >> 8);
	memcpy(at + HEAD_BYTES, key.p, key.n);
	if (text.n)
		memcpy(at + HEAD_BYTES + key.n, text.p, text.n);
	names->bytes += (uint32_t)(HEAD_BYTES + key.n + text.n);
}

bool rm_names_get(const struct rm_names *names, struct rm_sink *sink, struct rm_str key, struct rm_str *ret)
{
	const char *all = stash(names, sink);
	uint32_t at = all ? find(names, all, key) : names->bytes;

	if (at == names->bytes)
		return false;
	*ret = (struct rm_str){ all + at + HEAD_BYTES + key.n, entry_bytes(all + at) - HEAD_BYTES - (uint32_t)key.n };
	return true;
}
