/* See bson.h. */
#include "protocols/bson.h"

#include "base/endian.h"

#include <string.h>

enum { LENGTH_BYTES = 4, DOCUMENT_MIN_BYTES = 5 };

bool rm_bson_open(struct rm_str document, struct rm_str *ret_rest)
{
	uint32_t n = document.n < LENGTH_BYTES ? 0 : rm_le32(document.p);

	if (n < DOCUMENT_MIN_BYTES)
		return false;
	n = n < document.n ? n : (uint32_t)document.n;
	*ret_rest = (struct rm_str){ document.p + LENGTH_BYTES, n - LENGTH_BYTES };
	return true;
}

/* How long a value is whose type says so; -1: the type says nothing. */
static int fixed_bytes(uint8_t type)
{
	switch (type) {
	case 0x06: /* undefined */
	case 0x0a: /* null */
	case 0x7f:
	case 0xff:
		return 0;
	case RM_BSON_BOOL:
		return 1;
	case RM_BSON_INT32:
		return 4;
	case RM_BSON_DOUBLE:
	case 0x09: /* time */
	case 0x11: /* timestamp */
	case RM_BSON_INT64:
		return 8;
	case 0x07: /* ObjectId */
		return 12;
	case 0x13: /* decimal */
		return 16;
	}
	return -1;
}

/* Bytes of two texts, each up to its NUL; 0: they are not whole. */
static size_t regex_bytes(struct rm_str rest)
{
	const char *first = memchr(rest.p, '\0', rest.n), *second;

	if (!first)
		return 0;
	second = memchr(first + 1, '\0', rest.n - (size_t)(first - rest.p) - 1);
	return second ? (size_t)(second - rest.p) + 1 : 0;
}

/* The value at rest.p, of a type that tells its length there. False: not whole, or none. */
static bool long_value(struct rm_str rest, uint8_t type, struct rm_str *ret, size_t *ret_bytes)
{
	uint64_t n, more = 0, head = 0;

	if (type == 0x0b) {
		*ret_bytes = regex_bytes(rest);
		*ret = (struct rm_str){ rest.p, *ret_bytes };
		return *ret_bytes;
	}
	if (rest.n < LENGTH_BYTES)
		return false;
	n = rm_le32(rest.p);
	switch (type) {
	case RM_BSON_DOCUMENT:
	case RM_BSON_ARRAY:
		if (n < DOCUMENT_MIN_BYTES)
			return false;
		*ret_bytes = n < rest.n ? n : rest.n;
		*ret = (struct rm_str){ rest.p, *ret_bytes };
		return true;
	case RM_BSON_STRING:
	case 0x0d: /* code */
	case 0x0e: /* symbol */
		head = LENGTH_BYTES;
		break;
	case 0x05: /* binary */
		head = LENGTH_BYTES + 1;
		break;
	case 0x0c: /* pointer */
		head = LENGTH_BYTES;
		more = 12;
		break;
	case 0x0f: /* code with its variables, all of it */
		break;
	default:
		return false;
	}
	if (head + n + more > rest.n || (head ? type != 0x05 && n == 0 : n < DOCUMENT_MIN_BYTES))
		return false;
	*ret_bytes = head + n + more;
	*ret = (struct rm_str){ rest.p + head, n - (type == RM_BSON_STRING) };
	return type != RM_BSON_STRING || ret->p[ret->n] == '\0';
}

bool rm_bson_next(struct rm_str *rest, struct rm_bson_element *ret)
{
	const char *end = rest->n > 1 ? memchr(rest->p + 1, '\0', rest->n - 1) : NULL;
	struct rm_str behind;
	size_t bytes;
	int fixed;

	if (!end || !rest->p[0])
		return false;
	ret->type = (uint8_t)rest->p[0];
	ret->name = (struct rm_str){ rest->p + 1, (size_t)(end - rest->p) - 1 };
	behind = (struct rm_str){ end + 1, rest->n - (size_t)(end + 1 - rest->p) };
	fixed = fixed_bytes(ret->type);
	if (fixed >= 0) {
		bytes = (size_t)fixed;
		if (bytes > behind.n)
			return false;
		ret->value = (struct rm_str){ behind.p, bytes };
	} else if (!long_value(behind, ret->type, &ret->value, &bytes)) {
		return false;
	}
	*rest = (struct rm_str){ behind.p + bytes, behind.n - bytes };
	return true;
}

int64_t rm_bson_number(const struct rm_bson_element *e)
{
	double d;

	switch (e->type) {
	case RM_BSON_DOUBLE:
		memcpy(&d, e->value.p, sizeof(d));
		return d > -1e15 && d < 1e15 ? (int64_t)d : 0;
	case RM_BSON_INT32:
		return (int32_t)rm_le32(e->value.p);
	case RM_BSON_INT64:
		return (int64_t)rm_le64(e->value.p);
	case RM_BSON_BOOL:
		return e->value.p[0] != 0;
	}
	return 0;
}
