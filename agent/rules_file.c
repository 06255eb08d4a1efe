/* See rules_file.h. The file is read whole into memory of the kernel's, which is given back; its name lies there, too. */
#include "agent/rules_file.h"

#include "agent/procfile.h"
#include "base/json_read.h"
#include "base/log.h"
#include "base/sys.h"

enum { STRINGS_BYTES = 4096 /* of one rule */, PATH_BYTES = 4096, QUOTA_MAX = 1000000 };

/* One rule of the file, as far as it was read. */
struct entry {
	struct rm_str host, service, method, path;
	double target, rate;
	bool has_target, has_rate;
};

static void read_entry(struct rm_json_reader *j, struct rm_strbuf *strings, struct entry *ret)
{
	struct rm_str key;

	*ret = (struct entry){ 0 };
	strings->n = 0;
	if (!rm_json_object(j))
		return;
	while (rm_json_member(j, &key)) {
		struct rm_str *to = rm_str_eq(key, RM_STR("host"))	    ? &ret->host
				    : rm_str_eq(key, RM_STR("service_name")) ? &ret->service
				    : rm_str_eq(key, RM_STR("http_method"))  ? &ret->method
				    : rm_str_eq(key, RM_STR("url_path"))     ? &ret->path
									     : NULL;

		if (to)
			rm_json_string(j, strings, to);
		else if (rm_str_eq(key, RM_STR("fixed_target")))
			ret->has_target = rm_json_number(j, &ret->target);
		else if (rm_str_eq(key, RM_STR("rate")))
			ret->has_rate = rm_json_number(j, &ret->rate);
		else
			rm_json_skip(j);
	}
}

/* NULL, or what is wrong. */
static const char *add(struct rm_rules_draft *d, const struct entry *e, struct rm_str host, bool is_default)
{
	struct rm_rule_spec spec = { .rate = e->rate, .fits_all = is_default };

	if (!e->has_target || !e->has_rate || !(e->target >= 0) || !(e->rate >= 0))
		return "has a rule without a fixed_target and a rate of 0 or more";
	if (is_default && (host.n || e->method.n || e->path.n))
		return "has a default rule with a host, a method or a path";
	if (!is_default && (!host.n || !e->method.n || !e->path.n))
		return "has a rule without host (in version 1: service_name), http_method and url_path";
	spec.field[RM_RULE_SERVICE] = spec.field[RM_RULE_TYPE] = RM_STR("*");
	spec.field[RM_RULE_HOST] = host;
	spec.field[RM_RULE_METHOD] = e->method;
	spec.field[RM_RULE_PATH] = e->path;
	spec.quota = e->target < QUOTA_MAX ? (uint32_t)e->target : QUOTA_MAX;
	rm_rules_add(d, &spec);
	return d->left_out ? "has too many rules" : NULL;
}

/* What the members of the file are, wherever they stand in it. */
struct outline {
	double version;
	struct rm_json_reader rules, fallback; /* where their values begin */
	bool has_rules, has_fallback;
};

static bool read_outline(struct rm_str text, struct outline *ret)
{
	struct rm_json_reader j;
	struct rm_str key;

	*ret = (struct outline){ 0 };
	rm_json_read(&j, text);
	if (!rm_json_object(&j))
		return false;
	while (rm_json_member(&j, &key)) {
		if (rm_str_eq(key, RM_STR("version"))) {
			rm_json_number(&j, &ret->version);
			continue;
		}
		if (rm_str_eq(key, RM_STR("rules"))) {
			ret->rules = j;
			ret->has_rules = true;
		} else if (rm_str_eq(key, RM_STR("default"))) {
			ret->fallback = j;
			ret->has_fallback = true;
		}
		rm_json_skip(&j);
	}
	return rm_json_read_all(&j);
}

/* `room` has STRINGS_BYTES. */
static const char *add_all(struct rm_rules_draft *d, struct outline *o, char *room)
{
	const char *wrong = NULL;
	struct rm_strbuf strings;
	struct entry e;

	rm_strbuf_init(&strings, room, STRINGS_BYTES);
	if (o->has_rules && rm_json_array(&o->rules))
		while (!wrong && rm_json_element(&o->rules)) {
			read_entry(&o->rules, &strings, &e);
			wrong = add(d, &e, o->version == 1 ? e.service : e.host, false);
		}
	read_entry(&o->fallback, &strings, &e);
	return wrong ? wrong : add(d, &e, o->version == 1 ? e.service : e.host, true);
}

const char *rm_rules_read(struct rm_rules *r, struct rm_str text)
{
	struct rm_rules_draft d;
	const char *wrong;
	struct outline o;
	char *room;

	if (!read_outline(text, &o))
		return "is not JSON";
	if (o.version != 1 && o.version != 2)
		return "has a version that is neither 1 nor 2";
	if (!o.has_fallback)
		return "has no default rule";
	/* This runs in a visit, whose stack may be a small one. */
	room = rm_sys_map(STRINGS_BYTES);
	if (!room)
		return "finds no memory";
	wrong = rm_rules_begin(r, 0, &d) ? add_all(&d, &o, room) : "comes twice";
	rm_sys2(__NR_munmap, room, STRINGS_BYTES);
	if (!wrong)
		rm_rules_publish(&d, 0, UINT32_MAX);
	return wrong;
}

void rm_rules_default(struct rm_rules *r)
{
	const struct rm_rule_spec spec = { .rate = 0.05, .quota = 1, .fits_all = true };
	struct rm_rules_draft d;

	if (!rm_rules_begin(r, 0, &d))
		return;
	rm_rules_add(&d, &spec);
	rm_rules_publish(&d, 0, UINT32_MAX);
}

void rm_rules_load(struct rm_rules *r, const char *variable, struct rm_str path)
{
	char *text = path.n ? rm_sys_map(RM_RULES_FILE_MAX_BYTES + PATH_BYTES) : NULL, *name;
	const char *wrong = "cannot be read";
	struct rm_str read;

	if (text) {
		name = text + RM_RULES_FILE_MAX_BYTES;
		rm_format(name, PATH_BYTES, "%S", &path);
		read = rm_procfile_read(name, text, RM_RULES_FILE_MAX_BYTES);
		if (read.n == RM_RULES_FILE_MAX_BYTES)
			wrong = "is too long";
		else if (read.n)
			wrong = rm_rules_read(r, read);
		rm_sys2(__NR_munmap, text, RM_RULES_FILE_MAX_BYTES + PATH_BYTES);
		if (!wrong)
			return;
	}
	if (path.n)
		rm_warn("%s: %S %s; the default rule is used", variable, &path, wrong);
	rm_rules_default(r);
}
