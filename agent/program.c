/*
 * Reads the command lines of interpreters far enough to find the script: which options take a
 * value, which are code, where the first plain argument is. A wrong guess costs a label, so the
 * rules know what is common and fall back to the name of the executable. Context: any.
 */
#include "agent/program.h"

#include <string.h>

/*
 * How an interpreter's options are read. Letters may be clustered (`-uBm mod`): a letter with a
 * value takes the rest of its argument, else the next one.
 */
struct interpreter {
	char name[8];		/* of the executable, without its version */
	char runtime[8];	/* process.runtime.name, empty if the executable does not tell */
	char with_value[8];	/* letters */
	char with_rest[12];	/* letters whose value, if any, is in the same argument */
	char code[6];		/* letters: the value is the program, there is no script */
	char module[18];	/* letters and long options: the value names the program */
	char long_value[180];	/* long options with a value of their own, separated by commas */
};

static const struct interpreter interpreters[] = {
	{ "python", "cpython", "WX", "", "c", "m", "--check-hash-based-pycs" },
	{ "pypy", "pypy", "WX", "", "c", "m", "" },
	{ "node", "nodejs", "rC", "", "ep", "",
	  "--require,--import,--loader,--experimental-loader,--conditions,--env-file,--title,"
	  "--inspect-port,--icu-data-dir,--input-type" },
	{ "nodejs", "nodejs", "rC", "", "ep", "",
	  "--require,--import,--loader,--experimental-loader,--conditions,--env-file,--title,"
	  "--inspect-port,--icu-data-dir,--input-type" },
	{ "ruby", "ruby", "IrCE", "FKTWx0i", "e", "", "--encoding,--external-encoding" },
	{ "perl", "", "I", "MmF0ilCDxdV", "eE", "", "" },
	{ "php", "", "cdztS", "", "rBRE", "f", "--php-ini,--define,--docroot,--server" },
	{ "php-cgi", "", "cdztb", "", "", "f", "" },
	{ "java", "", "", "", "", "-jar,-m,--module",
	  "-cp,-classpath,--class-path,-p,--module-path,--add-modules,--add-opens,--add-exports,"
	  "--add-reads,--patch-module,--upgrade-module-path,--limit-modules,--source" },
};

/* Python programs whose first argument of the form module:object is the application. */
static const char app_servers[] = "gunicorn,uvicorn,hypercorn,daphne,waitress-serve,granian";
static const char app_options[] = "--app,-A"; /* of flask and celery */

void rm_program_copy(struct rm_program *p, int argc, char *const *argv)
{
	uint32_t used = 0;

	p->exe[0] = '\0';
	p->other = false;
	p->arg_count = 0;
	for (int i = 0; i < argc && argv[i] && p->arg_count < RM_ARGV_MAX; i++) {
		size_t n = strlen(argv[i]);

		if (n > RM_ARG_BYTES - 1)
			n = RM_ARG_BYTES - 1;
		if (i == 0) {
			memcpy(p->exe, argv[i], n);
			p->exe[n] = '\0';
		}
		if (n >= RM_ARGV_BYTES - used)
			break;
		memcpy(p->arg + used, argv[i], n);
		p->arg[used + n] = '\0';
		p->arg_offset[p->arg_count++] = used;
		used += (uint32_t)n + 1;
	}
}

struct rm_str rm_program_arg(const struct rm_program *p, uint32_t i)
{
	return i < p->arg_count ? rm_str_c(p->arg + p->arg_offset[i]) : (struct rm_str){ "", 0 };
}

/* ---- names ---- */

static struct rm_str after_last(struct rm_str s, char c)
{
	for (size_t i = s.n; i > 0; i--)
		if (s.p[i - 1] == c)
			return (struct rm_str){ s.p + i, s.n - i };
	return s;
}

