/*
 * Reads the settings out of an environment block into flat memory, and answers by table row.
 * One pass at load; afterwards a struct rm_env is constant. Values are checked when read, so that
 * the getters cannot fail. Spec: OpenTelemetry, configuration/sdk-environment-variables.md, "Parsing
 * empty value", "Boolean value", "Numeric value", "Enum value"; of two equal names the first
 * counts, as for getenv(3). Context: init; the getters any.
 */
#include "base/env.h"

#include <math.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"

enum { SHOWN_BYTES = 256, REQUEST_BYTES = 4096 };

/* Texts lie one behind the other: addresses of them would be 8 KB that the loader reads and writes at each start. */
struct texts {
#define RM_ENV(id, name, type, def, unit, values, help) char id##_name[sizeof(name)], id##_default[sizeof(def)];
#include "base/env_table.h"
#undef RM_ENV
};

static const struct texts texts = {
#define RM_ENV(id, name, type, def, unit, values, help) .id##_name = name, .id##_default = def,
#include "base/env_table.h"
#undef RM_ENV
};

struct known {
#define RM_ENV(id, name, type, def, unit, values, help) char id[sizeof(values)];
#include "base/env_table.h"
#undef RM_ENV
};

static const struct known known_values = {
#define RM_ENV(id, name, type, def, unit, values, help) .id = values,
#include "base/env_table.h"
#undef RM_ENV
};

