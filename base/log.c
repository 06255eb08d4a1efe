/*
 * Formats messages on the stack and writes each with one system call to descriptor 2. Bytes that
 * came from a wire are part of messages: control characters become '?', so that nobody writes
 * lines of his own. A closed stderr must not kill the program: SIGPIPE is held back meanwhile.
 * Context: any, signal-safe; errno is never touched.
 */
#include "base/log.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <time.h>

#include "base/strbuf.h"
#include "base/sys.h"

enum { LINE_BYTES = 512, KEPT_BYTES = 1024 };

static _Atomic unsigned log_topics;
static _Atomic unsigned log_level = RM_LEVEL_INFO;

/* See rm_log_keep. */
static struct {
	bool on;
	struct stat stderr_was;
	_Atomic size_t n;
	char text[KEPT_BYTES];
} kept;

static const struct {
	char name[8];
	unsigned bit;
} topic_names[] = {
	{ "init", RM_LOG_INIT },   { "conn", RM_LOG_CONN },     { "http1", RM_LOG_HTTP1 },
	{ "trace", RM_LOG_TRACE }, { "export", RM_LOG_EXPORT }, { "relay", RM_LOG_RELAY },
	{ "all", RM_LOG_ALL },
};
enum { TOPIC_NAMES = sizeof(topic_names) / sizeof(topic_names[0]) };

void rm_log_init(unsigned topics, enum rm_level level)
{
	/* Level debug alone asks for everything. */
	if (level == RM_LEVEL_DEBUG && topics == 0)
		topics = RM_LOG_ALL;
	atomic_store_explicit(&log_topics, topics, memory_order_relaxed);
	atomic_store_explicit(&log_level, level, memory_order_relaxed);
}

unsigned rm_log_topics(void)
{
	return atomic_load_explicit(&log_topics, memory_order_relaxed);
}

enum rm_level rm_log_level(void)
{
	return (enum rm_level)atomic_load_explicit(&log_level, memory_order_relaxed);
}

unsigned rm_log_parse_topics(struct rm_str list)
{
	unsigned topics = 0;

	while (list.p) {
		struct rm_str item = rm_str_trim(rm_str_cut(&list, ','));

		for (unsigned i = 0; i < TOPIC_NAMES; i++)
			if (rm_str_ieq(item, rm_str_c(topic_names[i].name)))
				topics |= topic_names[i].bit;
	}
	return topics;
}

/* As much of the text as there is room for: a cut message is better than none. */
static void put(struct rm_strbuf *b, struct rm_str s)
{
	size_t room = b->cap - b->n;

	if (s.n > room) {
		rm_strbuf_put(b, s.p, room);
		b->truncated = true;
		return;
	}
	rm_strbuf_str(b, s);
}

static void put_hex(struct rm_strbuf *b, uint64_t v)
{
	char digits[16];
	size_t at = sizeof(digits);

	do {
		digits[--at] = "0123456789abcdef"[v & 15];
		v >>= 4;
	} while (v > 0);
	put(b, (struct rm_str){ digits + at, sizeof(digits) - at });
}

static void put_decimal(struct rm_strbuf *b, int64_t v, bool is_signed)
{
	char digits[24];
	struct rm_strbuf text;

	rm_strbuf_init(&text, digits, sizeof(digits));
	if (is_signed)
		rm_strbuf_i64(&text, v);
	else
		rm_strbuf_u64(&text, (uint64_t)v);
	put(b, rm_strbuf_view(&text));
}

static void format_into(struct rm_strbuf *b, const char *f, va_list args)
{
	for (; *f; f++) {
		bool wide;

		if (*f != '%') {
			put(b, (struct rm_str){ f, 1 });
			continue;
		}
		f++;
		wide = *f == 'l' || *f == 'z'; /* both 64 bits where we run */
		if (wide)
			f++;
		if (*f == 's') {
			const char *s = va_arg(args, const char *);

			put(b, s ? rm_str_c(s) : RM_STR("(null)"));
		} else if (*f == 'S') {
			put(b, *va_arg(args, const struct rm_str *));
		} else if (*f == 'c') {
			put(b, (struct rm_str){ &(char){ (char)va_arg(args, int) }, 1 });
		} else if (*f == 'd') {
			put_decimal(b, wide ? va_arg(args, long) : va_arg(args, int), true);
		} else if (*f == 'u') {
			put_decimal(b, (int64_t)(wide ? va_arg(args, unsigned long) :
							va_arg(args, unsigned)), false);
		} else if (*f == 'x') {
			put_hex(b, wide ? va_arg(args, unsigned long) : va_arg(args, unsigned));
		} else if (*f == 'p') {
			put(b, RM_STR("0x"));
			put_hex(b, (uintptr_t)va_arg(args, void *));
		} else if (*f == '%') {
			put(b, RM_STR("%"));
		} else {
			return; /* unknown: the argument's size is too, so nothing after it can be right */
		}
	}
}

