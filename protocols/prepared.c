/*
 * See prepared.h. Rows of different length one after the other: a head, the name, then the query, summary,
 * operation and collection or procedure of a statement, or the name of a portal's statement.
 */
#include "protocols/prepared.h"

enum { FIRST_BYTES = 4096, UNNAMED_BYTES = 2048, STATEMENTS_MAX = 0x3fff };

struct row {
	uint16_t bytes; /* of the whole */
	uint8_t kind, name;
	uint16_t query, summary, operation, about;
	uint16_t statements : 14, moves : 1, calls : 1; /* calls: what it is about is a procedure */
};

static char *memory(const struct rm_prepared *t, struct rm_sink *sink)
{
	return t->cap ? sink->on->stash(sink, RM_STASH_REQUEST_TABLE, t->cap) : NULL;
}

static struct row row_at(const char *p)
{
	struct row r;

	memcpy(&r, p, sizeof(r));
	return r;
}

/* Where the row lies, or t->bytes. */
static uint32_t find(const struct rm_prepared *t, const char *all, uint8_t kind, struct rm_str name)
{
	uint32_t at = 0;

	while (all && at < t->bytes) {
		struct row r = row_at(all + at);

		if (r.kind == kind && r.name == name.n && memcmp(all + at + sizeof(r), name.p, name.n) == 0)
			return at;
		at += r.bytes;
	}
	return t->bytes;
}

static void drop(struct rm_prepared *t, char *all, uint32_t at)
{
	uint32_t n;

	if (at == t->bytes)
		return;
	n = row_at(all + at).bytes;
	memmove(all + at, all + at + n, t->bytes - at - n);
	t->bytes -= n;
}

/* Room for a row at the end; NULL: the limit. There is always some for what has no name. */
static char *room(struct rm_prepared *t, struct rm_sink *sink, uint32_t n, bool named)
{
	uint32_t cap = t->cap ? t->cap : FIRST_BYTES, kept = named ? UNNAMED_BYTES : 0;
	char *all;

	while (cap < t->bytes + n + kept && cap < RM_HEAD_MAX_BYTES)
		cap *= 2;
	if (cap < t->bytes + n + kept)
		return NULL;
	all = sink->on->stash(sink, RM_STASH_REQUEST_TABLE, cap);
	if (!all)
		return NULL;
	t->cap = cap;
	all += t->bytes;
	t->bytes += n;
	return all;
}

static char *put(char *p, struct rm_str s)
{
	if (s.n)
		memcpy(p, s.p, s.n);
	return p + s.n;
}

static struct rm_str cut(struct rm_str s, size_t n)
{
	return (struct rm_str){ s.p, s.n < n ? s.n : n };
}

static bool same_query(const char *row, struct rm_str query)
{
	struct row r = row_at(row);
	struct rm_str known = { row + sizeof(r) + r.name, r.query };

	return rm_str_eq(known, query);
}

void rm_prepared_add(struct rm_prepared *t, struct rm_sink *sink, struct rm_str name,
		     const struct rm_sql *sql)
{
	static const struct rm_sql nothing;
	char *all = memory(t, sink), *p;
	uint32_t at = find(t, all, RM_PREPARED_STATEMENT, name), bytes;
	struct rm_str query, about;
	struct row r;

	if (name.n > RM_PREPARED_NAME_BYTES)
		return;
	sql = sql ? sql : &nothing;
	query = cut(sql->query, RM_PREPARED_QUERY_BYTES);
	if (at != t->bytes) {
		if (name.n && same_query(all + at, query))
			return;
		sql = name.n ? &nothing : sql;
		query = name.n ? nothing.query : query;
		drop(t, all, at);
	}
	about = sql->procedure.n ? sql->procedure : sql->collection;
	bytes = (uint32_t)(sizeof(r) + name.n + query.n + sql->summary.n + sql->operation.n + about.n);
	p = room(t, sink, bytes, name.n);
	if (!p)
		return;
	r = (struct row){ .bytes = (uint16_t)bytes, .kind = RM_PREPARED_STATEMENT, .name = (uint8_t)name.n,
			  .query = (uint16_t)query.n, .summary = (uint16_t)sql->summary.n,
			  .operation = (uint16_t)sql->operation.n, .about = (uint16_t)about.n,
			  .statements = sql->statements < STATEMENTS_MAX ? sql->statements & STATEMENTS_MAX : STATEMENTS_MAX,
			  .moves = sql->moves, .calls = sql->procedure.n > 0 };
	p = put(p, (struct rm_str){ (const char *)&r, sizeof(r) });
	p = put(put(p, name), query);
	put(put(put(p, sql->summary), sql->operation), about);
}

