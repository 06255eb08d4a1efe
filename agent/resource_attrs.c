/*
 * Reads OTEL_RESOURCE_ATTRIBUTES where it lies: every caller walks the list anew, nothing is kept.
 * Context: any, signal-safe. Spec: OpenTelemetry, resource/sdk.md; W3C Baggage octets.
 */
#include "agent/resource_attrs.h"

#include "base/env.h"

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool decodable(struct rm_str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == '%' && (s.n - i < 3 || !is_hex(s.p[i + 1]) || !is_hex(s.p[i + 2])))
			return false;
	return true;
}

bool rm_resource_attrs_valid(struct rm_str raw)
{
	struct rm_str item, key, value;

	while (rm_env_item(&raw, &item))
		if (!rm_env_pair(item, &key, &value) || !decodable(key) || !decodable(value))
			return false;
	return true;
}

static struct rm_str decode(struct rm_str s, struct rm_strbuf *room)
{
	int n = rm_percent_decode(s, room->p + room->n, room->cap - room->n);
	struct rm_str ret = { room->p + room->n, n > 0 ? (size_t)n : 0 };

	if (n < 0)
		return (struct rm_str){ NULL, 0 };
	room->n += ret.n;
	return ret;
}

static uint32_t index_of(const struct rm_resource_attrs *a, struct rm_str key)
{
	uint32_t i = 0;

	while (i < a->count && !rm_str_eq(a->key[i], key))
		i++;
	return i;
}

void rm_resource_attrs_decode(struct rm_str raw, struct rm_strbuf *room,
			      struct rm_resource_attrs *ret)
{
	struct rm_str item, key, value;

	ret->count = 0;
	if (!rm_resource_attrs_valid(raw))
		return;
	while (rm_env_item(&raw, &item)) {
		uint32_t at;

		rm_env_pair(item, &key, &value);
		key = decode(key, room);
		value = decode(value, room);
		at = index_of(ret, key);
		if (!key.p || !value.p || at == RM_RESOURCE_ATTRS_MAX)
			continue;
		ret->key[at] = key;
		ret->value[at] = value;
		ret->count += at == ret->count;
	}
}

struct rm_str rm_resource_attrs_find(const struct rm_resource_attrs *a, struct rm_str key)
{
	uint32_t at = index_of(a, key);

	return at < a->count ? a->value[at] : (struct rm_str){ NULL, 0 };
}

struct rm_str rm_resource_attrs_get(struct rm_str raw, struct rm_str key, char *room, size_t cap)
{
	struct rm_str item, name, value, ret = { NULL, 0 };
	int n;

	if (!rm_resource_attrs_valid(raw))
		return ret;
	while (rm_env_item(&raw, &item)) {
		rm_env_pair(item, &name, &value);
		if (rm_str_eq(name, key))
			ret = value;
	}
	n = ret.p ? rm_percent_decode(ret, room, cap) : -1;
	return n < 0 ? (struct rm_str){ NULL, 0 } : (struct rm_str){ room, (size_t)n };
}
