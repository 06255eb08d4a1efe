/* See cql_body.h. */
#include "protocols/cql_body.h"

#include "base/endian.h"

static bool take(struct rm_str *rest, size_t n, const uint8_t **ret)
{
	if (rest->n < n)
		return false;
	*ret = (const uint8_t *)rest->p;
	*rest = (struct rm_str){ rest->p + n, rest->n - n };
	return true;
}

bool rm_cql_byte(struct rm_str *rest, uint8_t *ret)
{
	const uint8_t *p;

	if (!take(rest, 1, &p))
		return false;
	*ret = *p;
	return true;
}

bool rm_cql_short(struct rm_str *rest, uint32_t *ret)
{
	const uint8_t *p;

	if (!take(rest, 2, &p))
		return false;
	*ret = rm_be16(p);
	return true;
}

bool rm_cql_int(struct rm_str *rest, uint32_t *ret)
{
	const uint8_t *p;

	if (!take(rest, 4, &p))
		return false;
	*ret = rm_be32(p);
	return true;
}

bool rm_cql_string(struct rm_str *rest, struct rm_str *ret)
{
	const uint8_t *p;
	uint32_t n;

	if (!rm_cql_short(rest, &n) || !take(rest, n, &p))
		return false;
	*ret = (struct rm_str){ (const char *)p, n };
	return true;
}

bool rm_cql_text(struct rm_str *rest, struct rm_str *ret)
{
	const uint8_t *p;
	uint32_t n;

	if (!rm_cql_int(rest, &n))
		return false;
	ret->n = n < rest->n ? n : rest->n;
	ret->p = rest->p;
	return take(rest, ret->n, &p);
}

/* A negative length is that of null. */
bool rm_cql_skip_value(struct rm_str *rest)
{
	const uint8_t *p;
	uint32_t n;

	return rm_cql_int(rest, &n) && (n > INT32_MAX || take(rest, n, &p));
}

bool rm_cql_skip_payload(struct rm_str *rest)
{
	struct rm_str key;
	uint32_t n;

	if (!rm_cql_short(rest, &n))
		return false;
	while (n--)
		if (!rm_cql_string(rest, &key) || !rm_cql_skip_value(rest))
			return false;
	return true;
}

bool rm_cql_skip_strings(struct rm_str *rest)
{
	struct rm_str s;
	uint32_t n;

	if (!rm_cql_short(rest, &n))
		return false;
	while (n--)
		if (!rm_cql_string(rest, &s))
			return false;
	return true;
}

bool rm_cql_map_has(struct rm_str map, struct rm_str key)
{
	struct rm_str name, value;
	uint32_t n;

	if (!rm_cql_short(&map, &n))
		return true;
	while (n--) {
		if (!rm_cql_string(&map, &name) || !rm_cql_string(&map, &value))
			return true;
		if (rm_str_eq(name, key))
			return true;
	}
	return false;
}
