/*
 * Matches wildcards without recursion: after a mismatch the last `*` takes one byte more, and only the last,
 * since what an earlier one took cannot matter any more. Context: any, signal-safe.
 */
#include "base/wildcard.h"

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

bool rm_wildcard(struct rm_str pattern, struct rm_str text)
{
	size_t p = 0, t = 0, star = SIZE_MAX, taken = 0;

	while (t < text.n) {
		if (p < pattern.n && pattern.p[p] == '*') {
			star = p++;
			taken = t;
		} else if (p < pattern.n &&
			   (pattern.p[p] == '?' || lower(pattern.p[p]) == lower(text.p[t]))) {
			p++;
			t++;
		} else if (star != SIZE_MAX) {
			p = star + 1;
			t = ++taken;
		} else {
			return false;
		}
	}
	while (p < pattern.n && pattern.p[p] == '*')
		p++;
	return p == pattern.n;
}
