/*
 * A line begins with things that are no message: times, numbers, names in brackets. Where the first thing that is
 * none of these is the name of a severity, in capitals, in brackets, before a colon or between dashes, it is one.
 * Lines of JSON and of key=value say it by name; some loggers by a letter or a number at a fixed place.
 *
 * Shapes: Python's logging, gunicorn, uvicorn, log4j, logback, java.util.logging, nginx, Apache, glog and klog, env_logger,
 * tracing, slog, logrus, zap, zerolog, pino, bunyan, winston, Ruby's Logger, PHP, PostgreSQL, MySQL, Redis, .NET, sd-daemon.
 * Spec: OpenTelemetry, logs/data-model.md (SeverityNumber) and its appendix. Context: any, signal-safe.
 */
#include "logs/severity.h"

#include "base/json_read.h"

enum { HEAD_BYTES = 256, DATE_BYTES = 30, HEAD_TOKENS = 14, JSON_BYTES = 8192, JSON_KEYS = 64 };

static const struct level {
	char name[15];
	uint8_t number;
} levels[] = {
	{ "trace", 1 },	     { "trc", 1 },	{ "trce", 1 },	    { "finest", 1 },	    { "finer", 2 },
	{ "debug", 5 },	     { "dbg", 5 },	{ "dbug", 5 },	    { "fine", 5 },	    { "verbose", 5 },
	{ "info", 9 },	     { "inf", 9 },	{ "information", 9 }, { "informational", 9 }, { "config", 8 },
	{ "log", 9 },	     { "system", 9 },	{ "notice", 10 },   { "note", 10 },
	{ "warn", 13 },	     { "warning", 13 }, { "wrn", 13 },	    { "deprecated", 13 },
	{ "error", 17 },     { "err", 17 },	{ "eror", 17 },	    { "erro", 17 },	    { "severe", 17 },
	{ "fail", 17 },	     { "crit", 18 },	{ "alert", 19 },    { "critical", 21 },	    { "fatal", 21 },
	{ "ftl", 21 },	     { "panic", 21 },	{ "dpanic", 21 },   { "emerg", 21 },	    { "emergency", 21 },
};

uint8_t rm_severity_of_syslog(unsigned severity)
{
	static const uint8_t numbers[] = { 21, 19, 18, 17, 13, 10, 9, 5 };

	return numbers[severity & 7];
}

static uint8_t named(struct rm_str word)
{
	if (word.n < 3 || word.n > sizeof(levels[0].name))
		return 0;
	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++)
		if (rm_str_ieq(word, RM_STR_OF(levels[i].name)))
			return levels[i].number;
	return 0;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

static bool is_one_of(char c, struct rm_str list)
{
	return memchr(list.p, c, list.n);
}

static bool is_capitals(struct rm_str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!is_upper(s.p[i]))
			return false;
	return s.n > 0;
}

/* ---- a line as tokens ---- */

