/* See api_graphql.h. Runs in hooks. */
#include "agent/api_graphql.h"

#include "agent/api.h"
#include "base/bytes.h"

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static struct rm_str cut_name(struct rm_str *s)
{
	size_t n = 0;

	while (n < s->n && (is_letter(s->p[n]) || (n && s->p[n] >= '0' && s->p[n] <= '9')))
		n++;
	if (!n)
		return (struct rm_str){ 0 };
	*s = (struct rm_str){ s->p + n, s->n - n };
	return (struct rm_str){ s->p - n, n };
}

bool rm_graphql_is_name(struct rm_str s)
{
	return cut_name(&s).n && !s.n;
}

/* Spaces, commas, a byte order mark and comments: nothing to a reader. */
static struct rm_str past_nothing(struct rm_str s)
{
	bool comment = false;

	while (s.n && (comment || memchr(" \t\r\n,#\xef\xbb\xbf", *s.p, 9))) {
		comment = *s.p == '#' || (comment && *s.p != '\n');
		s = (struct rm_str){ s.p + 1, s.n - 1 };
	}
	return s;
}

static struct rm_str known_type(struct rm_str word)
{
	return rm_str_eq(word, RM_STR("query"))        ? RM_STR("query") :
	       rm_str_eq(word, RM_STR("mutation"))     ? RM_STR("mutation") :
	       rm_str_eq(word, RM_STR("subscription")) ? RM_STR("subscription") :
							 (struct rm_str){ 0 };
}

bool rm_graphql_read(struct rm_str s, struct rm_graphql *ret)
{
	struct rm_str word, name;

	*ret = (struct rm_graphql){ 0 };
	s = past_nothing(s);
	if (s.n && *s.p == '{') {
		ret->type = RM_STR("query");
		return true;
	}
	word = cut_name(&s);
	if (!known_type(word).n)
		return rm_str_eq(word, RM_STR("fragment"));
	s = past_nothing(s);
	name = cut_name(&s);
	s = past_nothing(s);
	/* Cut within the name, or words of something else. */
	if (!s.n || !memchr("({@", *s.p, 3))
		return false;
	*ret = (struct rm_graphql){ known_type(word), name };
	return true;
}

/* ---- heads ---- */

bool rm_graphql_said(const struct rm_head *head)
{
	struct rm_str path = head->target, accept = rm_api_field(head, RM_STR("accept"));

	path = rm_str_cut(&path, '?');
	for (size_t i = 0; i + 7 <= path.n; i++)
		if ((path.p[i] | 0x20) == 'g' && rm_str_ieq((struct rm_str){ path.p + i, 7 }, RM_STR("graphql")))
			return true;
	return rm_api_ends(rm_str_cut(&accept, ','), RM_STR("application/graphql-response+json"));
}

/* Do "query" or "operationName" stand before the = at `at`? */
static inline bool asks(const char *from, const char *at, const void *none)
{
	struct rm_str before = { from, (size_t)(at - from) };

	return before.n && (at[-1] == 'y' ? rm_api_ends(before, RM_STR("query")) :
			    at[-1] == 'e' ? rm_api_ends(before, RM_STR("operationName")) : false);
}

/* Is there "query=", or "operationName="? Nearly always not. */
static bool may_ask(struct rm_str target)
{
	return rm_bytes_any(target.p, target.n, '=', asks, NULL);
}

bool rm_graphql_in_url(const struct rm_head *head)
{
	struct rm_str query = head->target;

	if (!may_ask(query))
		return false;
	rm_str_cut(&query, '?');
	return query.n && (rm_api_parameter(query, RM_STR("query")).n || rm_api_parameter(query, RM_STR("operationName")).n) &&
	       rm_graphql_said(head);
}
