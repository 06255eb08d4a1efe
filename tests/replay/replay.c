/*
 * Replays captures (see wire.h) through a protocol's parser and compares what it tells with the
 * .want file beside each. Whole, byte by byte, cut in two at every byte, each of them with and
 * without stopping at request heads: all must tell the same.
 *
 *   replay PROTOCOL FILE.wire...          tests, TAP
 *   replay --write PROTOCOL FILE.wire...  writes the .want files anew
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/replay/watch.h"
#include "tests/replay/wire.h"

enum { EVERY_BYTE = 1, STOP_HEADS = 2 };

static size_t total_bytes(const struct wire *w)
{
	size_t n = 0;

	for (size_t i = 0; i < w->count; i++)
		n += w->items[i].kind == WIRE_BYTES ? w->items[i].n : 0;
	return n;
}

/* Feeds one buffer, cut at `cut` bytes if that lies inside, or into single bytes. */
static void feed(struct watch *s, const struct wire_item *item, size_t cut, bool every_byte)
{
	if (every_byte) {
		for (size_t i = 0; i < item->n; i++)
			watch_feed(s, item->dir, item->bytes + i, 1);
		return;
	}
	if (cut >= item->n)
		cut = item->n;
	watch_feed(s, item->dir, item->bytes, cut);
	watch_feed(s, item->dir, item->bytes + cut, item->n - cut);
}

/* The log of a replay cut at byte `cut` of the conversation. Returned: owned by the caller. */
static char *play(const struct rm_proto *proto, const struct wire *w, size_t cut, unsigned how)
{
	struct watch s;
	char *text;

	watch_open(&s, proto);
	s.stop_heads = how & STOP_HEADS;
	if (w->count && w->items[0].kind == WIRE_BYTES && w->items[0].dir == RM_DIR_REQUEST)
		watch_join(&s, w->items[0].bytes, w->items[0].n);
	for (size_t i = 0; i < w->count; i++) {
		const struct wire_item *item = &w->items[i];

		switch (item->kind) {
		case WIRE_BYTES:
			feed(&s, item, cut, how & EVERY_BYTE);
			cut = cut >= item->n ? cut - item->n : SIZE_MAX;
			break;
		case WIRE_SKIP:
			watch_skip(&s, item->dir, item->n);
			break;
		case WIRE_END:
		case WIRE_RESET:
			watch_end(&s, item->dir, item->kind == WIRE_RESET);
			break;
		}
	}
	fputs("close\n", s.log);
	watch_close(&s);
	text = s.text;
	s.text = NULL;
	watch_free(&s);
	return text;
}

static char *read_text(const char *path)
{
	FILE *f = fopen(path, "r");
	char *text = NULL;
	size_t cap = 0;

	if (!f)
		return strdup("");
	if (getdelim(&text, &cap, '\0', f) < 0)
		*(text = realloc(text, 1)) = '\0';
	fclose(f);
	return text;
}

static bool same(const char *got, const char *want, const char *how, size_t cut)
{
	size_t line = 1, i = 0;

	if (strcmp(got, want) == 0)
		return true;
	for (; got[i] && got[i] == want[i]; i++)
		line += got[i] == '\n';
	printf("# %s, cut at byte %zu: differs in line %zu; got:\n", how, cut, line);
	for (const char *p = got; *p;) {
		size_t n = strcspn(p, "\n");

		printf("#   %.*s\n", (int)n, p);
		p += n + (p[n] == '\n');
	}
	return false;
}

static bool check(const struct rm_proto *proto, const struct wire *w, const char *want,
		  const char *name, unsigned how, size_t cut)
{
	char *got = play(proto, w, cut, how);
	bool ok = same(got, want, name, cut);

	free(got);
	return ok;
}

static bool replay(const struct rm_proto *proto, const struct wire *w, const char *want)
{
	size_t n = total_bytes(w), step = 1 + n / 5000;

	if (!check(proto, w, want, "whole", 0, SIZE_MAX) ||
	    !check(proto, w, want, "whole, stopped at heads", STOP_HEADS, SIZE_MAX) ||
	    !check(proto, w, want, "byte by byte", EVERY_BYTE, SIZE_MAX) ||
	    !check(proto, w, want, "byte by byte, stopped at heads", EVERY_BYTE | STOP_HEADS,
		   SIZE_MAX))
		return false;
	/* Every byte, but inside a very long body one cut is like another. */
	for (size_t cut = 1; cut < n; cut += cut < 500 || n - cut < 500 ? 1 : step)
		if (!check(proto, w, want, "cut in two", 0, cut) ||
		    !check(proto, w, want, "cut in two, stopped at heads", STOP_HEADS, cut))
			return false;
	return true;
}

static char *want_path(const char *wire_path)
{
	char *path = NULL;
	int stem = (int)(strlen(wire_path) - strlen(".wire"));

	if (stem <= 0 || asprintf(&path, "%.*s.want", stem, wire_path) < 0)
		exit(2);
	return path;
}

static void write_want(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	if (!f || fputs(text, f) < 0 || fclose(f) != 0) {
		perror(path);
		exit(2);
	}
}

static const struct rm_proto *find(const char *name)
{
	for (size_t i = 0; rm_protocols[i]; i++)
		if (strcmp(rm_protocols[i]->name, name) == 0)
			return rm_protocols[i];
	fprintf(stderr, "replay: no protocol is called %s\n", name);
	exit(2);
}

int main(int argc, char **argv)
{
	bool write = argc > 1 && strcmp(argv[1], "--write") == 0;
	int first = write ? 3 : 2, failed = 0;
	const struct rm_proto *proto;

	if (argc <= first) {
		fprintf(stderr, "usage: replay [--write] PROTOCOL FILE.wire...\n");
		return 2;
	}
	proto = find(argv[first - 1]);
	for (int i = first; i < argc; i++) {
		struct wire w = wire_read(argv[i]);
		char *path = want_path(argv[i]);

		if (write) {
			char *text = play(proto, &w, SIZE_MAX, 0);

			write_want(path, text);
			free(text);
		} else {
			char *want = read_text(path);
			bool ok = replay(proto, &w, want);
			const char *name = strrchr(argv[i], '/');

			printf("%sok %d - %s\n", ok ? "" : "not ", i - first + 1,
			       name ? name + 1 : argv[i]);
			failed += !ok;
			free(want);
		}
		free(path);
		wire_free(&w);
	}
	if (!write)
		printf("1..%d\n", argc - first);
	return failed != 0;
}
