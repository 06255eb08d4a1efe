/* Reads .wire files. Host tool: any libc call, exits on errors of the author of the file. */
#include "tests/replay/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void fail(const char *path, int line, const char *what)
{
	fprintf(stderr, "%s:%d: %s\n", path, line, what);
	exit(2);
}

static struct wire_item *add(struct wire *w, enum wire_kind kind, enum rm_dir dir)
{
	w->items = realloc(w->items, (w->count + 1) * sizeof(*w->items));
	w->items[w->count] = (struct wire_item){ .kind = kind, .dir = dir };
	return &w->items[w->count++];
}

static void append(struct wire_item *item, const char *bytes, size_t n)
{
	if (!n)
		return;
	item->bytes = realloc(item->bytes, item->n + n);
	memcpy(item->bytes + item->n, bytes, n);
	item->n += n;
}

/* In place: the result is never longer. Returns its length, or -1. */
static long unescape(char *text)
{
	char *to = text;

	for (const char *p = text; *p; p++) {
		unsigned byte;

		if (*p != '\\') {
			*to++ = *p;
			continue;
		}
		switch (*++p) {
		case 'r':
			*to++ = '\r';
			break;
		case 'n':
			*to++ = '\n';
			break;
		case 't':
			*to++ = '\t';
			break;
		case '\\':
			*to++ = '\\';
			break;
		case 'x':
			if (sscanf(p + 1, "%2x", &byte) != 1)
				return -1;
			*to++ = (char)byte;
			p += 2;
			break;
		default:
			return -1;
		}
	}
	return to - text;
}

static int direction(char c)
{
	return c == '>' ? RM_DIR_REQUEST : c == '<' ? RM_DIR_RESPONSE : -1;
}

/* A buffer of `dir` that goes on, or a new one. */
static struct wire_item *buffer(struct wire *w, enum rm_dir dir, bool cut)
{
	struct wire_item *last = w->count ? &w->items[w->count - 1] : NULL;

	if (last && !cut && last->kind == WIRE_BYTES && last->dir == dir)
		return last;
	return add(w, WIRE_BYTES, dir);
}

/* A line that begins with a word. Returns false when it makes no sense. */
static bool directive(struct wire *w, const char *line, bool cut)
{
	char word[8], arrow, byte;
	unsigned long n = 0;
	int got = sscanf(line, "%7s %c %lu %c", word, &arrow, &n, &byte);
	int dir = got >= 2 ? direction(arrow) : -1;

	if (dir < 0)
		return false;
	if (got == 2 && strcmp(word, "end") == 0)
		return add(w, WIRE_END, dir) != NULL;
	if (got == 2 && strcmp(word, "reset") == 0)
		return add(w, WIRE_RESET, dir) != NULL;
	if (got == 3 && strcmp(word, "skip") == 0) {
		add(w, WIRE_SKIP, dir)->n = n;
		return true;
	}
	if (got == 4 && strcmp(word, "fill") == 0) {
		char *bytes = malloc(n);

		memset(bytes, byte, n);
		append(buffer(w, dir, cut), bytes, n);
		free(bytes);
		return true;
	}
	return false;
}

struct wire wire_read(const char *path)
{
	FILE *f = fopen(path, "r");
	struct wire w = { 0 };
	char *line = NULL;
	size_t cap = 0;
	bool cut = false;
	ssize_t n;

	if (!f)
		fail(path, 0, "cannot be read");
	for (int number = 1; (n = getline(&line, &cap, f)) > 0; number++) {
		if (line[n - 1] == '\n')
			line[--n] = '\0';
		if (!n) {
			cut = true;
			continue;
		}
		if (line[0] == '#')
			continue;
		if (direction(line[0]) >= 0 && line[1] == ' ') {
			long bytes = unescape(line + 2);

			if (bytes < 0)
				fail(path, number, "unknown escape");
			append(buffer(&w, direction(line[0]), cut), line + 2, (size_t)bytes);
		} else if (!directive(&w, line, cut)) {
			fail(path, number, "unknown line");
		}
		cut = false;
	}
	free(line);
	fclose(f);
	return w;
}

void wire_free(struct wire *w)
{
	for (size_t i = 0; i < w->count; i++)
		free(w->items[i].bytes);
	free(w->items);
	*w = (struct wire){ 0 };
}
