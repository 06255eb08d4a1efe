/*
 * See api.h. Proofs of who is asked:
 * - AWS: the scope of a signature, "AWS4-HMAC-SHA256 Credential=KEY/DATE/REGION/SERVICE/aws4_request" (Signature Version 4;
 *   an asymmetric one has no region), in the field or, signed beforehand, in the query;
 * - Elasticsearch: its media types, and the field that its clients describe themselves with;
 * - OpenSearch: the names of its clients, which send nothing else of that kind;
 * - ClickHouse: its fields, and the names of its clients.
 * What the key of a signature is, is not read.
 */
#include "agent/api.h"

#include "agent/api_names.h"
#include "base/bytes.h"

struct proofs {
	struct rm_str authorization, target, smithy, copy_source, media_type, meta, user_agent, database;
	bool clickhouse;
};

static bool begins_any_case(struct rm_str s, struct rm_str prefix)
{
	return s.n >= prefix.n && rm_bytes_are(s.p, prefix.p, prefix.n);
}

static bool is(struct rm_str name, const char *lower)
{
	return rm_bytes_are(name.p, lower, name.n);
}

static bool has_media_type(struct rm_str value)
{
	return begins_any_case(value, RM_STR("application/vnd.elasticsearch+"));
}

/*
 * The field that is a proof, by the length of its name. Of those that every request has the value is looked at first: it
 * nearly always tells that this one is none.
 */
static struct rm_str *proof(struct proofs *p, struct rm_str name, struct rm_str value)
{
	switch (name.n) {
	case 6:
		return has_media_type(value) && rm_str_ieq(name, RM_STR("accept")) ? &p->media_type : NULL;
	case 10:
		return value.n > 10 && ((*value.p | 0x20) == 'c' || *value.p == 'o') && is(name, "user-agent") ? &p->user_agent : NULL;
	case 12:
		if (has_media_type(value))
			return is(name, "content-type") ? &p->media_type : NULL;
		return is(name, "x-amz-target") ? &p->target : NULL;
	case 13:
		return rm_str_begins(value, RM_STR("AWS4-")) && is(name, "authorization") ? &p->authorization : NULL;
	case 15:
		return is(name, "smithy-protocol") ? &p->smithy : NULL;
	case 17:
		return is(name, "x-amz-copy-source") ? &p->copy_source : NULL;
	case 21:
		return is(name, "x-elastic-client-meta") ? &p->meta :
		       is(name, "x-clickhouse-database") ? &p->database : NULL;
	}
	return NULL;
}

static void read_proofs(const struct rm_head *head, struct proofs *ret)
{
	for (uint32_t i = 0; i < head->field_count; i++) {
		const struct rm_field *f = &head->fields[i];
		struct rm_str *to = proof(ret, f->name, f->value);

		if (to && !to->p)
			*to = f->value;
		if (f->name.n > 13 && (f->name.p[0] | 0x20) == 'x' && begins_any_case(f->name, RM_STR("x-clickhouse-")))
			ret->clickhouse = true;
	}
}

struct rm_str rm_api_field(const struct rm_head *head, struct rm_str name)
{
	for (uint32_t i = 0; i < head->field_count; i++)
		if (rm_str_ieq(head->fields[i].name, name))
			return head->fields[i].value;
	return (struct rm_str){ 0 };
}

static struct rm_str query_of(struct rm_str target)
{
	rm_str_cut(&target, '?');
	return target;
}

static struct rm_str path_of(struct rm_str target)
{
	return rm_str_cut(&target, '?');
}

struct rm_str rm_api_parameter(struct rm_str query, struct rm_str name)
{
	while (query.n) {
		struct rm_str value = rm_str_cut(&query, '&');

		if (rm_str_eq(rm_str_cut(&value, '='), name))
			return value.p ? value : RM_STR("");
	}
	return (struct rm_str){ 0 };
}

/* ---- AWS ---- */

