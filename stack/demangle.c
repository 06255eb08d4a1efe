/* See demangle.h. Symbols come from files, so what is too long for the stack is not tried. */
#include "stack/demangle.h"

#include <libiberty/demangle.h>

enum { SYMBOL_MAX_BYTES = 1024, NAME_MAX_BYTES = 256 };

struct name {
	char text[SYMBOL_MAX_BYTES];
	size_t n;
	bool more;
};

static void on_piece(const char *piece, size_t n, void *arg)
{
	struct name *name = arg;
	size_t room = NAME_MAX_BYTES - name->n;

	if (n > room) {
		n = room;
		name->more = true;
	}
	memcpy(name->text + name->n, piece, n);
	name->n += n;
}

static void put(struct rm_str whole, bool more, struct rm_strbuf *out)
{
	struct rm_str shown = whole;

	if (shown.n > NAME_MAX_BYTES) {
		shown.n = NAME_MAX_BYTES;
		more = true;
	}
	rm_strbuf_str(out, shown);
	if (more)
		rm_strbuf_c(out, "...");
}

/* `symbol` is terminated. */
static bool translate(const char *symbol, int options, struct rm_strbuf *out)
{
	struct name name = { .n = 0 };

	if (!rust_demangle_callback(symbol, 0, on_piece, &name)) {
		name.n = 0;
		name.more = false;
		if (!cplus_demangle_v3_callback(symbol, options, on_piece, &name))
			return false;
	}
	if (name.n == 0)
		return false;
	put((struct rm_str){ name.text, name.n }, name.more, out);
	return true;
}

void rm_demangle(struct rm_str symbol, struct rm_strbuf *out)
{
	struct rm_str rest = symbol, bare = rm_str_cut(&rest, '@'); /* a version follows */
	char terminated[SYMBOL_MAX_BYTES];

	if (bare.n > 2 && bare.n < sizeof(terminated) && bare.p[0] == '_' && (bare.p[1] == 'Z' || bare.p[1] == 'R')) {
		memcpy(terminated, bare.p, bare.n);
		terminated[bare.n] = '\0';
		if (translate(terminated, DMGL_ANSI, out))
			return;
	}
	put(bare, false, out);
}

void rm_demangle_type(struct rm_str name, struct rm_strbuf *out)
{
	char terminated[SYMBOL_MAX_BYTES];

	if (name.n > 0 && name.n < sizeof(terminated)) {
		memcpy(terminated, name.p, name.n);
		terminated[name.n] = '\0';
		if (translate(terminated, DMGL_ANSI | DMGL_PARAMS | DMGL_TYPES, out))
			return;
	}
	put(name, false, out);
}