struct token {
	struct rm_str s;
	char before, after; /* the delimiters on both sides that are no blank: '[' and ']', ':' ... or a blank */
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_delimiter(char c)
{
	return is_blank(c) || is_one_of(c, RM_STR("[](){}<>|,;"));
}

/* The length of the sequence that colours a terminal at `i`; 0: there is none. */
static size_t colour_at(struct rm_str s, size_t i)
{
	size_t end = i + 2;

	if (i + 2 >= s.n || s.p[i] != '\x1b' || s.p[i + 1] != '[')
		return 0;
	while (end < s.n && (is_digit(s.p[end]) || s.p[end] == ';'))
		end++;
	return end < s.n && s.p[end] == 'm' ? end + 1 - i : 0;
}

/* The token at *at or behind it, of a line that is as long as heads are. */
static bool next_token(struct rm_str line, size_t *at, struct token *ret)
{
	size_t i = *at, end;

	*ret = (struct token){ .before = ' ', .after = ' ' };
	for (size_t colour; i < line.n && ((colour = colour_at(line, i)) || is_delimiter(line.p[i]));) {
		if (!colour && !is_blank(line.p[i]))
			ret->before = line.p[i];
		else if (!colour)
			ret->before = ' ';
		i += colour ? colour : 1;
	}
	for (end = i; end < line.n && !is_delimiter(line.p[end]) && !colour_at(line, end); end++)
		;
	*at = end;
	if (end == i)
		return false;
	ret->s = (struct rm_str){ line.p + i, end - i };
	if (ret->s.n > 1 && ret->s.p[ret->s.n - 1] == ':') {
		ret->s.n--;
		ret->after = ':';
		return true;
	}
	for (size_t colour; end < line.n && (colour = colour_at(line, end)); end += colour)
		;
	if (end < line.n && !is_blank(line.p[end]))
		ret->after = line.p[end];
	return true;
}

static bool is_bracketed(const struct token *t)
{
	return (t->before == '[' && t->after == ']') || (t->before == '(' && t->after == ')');
}

/* What separates a head's parts. */
static bool is_dash(const struct token *t)
{
	return t->s.n <= 2 && (t->s.p[0] == '-' || t->s.p[0] == '|' || t->s.p[0] == '~' || (t->s.p[0] == ':' && t->s.n == 2));
}

static bool has_digit(struct rm_str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (is_digit(s.p[i]))
			return true;
	return false;
}

static bool is_among(struct rm_str s, const char *list)
{
	struct rm_str rest = rm_str_c(list);

	while (rest.p)
		if (rm_str_ieq(s, rm_str_cut(&rest, ' ')))
			return true;
	return false;
}

static bool is_of_time(struct rm_str s)
{
	return is_among(s, "jan feb mar apr may jun jul aug sep oct nov dec mon tue wed thu fri sat sun am pm utc gmt cet cest "
			   "est edt cst cdt pst pdt z");
}

/* A time, or a part of one: digits, with what stands between them. */
static bool is_time(struct rm_str s)
{
	size_t digits = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (!is_digit(s.p[i]) && !is_one_of(s.p[i], RM_STR(":-/.,+TZ")))
			return false;
		digits += is_digit(s.p[i]);
	}
	return digits >= 4 && s.n >= 5;
}

/* Names that a logger has, between dashes or with dots: what stands before a severity, but in no sentence. */
static bool is_name(const struct token *t, struct rm_str rest)
{
	if (memchr(t->s.p, '.', t->s.n) || memchr(t->s.p, '/', t->s.n) || memchr(t->s.p, '_', t->s.n))
		return true;
	while (rest.n > 0 && is_blank(rest.p[0]))
		rest = rm_str_behind(rest, 1);
	return rest.n > 1 && (rest.p[0] == '-' || rest.p[0] == '|') && is_blank(rest.p[1]);
}

/* The name of a module and a severity, as Apache has it: [core:error]. */
static struct rm_str behind_colon(struct rm_str s)
{
	for (size_t i = s.n; i > 0; i--)
		if (s.p[i - 1] == ':')
			return rm_str_behind(s, i);
	return s;
}

/* ---- shapes ---- */

static struct rm_severity_found found(uint8_t number, struct rm_str text)
{
	return (struct rm_severity_found){ number, number ? text : RM_STR("") };
}

static struct rm_severity_found of_token(const struct token *t, unsigned index, bool after_dash)
{
	struct rm_str word = t->s;
	const char *colon = memchr(word.p, ':', word.n);
	uint8_t number;

	/* Python's own: LEVEL:name:message, and others that write no blank behind the colon. */
	if (index == 0 && colon && t->before == ' ')
		word.n = (size_t)(colon - word.p);
	else if (colon && is_bracketed(t))
		word = behind_colon(word);
	number = named(word);
	if (!number)
		return found(0, word);
	if (is_capitals(word) || is_bracketed(t) || after_dash)
		return found(number, word);
	return found(index == 0 && (t->after == ':' || colon) ? number : 0, word);
}

/* The first thing that is no head is a severity, or there is none. */
static struct rm_severity_found by_tokens(struct rm_str line)
{
	bool after_dash = false;
	struct token t;
	size_t at = 0;