static bool listed(const char *list, struct rm_str s)
{
	struct rm_str rest = rm_str_c(list);

	while (rest.p) {
		struct rm_str item = rm_str_cut(&rest, ',');

		if (item.n > 0 && rm_str_eq(item, s))
			return true;
	}
	return false;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static struct rm_str without_version(struct rm_str name)
{
	while (name.n > 0 && (is_digit(name.p[name.n - 1]) || name.p[name.n - 1] == '.'))
		name.n--;
	return name;
}

static bool cut_suffix(struct rm_str *s, const char *suffix)
{
	size_t n = strlen(suffix);

	if (s->n <= n || memcmp(s->p + s->n - n, suffix, n) != 0)
		return false;
	s->n -= n;
	return true;
}

/* A script's or archive's file without directories and extension; empty for ".", "..", "dir/". */
static struct rm_str stem(struct rm_str path)
{
	static const char extensions[] = ".py,.pyc,.pyz,.js,.mjs,.cjs,.ts,.mts,.cts,.rb,.ru,.pl,"
					 ".psgi,.php,.phar,.java";
	struct rm_str rest = rm_str_c(extensions), name;

	while (path.n > 1 && path.p[path.n - 1] == '/')
		path.n--;
	name = after_last(path, '/');
	/* A package run as a directory is called after the directory. */
	if (rm_str_eq(name, RM_STR("__main__.py")) && path.n > name.n)
		return after_last((struct rm_str){ path.p, path.n - name.n - 1 }, '/');
	while (rest.p) {
		struct rm_str extension = rm_str_cut(&rest, ',');

		if (name.n > extension.n &&
		    memcmp(name.p + name.n - extension.n, extension.p, extension.n) == 0) {
			name.n -= extension.n;
			break;
		}
	}
	return without_version(name).n > 0 ? name : (struct rm_str){ "", 0 };
}

/* "shop-1.2-SNAPSHOT" is "shop". */
static struct rm_str jar_name(struct rm_str path)
{
	struct rm_str name = after_last(path, '/');

	for (size_t i = 1; i + 1 < name.n; i++)
		if (name.p[i] == '-' && is_digit(name.p[i + 1]))
			name.n = i;
	return name;
}

struct rm_str rm_program_exe_name(const struct rm_program *p)
{
	struct rm_str path = rm_str_c(p->exe), name;

	for (size_t i = 0; i + 1 < path.n; i++)
		if (path.p[i] == ':' && path.p[i + 1] == ' ')
			path.n = i;
	name = after_last(path, '/');
	cut_suffix(&name, " (deleted)"); /* as the kernel marks a replaced executable */
	if (name.n > 1 && name.p[0] == '-') {
		name.p++;
		name.n--;
	}
	return name;
}

static const struct interpreter *interpreter_of(const struct rm_program *p)
{
	struct rm_str name = without_version(rm_program_exe_name(p));

	for (unsigned i = 0; i < sizeof(interpreters) / sizeof(interpreters[0]); i++)
		if (rm_str_eq(name, RM_STR_OF(interpreters[i].name)))
			return &interpreters[i];
	return NULL;
}

struct rm_str rm_program_runtime(const struct rm_program *p)
{
	const struct interpreter *in = interpreter_of(p);

	return in ? RM_STR_OF(in->runtime) : (struct rm_str){ "", 0 };
}

/* ---- command lines ---- */

enum found { NOTHING, SCRIPT, MODULE };

struct script {
	enum found found;
	struct rm_str text;
	uint32_t next; /* index of the argument after it */
};

static bool has_letter(const char *letters, char c)
{
	return memchr(letters, c, strlen(letters)) != NULL;
}

/* An option cluster. Steps *i over a value; true when the search is over. */
static bool read_cluster(const struct interpreter *in, const struct rm_program *p, uint32_t *i,
			 struct script *ret)
{
	struct rm_str option = rm_program_arg(p, *i);

	for (size_t at = 1; at < option.n; at++) {
		char c = option.p[at];
		struct rm_str value = { option.p + at + 1, option.n - at - 1 };

		if (has_letter(in->code, c))
			return true;
		if (has_letter(in->with_rest, c))
			return false;
		if (!has_letter(in->with_value, c) && !has_letter(in->module, c))
			continue;
		if (value.n == 0)
			value = rm_program_arg(p, ++*i);
		if (!has_letter(in->module, c))
			return false;
		*ret = (struct script){ MODULE, value, *i + 1 };
		return true;
	}
	return false;
}

/* A word as an option: java's all are, the others' begin with two dashes. */
static bool is_word(const struct interpreter *in, struct rm_str option)
{
	return option.p[1] == '-' || (in->with_value[0] == '\0' && in->code[0] == '\0');
}

static struct script find_script(const struct interpreter *in, const struct rm_program *p)
{
	struct script ret = { NOTHING, { "", 0 }, 0 };

	for (uint32_t i = 1; i < p->arg_count; i++) {
		struct rm_str arg = rm_program_arg(p, i);

		if (rm_str_eq(arg, RM_STR("--"))) {
			arg = rm_program_arg(p, ++i);
			return (struct script){ SCRIPT, arg, i + 1 };
		}
		if (arg.n == 0 || rm_str_eq(arg, RM_STR("-")))
			return ret; /* the program comes from standard input */
		if (arg.p[0] != '-')
			return (struct script){ SCRIPT, arg, i + 1 };
		if (!is_word(in, arg)) {
			if (read_cluster(in, p, &i, &ret))
				return ret;
		} else if (listed(in->module, arg)) {
			return (struct script){ MODULE, rm_program_arg(p, i + 1), i + 2 };
		} else if (listed(in->long_value, arg)) {
			i++;
		} else if (rm_str_eq(arg, RM_STR("--eval")) || rm_str_eq(arg, RM_STR("--print"))) {
			return ret;
		}
	}
	return ret;
}

/* ---- applications inside a server ---- */

static bool is_identifier_char(char c, bool first)
{
	char l = c | 0x20;

	return (l >= 'a' && l <= 'z') || c == '_' || (!first && (is_digit(c) || c == '.'));
}

/* Length of the dotted name that the slice begins with. */
static size_t dotted_name(struct rm_str s)
{
	size_t n = 0;

	while (n < s.n && is_identifier_char(s.p[n], n == 0))
		n++;
	return n;
}

/* "shop.wsgi:app" and "shop:create_app()"; the object may be a call. */
static bool is_module_object(struct rm_str s)
{
	size_t n = dotted_name(s), object;
	struct rm_str rest;

	if (n == 0 || n + 1 >= s.n || s.p[n] != ':')
		return false;
	rest = (struct rm_str){ s.p + n + 1, s.n - n - 1 };
	object = dotted_name(rest);
	return object > 0 && (object == rest.n || rest.p[object] == '(');
}

static struct rm_str first_part(struct rm_str module)
{
	for (size_t i = 0; i < module.n; i++)
		if (module.p[i] == '.' || module.p[i] == ':')
			module.n = i;
	return module;
}

/* The application that a Python server was asked to run; empty if that is not plain to see. */
static struct rm_str served_app(const struct rm_program *p, uint32_t from)
{
	struct rm_str last;

	for (uint32_t i = from; i < p->arg_count; i++) {
		struct rm_str before = rm_program_arg(p, i - 1), arg = rm_program_arg(p, i);

		if (is_module_object(arg) && !listed("-c,--config", before))
			return first_part(arg);
	}
	/* gunicorn takes a module alone; behind an option the word may be that option's value. */
	last = rm_program_arg(p, p->arg_count - 1);
	if (p->arg_count > from && last.n > 0 && dotted_name(last) == last.n &&
	    (p->arg_count - 1 == from || !rm_str_begins(rm_program_arg(p, p->arg_count - 2), RM_STR("-"))))
		return first_part(last);
	return (struct rm_str){ "", 0 };
}

static struct rm_str app_option(const struct rm_program *p, uint32_t from)
{
	for (uint32_t i = from; i < p->arg_count; i++) {
		struct rm_str arg = rm_program_arg(p, i);

		if (listed(app_options, arg))
			return first_part(stem(rm_program_arg(p, i + 1)));
		if (rm_str_begins(arg, RM_STR("--app=")))
			return first_part(stem((struct rm_str){ arg.p + 6, arg.n - 6 }));
	}
	return (struct rm_str){ "", 0 };
}

static struct rm_str python_name(const struct rm_program *p, const struct script *s)
{
	struct rm_str name = s->found == MODULE ? s->text : stem(s->text);
	struct rm_str app = { "", 0 };

	if (listed(app_servers, name))
		app = served_app(p, s->next);
	else if (listed("flask,celery", name))
		app = app_option(p, s->next);
	return app.n > 0 ? app : name;
}

/* An archive, a source file, or a class, perhaps behind its module: "com.shop/com.shop.Main". */
static struct rm_str java_name(struct rm_str name)
{
	if (cut_suffix(&name, ".jar") || cut_suffix(&name, ".war"))
		return jar_name(name);
	if (cut_suffix(&name, ".java"))
		return after_last(name, '/');
	return after_last(after_last(name, '/'), '.');
}

struct rm_str rm_program_name(const struct rm_program *p)
{
	const struct interpreter *in = interpreter_of(p);
	struct rm_str exe = rm_program_exe_name(p), name = { "", 0 };
	struct script s;

	if (rm_str_eq(without_version(exe), RM_STR("php-fpm")))
		return without_version(exe);
	if (!in)
		return exe.n > 0 ? exe : RM_STR("unknown_service");
	s = find_script(in, p);
	if (s.found == NOTHING)
		return exe;
	if (rm_str_begins(rm_str_c(in->name), RM_STR("py")))
		name = python_name(p, &s);
	else if (rm_str_eq(rm_str_c(in->name), RM_STR("java")))
		name = java_name(s.text);
	else
		name = stem(s.text);
	return name.n > 0 ? name : exe;
}
