/*
 * See places.h. The text may be anybody's: what it names is read only where its build id is that of the file, which is a
 * file and no device (stack/symbols.c). All places are where calls return to, so the call lies before them.
 */
#include "stack/places.h"

#include "stack/demangle.h"

static const char before[] = "    at ?? (", id_before[] = "build id of ";

static bool read_hex(struct rm_str text, uint64_t *ret)
{
	*ret = 0;
	if (text.n == 0 || text.n > 16)
		return false;
	for (size_t i = 0; i < text.n; i++) {
		int digit = rm_hex_digit(text.p[i]);

		if (digit < 0)
			return false;
		*ret = *ret << 4 | (unsigned)digit;
	}
	return true;
}

static bool find_build_id(struct rm_str text, struct rm_str path, struct rm_str *ret)
{
	size_t lead = sizeof(id_before) - 1;

	while (text.n > 0) {
		struct rm_str line = rm_str_cut(&text, '\n');

		if (line.n <= lead + path.n + 2 || !rm_str_begins(line, RM_STR_OF(id_before)) ||
		    memcmp(line.p + lead, path.p, path.n) != 0 || memcmp(line.p + lead + path.n, ": ", 2) != 0)
			continue;
		*ret = rm_str_behind(line, lead + path.n + 2);
		return true;
	}
	return false;
}

bool rm_place_read(struct rm_str text, struct rm_str line, struct rm_place *ret)
{
	size_t at;

	if (!rm_str_begins(line, RM_STR_OF(before)) || line.p[line.n - 1] != ')')
		return false;
	line = rm_str_behind(line, sizeof(before) - 1);
	line.n--;
	for (at = line.n; at > 3 && memcmp(line.p + at - 3, "+0x", 3) != 0;)
		at--;
	if (at <= 3)
		return false;
	ret->path = (struct rm_str){ line.p, at - 3 };
	return read_hex(rm_str_behind(line, at), &ret->at) && ret->at > 0 && find_build_id(text, ret->path, &ret->build_id);
}

static bool find_module(const struct rm_place *p, char path[RM_PATH_BYTES], struct rm_module *ret)
{
	*ret = (struct rm_module){ .path = path, .build_id_bytes = (uint32_t)(p->build_id.n / 2) };
	if (p->path.n >= RM_PATH_BYTES || p->path.p[0] != '/' || p->build_id.n % 2 || p->build_id.n > 2 * RM_BUILD_ID_MAX ||
	    !rm_hex_decode(p->build_id.p, ret->build_id, ret->build_id_bytes))
		return false;
	memcpy(path, p->path.p, p->path.n);
	path[p->path.n] = '\0';
	return true;
}

bool rm_place_write(struct rm_symbols *s, const struct rm_place *p, struct rm_strbuf *out)
{
	char path[RM_PATH_BYTES];
	struct rm_module m;
	struct rm_str name;
	uint64_t offset;

	if (!find_module(p, path, &m) || !rm_symbols_open(s, &m))
		return false;
	name = rm_symbols_name(s, p->at - 1, &offset);
	if (!name.n)
		return false;
	rm_strbuf_c(out, "    at ");
	rm_demangle(name, out);
	rm_strbuf_char(out, '+');
	rm_strbuf_hex_u64(out, offset + 1);
	rm_strbuf_c(out, " (");
	rm_strbuf_str(out, p->path);
	rm_strbuf_char(out, '+');
	rm_strbuf_hex_u64(out, p->at);
	rm_strbuf_char(out, ')');
	return true;
}