	for (unsigned i = 0; i < HEAD_TOKENS && next_token(line, &at, &t); i++) {
		struct rm_severity_found f = of_token(&t, i, after_dash);
		bool letter = t.s.n == 1 && is_upper(t.s.p[0]) && t.after == ','; /* Ruby's */

		if (f.number)
			return f;
		after_dash = is_dash(&t);
		if (!after_dash && !is_bracketed(&t) && t.before != '[' && t.before != '(' && !has_digit(t.s) && !is_of_time(t.s) &&
		    !letter && !(i > 0 && is_name(&t, rm_str_behind(line, at))))
			break;
	}
	return found(0, line);
}

/* Names of two words that begin a line, and PHP's own mark before them. */
static struct rm_severity_found by_phrase(struct rm_str line)
{
	static const struct {
		char phrase[20];
		uint8_t number;
	} phrases[] = {
		{ "Fatal error:", 21 },	  { "fatal error:", 21 },	{ "Parse error:", 17 },	 { "Core error:", 17 },
		{ "Compile error:", 17 }, { "Recoverable fatal er", 17 }, { "User error:", 17 }, { "User warning:", 13 },
		{ "Unhandled exception", 21 },
	};

	struct rm_str behind = line;

	if (line.n > 0 && line.p[0] == '[') {
		rm_str_cut(&behind, ']');
		behind = rm_str_trim(behind);
	}
	if (rm_str_begins(behind, RM_STR("PHP ")))
		line = rm_str_trim(rm_str_behind(behind, 4));
	for (size_t i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++) {
		struct rm_str phrase = RM_STR_OF(phrases[i].phrase);

		if (rm_str_begins(line, phrase))
			return found(phrases[i].number, (struct rm_str){ line.p, phrase.n - (phrase.p[phrase.n - 1] == ':') });
	}
	return by_tokens(line);
}

/* sd-daemon(3): <3>message. */
static struct rm_severity_found by_priority(struct rm_str line)
{
	struct rm_str rest = rm_str_behind(line, 1), digits = rm_str_cut(&rest, '>');
	uint64_t priority;

	if (line.n < 3 || line.p[0] != '<' || digits.n > 3 || !rest.p || !rm_str_u64(digits, &priority))
		return found(0, line);
	return found(rm_severity_of_syslog((unsigned)priority), RM_STR(""));
}

/* glog: E0102 15:04:05.000000 pid file:line] message. */
static struct rm_severity_found by_letter(struct rm_str line)
{
	static const char letters[] = { 'I', 'W', 'E', 'F' };
	static const uint8_t numbers[] = { 9, 13, 17, 21 };
	const char *at;

	if (line.n < 14 || line.p[5] != ' ' || line.p[8] != ':' || line.p[11] != ':')
		return found(0, line);
	for (int i = 1; i < 14; i++)
		if (i != 5 && i != 8 && i != 11 && !is_digit(line.p[i]))
			return found(0, line);
	at = memchr(letters, line.p[0], sizeof(letters));
	return found(at ? numbers[at - letters] : 0, RM_STR(""));
}

/* Redis: 12:M 02 Jan 2006 15:04:05.000 * message. */
static struct rm_severity_found by_sign(struct rm_str line)
{
	static const char signs[] = { '.', '-', '*', '#' };
	static const uint8_t numbers[] = { 5, 8, 10, 13 };
	struct rm_str rest = line, word = rm_str_cut(&rest, ' ');
	const char *colon = memchr(word.p, ':', word.n), *at;

	if (word.n < 3 || colon != word.p + word.n - 2 || !is_upper(colon[1]) || !is_digit(word.p[0]))
		return found(0, line);
	for (int i = 0; i < 4; i++)
		word = rm_str_cut(&rest, ' ');
	at = rest.n > 1 ? memchr(signs, rest.p[0], sizeof(signs)) : NULL;
	return found(at && is_time(word) && rest.p[1] == ' ' ? numbers[at - signs] : 0, RM_STR(""));
}

