/*
 * See maps.h. The file is read through raw system calls, in pieces: a line may lie over two of them. What comes
 * from the kernel is in order of addresses. Specification: proc(5).
 */
#include "stack/maps.h"

#include <errno.h>
#include <fcntl.h>

#include "base/sys.h"

enum { PIECE_BYTES = 4096, LINE_BYTES = 1024 /* a longer path is cut */ };

/* A hexadecimal number at the start of *rest, which goes on behind it. */
static bool take_hex(struct rm_str *rest, uint64_t *ret)
{
	uint64_t v = 0;
	size_t n = 0;

	for (; n < rest->n; n++) {
		char c = rest->p[n];
		unsigned digit;

		if (c >= '0' && c <= '9')
			digit = (unsigned)(c - '0');
		else if (c >= 'a' && c <= 'f')
			digit = (unsigned)(c - 'a' + 10);
		else
			break;
		if (v >> 60)
			return false;
		v = v << 4 | digit;
	}
	rest->p += n;
	rest->n -= n;
	*ret = v;
	return n > 0;
}

static bool take_char(struct rm_str *rest, char c)
{
	if (rest->n == 0 || *rest->p != c)
		return false;
	rest->p++;
	rest->n--;
	return true;
}

static void skip_word(struct rm_str *rest)
{
	while (rest->n > 0 && *rest->p != ' ')
		take_char(rest, *rest->p);
	while (take_char(rest, ' '))
		;
}

/* Keeps a path; that of the mapping before is the same one more often than not. */
static uint32_t keep_path(struct rm_maps *m, struct rm_str path)
{
	const struct rm_map *before = m->count ? &m->map[m->count - 1] : NULL;
	uint32_t at = m->text_bytes;

	if (path.n == 0)
		return 0;
	if (before && before->path && rm_str_eq(rm_str_c(m->text + before->path), path))
		return before->path;
	if (at == 0)
		at = 1;
	if (path.n + 1 > RM_MAPS_TEXT - at)
		return 0;
	memcpy(m->text + at, path.p, path.n);
	m->text[at + path.n] = '\0';
	m->text_bytes = at + (uint32_t)path.n + 1;
	return at;
}

/* 55d0c0de0000-55d0c0de2000 r-xp 00001000 fe:01 1234   /usr/bin/true */
void rm_maps_line(struct rm_maps *m, struct rm_str line)
{
	uint64_t start, end, offset;
	struct rm_map *map;
	struct rm_str rights;

	if (!take_hex(&line, &start) || !take_char(&line, '-') || !take_hex(&line, &end) || !take_char(&line, ' ') ||
	    line.n < 5 || start >= end)
		return;
	rights = (struct rm_str){ line.p, 4 };
	skip_word(&line);
	if (!take_hex(&line, &offset))
		return;
	skip_word(&line); /* the rest of the offset, if any, and spaces */
	skip_word(&line);
	skip_word(&line);
	if (m->count == RM_MAPS_MAX) {
		m->truncated = true;
		return;
	}
	map = &m->map[m->count];
	*map = (struct rm_map){ .start = start, .end = end, .offset = offset, .readable = rights.p[0] == 'r',
				.executable = rights.p[2] == 'x', .path = keep_path(m, line) };
	m->count++;
}

/* Takes the whole lines of `held`; returns how many bytes are left of the last one. */
static size_t take_lines(struct rm_maps *m, char *held, size_t n, bool all)
{
	struct rm_str rest = { held, n };

	for (;;) {
		const char *end = memchr(rest.p, '\n', rest.n);
		size_t bytes = end ? (size_t)(end - rest.p) : rest.n;

		if (!end && !all)
			break;
		rm_maps_line(m, (struct rm_str){ rest.p, bytes });
		if (!end)
			return 0;
		rest.p += bytes + 1;
		rest.n -= bytes + 1;
	}
	if (rest.n > 0)
		memmove(held, rest.p, rest.n);
	return rest.n;
}

bool rm_maps_read(struct rm_maps *m)
{
	char held[LINE_BYTES + PIECE_BYTES];
	long fd = rm_sys4(__NR_openat, AT_FDCWD, "/proc/self/maps", O_RDONLY | O_CLOEXEC, 0), got;
	size_t n = 0;

	if (fd < 0)
		return false;
	for (;;) {
		got = rm_sys3(__NR_read, fd, held + n, sizeof(held) - n);
		if (got == -EINTR)
			continue;
		if (got <= 0)
			break;
		/* A line that fills all of it is cut: what follows of it is none that makes sense. */
		n = take_lines(m, held, n + (size_t)got, n + (size_t)got == sizeof(held) && !memchr(held, '\n', sizeof(held)));
	}
	take_lines(m, held, n, true);
	rm_sys1(__NR_close, fd);
	return m->count > 0;
}

const struct rm_map *rm_maps_find(struct rm_maps *m, uintptr_t at)
{
	uint32_t low = 0, high = m->count;

	if (m->last && at >= m->last->start && at < m->last->end)
		return m->last;
	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (at >= m->map[middle].end)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == m->count || at < m->map[low].start)
		return NULL;
	m->last = &m->map[low];
	return m->last;
}

bool rm_maps_readable(struct rm_maps *m, uintptr_t at, size_t n)
{
	while (n > 0) {
		const struct rm_map *map = rm_maps_find(m, at);
		size_t here;

		if (!map || !map->readable)
			return false;
		here = map->end - at;
		if (here >= n)
			return true;
		at += here;
		n -= here;
	}
	return true;
}

const char *rm_map_path(const struct rm_maps *m, const struct rm_map *map)
{
	return m->text + map->path; /* at 0 stands the empty one */
}