static const struct {
	uint16_t name, def, values; /* where they are in those */
	uint8_t type, name_bytes;
} rows[] = {
#define RM_ENV(id, name, type, def, unit, values, help)                                      \
	{ offsetof(struct texts, id##_name), offsetof(struct texts, id##_default), \
	  offsetof(struct known, id), RM_ENV_##type, sizeof(name) - 1 },
#include "base/env_table.h"
#undef RM_ENV
};

typedef void warn_fn(enum rm_env_id id, struct rm_str value, const char *reason);

const char *rm_env_name(enum rm_env_id id)
{
	return (const char *)&texts + rows[id].name;
}

const char *rm_env_default(enum rm_env_id id)
{
	return (const char *)&texts + rows[id].def;
}

const char *rm_env_values(enum rm_env_id id)
{
	return (const char *)&known_values + rows[id].values;
}

enum rm_env_type rm_env_type(enum rm_env_id id)
{
	return (enum rm_env_type)rows[id].type;
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

/* Parses a decimal number with optional fraction and exponent, as every language prints one. */
static bool parse_ratio(struct rm_str s, double *ret)
{
	uint64_t digits = 0, exponent = 0;
	int scale = 0, sign = 1;
	bool seen = false, point = false;
	size_t i = 0;
	double v;

	for (; i < s.n && s.p[i] != 'e' && s.p[i] != 'E'; i++) {
		if (s.p[i] == '.' && !point) {
			point = true;
			continue;
		}
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		seen = true;
		/* More digits than a double holds: those of a fraction are dropped. */
		if (digits >= 900719925474099u) {
			scale += !point;
			continue;
		}
		digits = digits * 10 + (uint64_t)(s.p[i] - '0');
		scale -= point;
	}
	if (!seen)
		return false;
	if (i < s.n) {
		struct rm_str rest = { s.p + i + 1, s.n - i - 1 };

		if (rest.n > 0 && (rest.p[0] == '-' || rest.p[0] == '+')) {
			sign = rest.p[0] == '-' ? -1 : 1;
			rest.p++;
			rest.n--;
		}
		if (!rm_str_u64(rest, &exponent) || exponent > 300)
			return false;
		scale += sign * (int)exponent;
	}
	/* One rounding only, up to ten to the 22nd: the nearest double, as strtod would give. */
	v = 1;
	for (int n = scale < 0 ? -scale : scale; n > 0 && v < HUGE_VAL; n--)
		v *= 10;
	v = scale < 0 ? (double)digits / v : (double)digits * v;
	if (v > 1)
		return false;
	*ret = v;
	return true;
}

static bool listed(const char *values, struct rm_str item)
{
	struct rm_str rest = rm_str_c(values), value;

	while (rm_env_item(&rest, &value))
		if (rm_str_ieq(value, item))
			return true;
	return false;
}

static bool is_bool(struct rm_str s)
{
	return rm_str_ieq(s, RM_STR("true")) || rm_str_ieq(s, RM_STR("false"));
}

/* Why a value is not acceptable for its row; NULL when it is. */
static const char *reject(enum rm_env_id id, struct rm_str v)
{
	uint64_t number;
	double ratio;

	switch (rm_env_type(id)) {
	case RM_ENV_BOOL:
		return is_bool(v) ? NULL : "is neither true nor false; the default is used";
	case RM_ENV_BOOL1:
		if (rm_str_eq(v, RM_STR("1")) || rm_str_eq(v, RM_STR("0")) || is_bool(v))
			return NULL;
		return "is none of 1, 0, true and false; the default is used";
	case RM_ENV_INT:
		return rm_str_u64(v, &number) ? NULL : "is no whole number; the default is used";
	case RM_ENV_DURATION:
		return rm_str_u64(v, &number) ? NULL : "is no number of milliseconds; the default is used";
	case RM_ENV_SAMPLER_ARG:
		return memchr(v.p, '=', v.n) || parse_ratio(v, &ratio) ?
			       NULL : "is neither a number from 0 to 1 nor name=value; the sampler's default is used";
	case RM_ENV_RATIO:
		return parse_ratio(v, &ratio) ? NULL : "is no number from 0 to 1; the default is used";
	case RM_ENV_ENUM:
		return listed(rm_env_values(id), v) ? NULL : "is no known value; the default is used";
	default:
		return NULL;
	}
}

static bool has_unknown_item(enum rm_env_id id, struct rm_str list)
{
	struct rm_str item;

	if (rm_env_type(id) != RM_ENV_LIST || *rm_env_values(id) == '\0')
		return false;
	while (rm_env_item(&list, &item))
		if (!listed(rm_env_values(id), item))
			return true;
	return false;
}

static void complain(struct rm_env *e, warn_fn *warn, enum rm_env_id id, struct rm_str value, const char *reason)
{
	/* Nor are values shown that nobody wants to read whole: in a part of one may be a password, too. */
	bool secret = rm_env_type(id) == RM_ENV_SECRET || rm_env_type(id) == RM_ENV_SECRET_LIST ||
		      value.n > SHOWN_BYTES;

	e->warned++;
	if (warn)
		warn(id, secret ? RM_STR("") : value, reason);
}

void rm_env_warn(enum rm_env_id id, struct rm_str value, const char *reason)
{
	bool has_values = *rm_env_values(id) != '\0';

	if (value.n == 0)
		value = RM_STR("(not shown)");
	rm_warn("%s: '%S' %s%s%s%s", rm_env_name(id), &value, reason, has_values ? " (known: " : "",
		rm_env_values(id), has_values ? ")" : "");
}

/* Values of these types are taken as they are; blanks around all others mean nothing. */
static bool is_verbatim(enum rm_env_type type)
{
	return type == RM_ENV_STR || type == RM_ENV_SECRET || type == RM_ENV_SECRET_LIST;
}

/* A CGI program's request: whoever sends it must not crowd out the settings, nor make us write to a log. */
static bool is_request_of(enum rm_env_id id)
{
	return memcmp(rm_env_name(id), "HTTP_", 5) == 0;
}

static void store(struct rm_env *e, enum rm_env_id id, struct rm_str value, warn_fn *warn)
{
	const char *reason;
	char *to = e->text + e->text_bytes;

	if (!is_verbatim(rm_env_type(id)))
		value = rm_str_trim(value);
	if (value.n == 0 || (is_request_of(id) && value.n > REQUEST_BYTES))
		return;
	reason = reject(id, value);
	if (!reason && value.n >= RM_ENV_TEXT_BYTES - e->text_bytes)
		reason = "is too long; the default is used";
	if (reason) {
		complain(e, warn, id, value, reason);
		return;
	}
	if (has_unknown_item(id, value))
		complain(e, warn, id, value, "holds something unknown, which is left out; where nothing else is named, the default is used");
	memcpy(to, value.p, value.n);
	to[value.n] = '\0';
	if (rm_env_type(id) == RM_ENV_ENUM)
		for (size_t i = 0; i < value.n; i++)
			to[i] = lower(to[i]);
	e->offset[id] = (uint16_t)e->text_bytes;
	e->length[id] = (uint16_t)value.n;
	e->text_bytes += (uint32_t)value.n + 1;
}

/* The row of a variable's name, RM_ENV_COUNT if it is none of ours. */
static enum rm_env_id find_row(struct rm_str name)
{
	unsigned id = 0;

	while (id < RM_ENV_COUNT && (rows[id].name_bytes != name.n || memcmp(rm_env_name((enum rm_env_id)id), name.p, name.n) != 0))
		id++;
	return (enum rm_env_id)id;
}

void rm_env_load(struct rm_env *e, char *const *environ, warn_fn *warn)
{
	bool seen[RM_ENV_COUNT] = { false };

	memset(e, 0, offsetof(struct rm_env, text));
	e->text[0] = '\0'; /* offset 0 is "unset" */
	e->text_bytes = 1;
	for (; environ && *environ; environ++) {
		struct rm_str value, name;
		enum rm_env_id id;

		/* All names of the table begin with one of these: the rest of a large block is skipped. */
		if (!memchr("AOTBRGHJXECFKW_", (*environ)[0], 15))
			continue;
		value = rm_str_c(*environ);
		name = rm_str_cut(&value, '=');
		id = value.p ? find_row(name) : RM_ENV_COUNT;
		if (id == RM_ENV_COUNT || seen[id])
			continue;
		seen[id] = true;
		store(e, id, value, warn);
	}
}

struct rm_str rm_env_str(const struct rm_env *e, enum rm_env_id id)
{
	if (!rm_env_is_set(e, id))
		return rm_str_c(rm_env_default(id));
	return (struct rm_str){ e->text + e->offset[id], e->length[id] };
}

bool rm_env_is_set(const struct rm_env *e, enum rm_env_id id)
{
	return e->offset[id] != 0;
}

bool rm_env_bool(const struct rm_env *e, enum rm_env_id id)
{
	struct rm_str v = rm_env_str(e, id);

	return rm_str_ieq(v, RM_STR("true")) ||
	       (rm_env_type(id) == RM_ENV_BOOL1 && rm_str_eq(v, RM_STR("1")));
}

uint64_t rm_env_u64(const struct rm_env *e, enum rm_env_id id, uint64_t if_unset)
{
	uint64_t v;

	return rm_str_u64(rm_env_str(e, id), &v) ? v : if_unset;
}

double rm_env_ratio(const struct rm_env *e, enum rm_env_id id)
{
	double v = 1;

	parse_ratio(rm_env_str(e, id), &v);
	return v;
}

bool rm_env_item(struct rm_str *rest, struct rm_str *ret)
{
	while (rest->p) {
		struct rm_str item = rm_str_trim(rm_str_cut(rest, ','));

		if (item.n > 0) {
			*ret = item;
			return true;
		}
	}
	return false;
}

bool rm_env_lists(const struct rm_env *e, enum rm_env_id id, struct rm_str name)
{
	struct rm_str rest = rm_env_str(e, id), item;

	while (rm_env_item(&rest, &item))
		if (rm_str_ieq(item, name))
			return true;
	return false;
}

bool rm_env_pair(struct rm_str item, struct rm_str *ret_key, struct rm_str *ret_value)
{
	struct rm_str value = item;
	struct rm_str key = rm_str_trim(rm_str_cut(&value, '='));

	if (!value.p || key.n == 0)
		return false;
	*ret_key = key;
	*ret_value = rm_str_trim(value);
	return true;
}

int rm_percent_decode(struct rm_str s, char *ret, size_t cap)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (c == '%') {
			if (s.n - i < 3 || rm_hex_digit(s.p[i + 1]) < 0 || rm_hex_digit(s.p[i + 2]) < 0)
				return RM_E_INVALID;
			c = (char)(rm_hex_digit(s.p[i + 1]) << 4 | rm_hex_digit(s.p[i + 2]));
			i += 2;
		}
		if (n == cap)
			return RM_E_RANGE;
		ret[n++] = c;
	}
	return (int)n;
}
