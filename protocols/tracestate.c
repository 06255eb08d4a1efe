/*
 * The tracestate header: a list of members of other tracing systems, passed on in order. We add
 * none of our own. A list with anything wrong in it is dropped whole, the traceparent stays.
 * Context: any, signal-safe. Spec: W3C Trace Context level 2, section 3.3 (key grammar of the
 * current text, where `@` is an ordinary character of a key).
 */
#include "protocols/tracecontext.h"

#include <string.h>

enum { MEMBERS_MAX = 32, KEY_MAX = 256, VALUE_MAX = 256, LARGE_MEMBER = 128 };

static bool is_key_char(char c, bool first)
{
	if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
		return true;
	return !first && (c == '_' || c == '-' || c == '*' || c == '/' || c == '@');
}

/* `member` is trimmed, so that a value cannot end in a space. */
static bool is_member(struct rm_str member)
{
	struct rm_str value = member;
	struct rm_str key = rm_str_cut(&value, '=');

	if (key.n == 0 || key.n > KEY_MAX || value.n == 0 || value.n > VALUE_MAX)
		return false;
	for (size_t i = 0; i < key.n; i++)
		if (!is_key_char(key.p[i], i == 0))
			return false;
	for (size_t i = 0; i < value.n; i++)
		if (value.p[i] < ' ' || value.p[i] > '~' || value.p[i] == '=')
			return false;
	return true;
}

static uint32_t count_members(struct rm_str list)
{
	uint32_t n = list.n > 0;

	for (size_t i = 0; i < list.n; i++)
		n += list.p[i] == ',';
	return n;
}

/* Takes out the last member of more than `over` bytes; false when there is none. */
static bool drop_last(struct rm_strbuf *state, size_t over)
{
	size_t end = state->n;

	while (end > 0) {
		size_t start = end;

		while (start > 0 && state->p[start - 1] != ',')
			start--;
		if (end - start > over) {
			/* With it goes the comma after it, or the one before it if it is the last. */
			size_t from = end < state->n ? end + 1 : end;
			size_t to = end == state->n && start > 0 ? start - 1 : start;

			memmove(state->p + to, state->p + from, state->n - from);
			state->n -= from - to;
			return true;
		}
		end = start > 0 ? start - 1 : 0;
	}
	return false;
}

static void append(struct rm_strbuf *out, struct rm_str member)
{
	while (out->cap - out->n < member.n + (out->n > 0))
		if (member.n > LARGE_MEMBER || !drop_last(out, LARGE_MEMBER))
			return;
	if (out->n > 0)
		rm_strbuf_char(out, ',');
	rm_strbuf_str(out, member);
}

bool rm_tracestate_append(struct rm_strbuf *out, struct rm_str value)
{
	uint32_t count = count_members(rm_strbuf_view(out));

	while (value.p) {
		struct rm_str member = rm_str_trim(rm_str_cut(&value, ','));

		if (member.n == 0)
			continue;
		if (!is_member(member) || ++count > MEMBERS_MAX)
			return false;
		append(out, member);
	}
	return true;
}

struct rm_str rm_tracestate_fit(struct rm_strbuf *state)
{
	while (state->n > RM_TRACESTATE_MAX_BYTES &&
	       (drop_last(state, LARGE_MEMBER) || drop_last(state, 0)))
		;
	return rm_strbuf_view(state);
}