void rm_prepared_bind(struct rm_prepared *t, struct rm_sink *sink, struct rm_str portal,
		      struct rm_str statement)
{
	struct row r = { .kind = RM_PREPARED_PORTAL, .name = (uint8_t)portal.n, .query = (uint16_t)statement.n };
	char *all = memory(t, sink), *p;

	if (portal.n > RM_PREPARED_NAME_BYTES)
		return;
	drop(t, all, find(t, all, RM_PREPARED_PORTAL, portal));
	if (statement.n > RM_PREPARED_NAME_BYTES)
		return;
	r.bytes = (uint16_t)(sizeof(r) + portal.n + statement.n);
	p = room(t, sink, r.bytes, portal.n);
	if (p)
		put(put(put(p, (struct rm_str){ (const char *)&r, sizeof(r) }), portal), statement);
}

void rm_prepared_rename(struct rm_prepared *t, struct rm_sink *sink, struct rm_str from, struct rm_str to)
{
	char *all = memory(t, sink);
	uint32_t at;

	drop(t, all, find(t, all, RM_PREPARED_STATEMENT, to));
	at = find(t, all, RM_PREPARED_STATEMENT, from);
	if (at != t->bytes && from.n == to.n)
		memcpy(all + at + sizeof(struct row), to.p, to.n);
}

/* What the statement of that name is, in `all`. */
static bool read_statement(const struct rm_prepared *t, const char *all, struct rm_str name, struct rm_sql *ret)
{
	uint32_t at = find(t, all, RM_PREPARED_STATEMENT, name);
	const char *p;
	struct row r;

	if (at == t->bytes)
		return false;
	r = row_at(all + at);
	p = all + at + sizeof(r) + r.name;
	*ret = (struct rm_sql){ .query = { p, r.query }, .statements = r.statements, .moves = r.moves };
	ret->summary = (struct rm_str){ p + r.query, r.summary };
	ret->operation = (struct rm_str){ ret->summary.p + r.summary, r.operation };
	*(r.calls ? &ret->procedure : &ret->collection) = (struct rm_str){ ret->operation.p + r.operation, r.about };
	return true;
}

bool rm_prepared_statement(const struct rm_prepared *t, struct rm_sink *sink, struct rm_str name, struct rm_sql *ret)
{
	return read_statement(t, memory(t, sink), name, ret);
}

bool rm_prepared_portal(const struct rm_prepared *t, struct rm_sink *sink, struct rm_str portal,
			struct rm_sql *ret)
{
	const char *all = memory(t, sink);
	uint32_t at = find(t, all, RM_PREPARED_PORTAL, portal);
	struct row r;

	if (at == t->bytes)
		return false;
	r = row_at(all + at);
	return read_statement(t, all, (struct rm_str){ all + at + sizeof(r) + r.name, r.query }, ret);
}

void rm_prepared_close(struct rm_prepared *t, struct rm_sink *sink, enum rm_prepared_kind kind,
		       struct rm_str name)
{
	char *all = memory(t, sink);

	drop(t, all, find(t, all, (uint8_t)kind, name));
}