size_t rm_vformat(char *ret, size_t cap, const char *format, va_list args)
{
	struct rm_strbuf b;

	if (cap == 0)
		return 0;
	rm_strbuf_init(&b, ret, cap - 1);
	format_into(&b, format, args);
	ret[b.n] = '\0';
	return b.n;
}

size_t rm_format(char *ret, size_t cap, const char *format, ...)
{
	va_list args;
	size_t n;

	va_start(args, format);
	n = rm_vformat(ret, cap, format, args);
	va_end(args);
	return n;
}

/* write(2) to stderr that raises no SIGPIPE: a signal of ours is taken back before it is let in. */
static void write_quietly(const char *p, size_t n)
{
	const uint64_t pipe_bit = 1ull << (SIGPIPE - 1);
	const struct timespec at_once = { 0, 0 };
	uint64_t before = 0, pending = 0;
	long mask_set = rm_sys4(__NR_rt_sigprocmask, SIG_BLOCK, &pipe_bit, &before, sizeof(before));

	rm_sys2(__NR_rt_sigpending, &pending, sizeof(pending));
	if (rm_sys3(__NR_write, 2, p, n) == -EPIPE && !(pending & pipe_bit))
		rm_sys4(__NR_rt_sigtimedwait, &pipe_bit, NULL, &at_once, sizeof(pipe_bit));
	if (mask_set == 0)
		rm_sys4(__NR_rt_sigprocmask, SIG_SETMASK, &before, NULL, sizeof(before));
}

static void write_or_keep(const char *p, size_t n)
{
	size_t before = atomic_load(&kept.n);

	if (!kept.on) {
		write_quietly(p, n);
	} else if (n <= KEPT_BYTES - before) {
		memcpy(kept.text + before, p, n);
		atomic_store(&kept.n, before + n);
	}
}

/* Writes "remora[PID] <topic>: <text>", or without the topic if it is NULL. */
static void write_line(const char *topic, const char *format, va_list args)
{
	char line[LINE_BYTES];
	struct rm_strbuf b;

	rm_strbuf_init(&b, line, sizeof(line) - 4);
	put(&b, RM_STR("remora["));
	put_decimal(&b, rm_sys0(__NR_getpid), true);
	put(&b, RM_STR("] "));
	if (topic) {
		put(&b, rm_str_c(topic));
		put(&b, RM_STR(": "));
	}
	format_into(&b, format, args);
	for (size_t i = 0; i < b.n; i++)
		if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
			line[i] = '?';
	b.cap = sizeof(line);
	if (b.truncated) {
		b.truncated = false;
		rm_strbuf_str(&b, RM_STR("..."));
	}
	rm_strbuf_char(&b, '\n');
	if (topic)
		write_quietly(b.p, b.n);
	else
		write_or_keep(b.p, b.n);
}

void rm_debug(enum rm_topic topic, const char *format, ...)
{
	const char *name = NULL;
	va_list args;

	if (!(rm_log_topics() & topic))
		return;
	for (unsigned i = 0; i < TOPIC_NAMES && !name; i++)
		if (topic_names[i].bit & topic)
			name = topic_names[i].name;
	va_start(args, format);
	write_line(name, format, args);
	va_end(args);
}

void rm_warn(const char *format, ...)
{
	va_list args;

	if (rm_log_level() < RM_LEVEL_WARN)
		return;
	va_start(args, format);
	write_line(NULL, format, args);
	va_end(args);
}

void rm_log_keep(bool on)
{
	kept.on = on && rm_sys2(__NR_fstat, 2, &kept.stderr_was) == 0;
}

void rm_log_say_kept(void)
{
	struct stat now;
	size_t n;

	if (atomic_load_explicit(&kept.n, memory_order_relaxed) == 0)
		return;
	n = atomic_exchange(&kept.n, 0);
	if (n > 0 && rm_log_level() >= RM_LEVEL_WARN && rm_sys2(__NR_fstat, 2, &now) == 0 &&
	    now.st_dev == kept.stderr_was.st_dev && now.st_ino == kept.stderr_was.st_ino)
		write_quietly(kept.text, n);
}