/* ---- by name ---- */

static bool is_key(struct rm_str key)
{
	return is_among(key, "level severity lvl loglevel log_level log.level levelname severity_text @l");
}

/* Names, or the numbers of pino and bunyan (10 to 60) and of GELF (syslog's). */
static struct rm_severity_found of_value(struct rm_str value)
{
	static const uint8_t tens[] = { 1, 5, 9, 13, 17, 21 };
	uint64_t number;

	if (!rm_str_u64(value, &number))
		return found(named(value), value);
	if (number < 8)
		return found(rm_severity_of_syslog((unsigned)number), RM_STR(""));
	return found(number >= 10 && number <= 60 && number % 10 == 0 ? tens[number / 10 - 1] : 0, RM_STR(""));
}

static struct rm_str unquote(struct rm_str s)
{
	s = rm_str_trim(s);
	return s.n >= 2 && s.p[0] == '"' && s.p[s.n - 1] == '"' ? (struct rm_str){ s.p + 1, s.n - 2 } : s;
}

static struct rm_severity_found by_json(struct rm_str line)
{
	struct rm_json_reader j;
	struct rm_str key, value;

	if (line.n > JSON_BYTES)
		line.n = JSON_BYTES;
	rm_json_read(&j, line);
	rm_json_object(&j);
	for (int keys = 0; keys < JSON_KEYS && rm_json_member(&j, &key) && rm_json_any(&j, &value); keys++) {
		struct rm_severity_found f = is_key(key) ? of_value(unquote(value)) : found(0, line);

		if (f.number)
			return f;
	}
	return found(0, line);
}

/* key=value, as slog and logrus write it. */
static struct rm_severity_found by_pair(struct rm_str line)
{
	struct token t;
	size_t at = 0;

	for (int i = 0; i < HEAD_TOKENS && next_token(line, &at, &t); i++) {
		struct rm_str value = t.s, key = rm_str_cut(&value, '=');
		struct rm_severity_found f;

		if (!value.p || !is_key(key))
			continue;
		f = of_value(unquote(value));
		if (f.number)
			return f;
	}
	return found(0, line);
}

static struct rm_str first_line(struct rm_str entry)
{
	return rm_str_cut(&entry, '\n');
}

bool rm_severity_follows(struct rm_str line)
{
	/* Jan 02, 2024 3:04:05 AM org.example.Main main; from JDK 20 on with a narrow blank before AM. */
	static const char halves[][6] = { " AM ", " PM ", "\u202fAM ", "\u202fPM " };
	struct rm_str date = { line.p, line.n < DATE_BYTES ? line.n : DATE_BYTES };

	if (line.n <= DATE_BYTES - 6 || !memchr(line.p, ',', 8))
		return false;
	for (size_t i = 0; i < sizeof(halves) / sizeof(halves[0]); i++)
		if (rm_str_find(date, RM_STR_OF(halves[i])))
			return true;
	return false;
}

struct rm_severity_found rm_severity_of(struct rm_str entry)
{
	struct rm_str line = first_line(entry);
	struct rm_severity_found f;

	if (rm_severity_follows(line) && line.n < entry.n)
		line = first_line(rm_str_behind(entry, line.n + 1));
	if (line.n > 1 && line.p[0] == '{')
		return by_json(line);
	if (line.n > HEAD_BYTES)
		line.n = HEAD_BYTES;
	f = by_priority(line);
	if (!f.number)
		f = by_letter(line);
	if (!f.number)
		f = by_sign(line);
	if (!f.number)
		f = by_pair(line);
	if (!f.number)
		f = by_phrase(line);
	return f.number ? f : found(0, line);
}

bool rm_severity_is_head(struct rm_str line)
{
	struct token t;
	size_t at = 0;

	line = first_line(line);
	if (rm_severity_of(line).number)
		return true;
	if (line.n > HEAD_BYTES)
		line.n = HEAD_BYTES;
	return next_token(line, &at, &t) && is_time(t.s);
}
