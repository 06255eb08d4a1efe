/*
 * An entry costs 8 bytes besides its text where the RFC counts 32, so that a table of 4096 bytes
 * never needs more than that. Texts are moved down only where the free place lies in front of them.
 * Context: any, signal-safe. Spec: RFC 7541 sections 2.3 and 4, appendix A.
 */
#include "protocols/hpack_table.h"

enum { FIRST_CAP = 512 };

struct entry {
	uint32_t at;
	uint16_t name_bytes, value_bytes; /* the largest table has no place for more */
};

#define ENTRY(name, value) { sizeof(name) - 1, sizeof(value) - 1, name, value }

static const struct {
	uint8_t name_bytes, value_bytes;
	char name[28], value[14];
} static_table[] = {
	ENTRY(":authority", ""),
	ENTRY(":method", "GET"),
	ENTRY(":method", "POST"),
	ENTRY(":path", "/"),
	ENTRY(":path", "/index.html"),
	ENTRY(":scheme", "http"),
	ENTRY(":scheme", "https"),
	ENTRY(":status", "200"),
	ENTRY(":status", "204"),
	ENTRY(":status", "206"),
	ENTRY(":status", "304"),
	ENTRY(":status", "400"),
	ENTRY(":status", "404"),
	ENTRY(":status", "500"),
	ENTRY("accept-charset", ""),
	ENTRY("accept-encoding", "gzip, deflate"),
	ENTRY("accept-language", ""),
	ENTRY("accept-ranges", ""),
	ENTRY("accept", ""),
	ENTRY("access-control-allow-origin", ""),
	ENTRY("age", ""),
	ENTRY("allow", ""),
	ENTRY("authorization", ""),
	ENTRY("cache-control", ""),
	ENTRY("content-disposition", ""),
	ENTRY("content-encoding", ""),
	ENTRY("content-language", ""),
	ENTRY("content-length", ""),
	ENTRY("content-location", ""),
	ENTRY("content-range", ""),
	ENTRY("content-type", ""),
	ENTRY("cookie", ""),
	ENTRY("date", ""),
	ENTRY("etag", ""),
	ENTRY("expect", ""),
	ENTRY("expires", ""),
	ENTRY("from", ""),
	ENTRY("host", ""),
	ENTRY("if-match", ""),
	ENTRY("if-modified-since", ""),
	ENTRY("if-none-match", ""),
	ENTRY("if-range", ""),
	ENTRY("if-unmodified-since", ""),
	ENTRY("last-modified", ""),
	ENTRY("link", ""),
	ENTRY("location", ""),
	ENTRY("max-forwards", ""),
	ENTRY("proxy-authenticate", ""),
	ENTRY("proxy-authorization", ""),
	ENTRY("range", ""),
	ENTRY("referer", ""),
	ENTRY("refresh", ""),
	ENTRY("retry-after", ""),
	ENTRY("server", ""),
	ENTRY("set-cookie", ""),
	ENTRY("strict-transport-security", ""),
	ENTRY("transfer-encoding", ""),
	ENTRY("user-agent", ""),
	ENTRY("vary", ""),
	ENTRY("via", ""),
	ENTRY("www-authenticate", ""),
};
enum { STATIC = sizeof(static_table) / sizeof(static_table[0]) };

bool rm_hpack_is_static(uint64_t index)
{
	return index - 1 < STATIC;
}

void rm_hpack_table_init(struct rm_hpack_table *t)
{
	*t = (struct rm_hpack_table){ .max_bytes = RM_HPACK_TABLE_BYTES };
}

/* The newest entry stands first. */
static const struct entry *entry_at(const struct rm_hpack_table *t, const char *memory, uint32_t i)
{
	return (const struct entry *)(const void *)(memory + t->list) + i;
}

static uint32_t text_bytes_of(const struct entry *e)
{
	return (uint32_t)e->name_bytes + e->value_bytes;
}

static void drop_oldest(struct rm_hpack_table *t, const char *memory)
{
	uint32_t text_bytes = text_bytes_of(entry_at(t, memory, --t->count));

	t->from += text_bytes;
	t->bytes -= text_bytes + RM_HPACK_ENTRY_BYTES;
	if (!t->count) {
		t->from = t->to = 0;
		t->list = t->cap;
	}
}

void rm_hpack_table_resize(struct rm_hpack_table *t, const char *memory, uint32_t max_bytes)
{
	t->max_bytes = max_bytes;
	while (t->bytes > max_bytes)
		drop_oldest(t, memory);
}

bool rm_hpack_table_get(const struct rm_hpack_table *t, const char *memory, uint64_t index,
			struct rm_str *ret_name, struct rm_str *ret_value)
{
	const struct entry *e;

	if (rm_hpack_is_static(index)) {
		*ret_name = (struct rm_str){ static_table[index - 1].name, static_table[index - 1].name_bytes };
		*ret_value = (struct rm_str){ static_table[index - 1].value, static_table[index - 1].value_bytes };
		return true;
	}
	if (index - 1 - STATIC >= t->count)
		return false;
	e = entry_at(t, memory, (uint32_t)(index - 1 - STATIC));
	*ret_name = (struct rm_str){ memory + e->at, e->name_bytes };
	*ret_value = (struct rm_str){ memory + e->at + e->name_bytes, e->value_bytes };
	return true;
}

bool rm_hpack_table_evict(struct rm_hpack_table *t, const char *memory, size_t text_bytes,
			  uint32_t *ret_cap)
{
	size_t bytes = text_bytes + RM_HPACK_ENTRY_BYTES, need;
	uint32_t cap = t->cap;

	while (t->count && t->bytes + bytes > t->max_bytes)
		drop_oldest(t, memory);
	if (bytes > t->max_bytes)
		return false;
	need = t->to - t->from + text_bytes + (t->count + 1) * sizeof(struct entry);
	while (cap < need)
		cap = cap ? 2 * cap : FIRST_CAP;
	*ret_cap = cap;
	return true;
}

void rm_hpack_table_grown(struct rm_hpack_table *t, char *memory, uint32_t cap)
{
	uint32_t list_bytes = t->count * (uint32_t)sizeof(struct entry);

	memmove(memory + cap - list_bytes, memory + t->list, list_bytes);
	t->list = cap - list_bytes;
	t->cap = cap;
}

/* Moves all texts to the start and the list to the end of the memory. */
static void compact(struct rm_hpack_table *t, char *memory)
{
	struct entry *list;

	memmove(memory, memory + t->from, t->to - t->from);
	rm_hpack_table_grown(t, memory, t->cap);
	list = (struct entry *)(void *)(memory + t->list);
	for (uint32_t i = 0; i < t->count; i++)
		list[i].at -= t->from;
	t->to -= t->from;
	t->from = 0;
}

void rm_hpack_table_add(struct rm_hpack_table *t, char *memory, struct rm_str name, struct rm_str value)
{
	uint32_t text_bytes = (uint32_t)(name.n + value.n);

	if (t->to + text_bytes + sizeof(struct entry) > t->list)
		compact(t, memory);
	if (name.n)
		memcpy(memory + t->to, name.p, name.n);
	if (value.n)
		memcpy(memory + t->to + name.n, value.p, value.n);
	t->list -= (uint32_t)sizeof(struct entry);
	*(struct entry *)(void *)(memory + t->list) =
		(struct entry){ t->to, (uint16_t)name.n, (uint16_t)value.n };
	t->to += text_bytes;
	t->count++;
	t->bytes += text_bytes + RM_HPACK_ENTRY_BYTES;
}