/* "KEY/DATE/REGION/SERVICE/aws4_request", its slashes perhaps percent-encoded. False: it is no scope. */
static bool read_scope(struct rm_str scope, bool encoded, bool regional, struct rm_api *ret)
{
	struct rm_str parts[5];
	int n = 0;

	while (scope.n && n < 5) {
		size_t i = 0;

		while (i < scope.n && scope.p[i] != '/' && !(encoded && scope.n - i > 2 && rm_str_ieq((struct rm_str){ scope.p + i, 3 }, RM_STR("%2f"))))
			i++;
		parts[n++] = (struct rm_str){ scope.p, i };
		if (i < scope.n)
			i += scope.p[i] == '/' ? 1 : 3;
		scope = rm_str_behind(scope, i);
	}
	if (scope.n || n != 4 + regional || !rm_str_eq(parts[n - 1], RM_STR("aws4_request")))
		return false;
	ret->service = rm_api_service(parts[n - 2]);
	if (!ret->service.n)
		return false;
	ret->kind = RM_API_AWS;
	ret->region = regional ? parts[2] : (struct rm_str){ 0 };
	return true;
}

static bool is_signed(const struct rm_head *head, const struct proofs *p, struct rm_api *ret)
{
	struct rm_str rest = p->authorization, query;
	bool regional;

	if (rest.n) {
		struct rm_str algorithm = rm_str_cut(&rest, ' ');

		regional = rm_str_eq(algorithm, RM_STR("AWS4-HMAC-SHA256"));
		rest = rm_str_trim(rest);
		if ((!regional && !rm_str_eq(algorithm, RM_STR("AWS4-ECDSA-P256-SHA256"))) ||
		    !rm_str_begins(rest, RM_STR("Credential=")))
			return false;
		rest = rm_str_behind(rest, 11);
		rest = rm_str_cut(&rest, ',');
		return read_scope(rm_str_trim(rest), false, regional, ret);
	}
	query = query_of(head->target);
	if (query.n < 40 || !rm_str_eq(rm_api_parameter(query, RM_STR("X-Amz-Algorithm")), RM_STR("AWS4-HMAC-SHA256")))
		return false;
	return read_scope(rm_api_parameter(query, RM_STR("X-Amz-Credential")), true, true, ret);
}

/* A word that a service calls its operation: nothing that a value could look like. */
static struct rm_str word(struct rm_str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (i && ((c >= '0' && c <= '9') || c == '_'))))
			return (struct rm_str){ 0 };
	}
	return s.n <= 64 ? s : (struct rm_str){ 0 };
}

/* "DynamoDB_20120810.GetItem" */
static struct rm_str behind_dot(struct rm_str target)
{
	struct rm_str last = target;

	while (target.p)
		last = rm_str_cut(&target, '.');
	return word(last);
}

/* An address rather than a name: then a bucket can only stand in the path. */
static bool is_address(struct rm_str host)
{
	uint64_t n;
	struct rm_str first = rm_str_cut(&host, '.');

	return rm_str_u64(first, &n) || (first.n && (*first.p == '[' || rm_str_begins(first, RM_STR("localhost"))));
}

/* Where S3's bucket stands. False: that cannot be told. */
static bool find_bucket(const struct rm_head *head, struct rm_str *ret_bucket, struct rm_str *ret_key)
{
	struct rm_str host = head->authority, path = path_of(head->target), label = rm_str_cut(&host, '.');

	if (path.n && *path.p == '/')
		path = rm_str_behind(path, 1);
	if (rm_str_begins(host, RM_STR("s3.")) || rm_str_begins(host, RM_STR("s3-")))
		*ret_bucket = label;
	else if (rm_str_begins(label, RM_STR("s3")) || is_address(head->authority))
		*ret_bucket = rm_str_cut(&path, '/');
	else
		return false;
	*ret_key = path;
	return true;
}

static void read_s3(const struct rm_head *head, const struct proofs *p, struct rm_api *ret)
{
	struct rm_str query = query_of(head->target), key;

	if (!find_bucket(head, &ret->bucket, &key))
		return;
	ret->operation = rm_api_s3(head->method, ret->bucket.n > 0, key.n > 0, p->copy_source.n > 0, query);
}

static void read_aws(const struct rm_head *head, const struct proofs *p, struct rm_api *ret)
{
	struct rm_str query = query_of(head->target), rest;

	if (p->target.n) {
		ret->operation = behind_dot(p->target);
	} else if (rm_str_begins(p->smithy, RM_STR("rpc-v2"))) {
		/* "/service/NAME/operation/NAME" */
		rest = path_of(head->target);
		for (int i = 0; i < 4; i++)
			rm_str_cut(&rest, '/');
		ret->operation = word(rest);
	} else if (rm_str_eq(ret->service, RM_STR("S3"))) {
		read_s3(head, p, ret);
	} else {
		ret->operation = word(rm_api_parameter(query, RM_STR("Action")));
	}
}

/* ---- databases ---- */

static enum rm_api_kind search_kind(const struct proofs *p)
{
	if (rm_str_begins(p->meta, RM_STR("es=")) || p->media_type.n)
		return RM_API_ELASTICSEARCH;
	return rm_str_begins(p->user_agent, RM_STR("opensearch-")) ? RM_API_OPENSEARCH : RM_API_NONE;
}

static bool is_clickhouse(const struct proofs *p)
{
	return p->clickhouse || begins_any_case(p->user_agent, RM_STR("clickhouse-"));
}

void rm_api_of(const struct rm_head *head, struct rm_api *ret)
{
	struct proofs p = { 0 };

	*ret = (struct rm_api){ 0 };
	read_proofs(head, &p);
	if (is_clickhouse(&p)) {
		ret->kind = RM_API_CLICKHOUSE;
		ret->space = p.database.n ? p.database : word(rm_api_parameter(query_of(head->target), RM_STR("database")));
		return;
	}
	ret->kind = search_kind(&p);
	if (ret->kind) {
		ret->operation = rm_api_endpoint(head->method, path_of(head->target), &ret->collection);
		return;
	}
	if (is_signed(head, &p, ret))
		read_aws(head, &p, ret);
}

/* ---- answers ---- */

static struct rm_str *said(struct rm_api_answer *a, struct rm_str name)
{
	switch (name.n) {
	case 10:
		return is(name, "x-amz-id-2") ? &a->extended_id : NULL;
	case 16:
		return is(name, "x-amzn-requestid") || is(name, "x-amz-request-id") ? &a->request_id : NULL;
	case 17:
		return is(name, "x-amzn-request-id") ? &a->request_id : NULL;
	case 24:
		return is(name, "x-found-handling-cluster") ? &a->cluster : NULL;
	case 25:
		return is(name, "x-found-handling-instance") ? &a->node : NULL;
	case 27:
		return is(name, "x-clickhouse-exception-code") ? &a->code : NULL;
	}
	return NULL;
}

static enum rm_api_kind says_kind(const struct rm_field *f)
{
	if (f->name.n == 17 && is(f->name, "x-elastic-product"))
		return rm_str_eq(f->value, RM_STR("Elasticsearch")) ? RM_API_ELASTICSEARCH : RM_API_NONE;
	if (f->name.n == 20 && is(f->name, "x-opensearch-version"))
		return RM_API_OPENSEARCH;
	return f->name.n > 13 && begins_any_case(f->name, RM_STR("x-clickhouse-")) ? RM_API_CLICKHOUSE : RM_API_NONE;
}

void rm_api_answer_of(const struct rm_head *head, struct rm_api_answer *ret)
{
	*ret = (struct rm_api_answer){ 0 };
	for (uint32_t i = 0; i < head->field_count; i++) {
		const struct rm_field *f = &head->fields[i];
		struct rm_str *to;

		if (f->name.n < 10 || (f->name.p[0] | 0x20) != 'x')
			continue;
		to = said(ret, f->name);
		if (to && !to->p)
			*to = f->value;
		if (!ret->kind)
			ret->kind = says_kind(f);
	}
}
