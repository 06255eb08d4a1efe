/*
 * Hooks of syslog(3). libc's own functions format and send in one, where nobody can look in between. So a message is
 * formatted here, once, by libc's vsnprintf with the caller's errno (%m) and arguments, and libc gets it as "%s": the
 * daemon and LOG_PERROR get the same bytes. Formats without a % are passed on as they are, as is one whose message cannot be
 * formatted, is longer than a record, or has a NUL in it (%c), which libc sends and "%s" would end at: that one is formatted
 * again. Outside any visit, as formatting may run functions of the program's (register_printf_function).
 * Context: hook; where the program logs. libc formats and waits for the daemon in there, so it is no place for signal
 * handlers, but it is seen in some.
 */
#include "agent/hookapi.h"
#include "base/lookup.h"
#include "hooks/hook.h"
#include "hooks/syslogged.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

void __syslog_chk(int priority, int flag, const char *format, ...);
void __vsyslog_chk(int priority, int flag, const char *format, va_list arguments);

typedef int (*format_fn)(char *to, size_t cap, const char *format, va_list arguments);
typedef int (*format_chk_fn)(char *to, size_t cap, int flag, size_t object, const char *format, va_list arguments);
typedef int (*mask_fn)(int mask);

enum { UNCHECKED = -1 }; /* a flag that __syslog_chk never gets */

/* Written before main. */
static struct {
	format_fn format;
	format_chk_fn format_chk;
	mask_fn mask;
} libc;

void rm_syslog_watch(void)
{
	if (!rm_syslog_watched())
		return;
	libc.format = (format_fn)rm_lookup_next("vsnprintf");
	libc.format_chk = (format_chk_fn)rm_lookup_next("__vsnprintf_chk");
	libc.mask = (mask_fn)rm_lookup_next("setlogmask");
}

RM_HOOK(syslog, NULL);
RM_HOOK(vsyslog, NULL);
RM_HOOK(__syslog_chk, NULL);
RM_HOOK(__vsyslog_chk, NULL);

/* The program's own call. */
static void pass(int priority, int flag, const char *format, va_list arguments)
{
	if (flag == UNCHECKED) {
		__typeof__(&vsyslog) real = RM_LATE(vsyslog);

		if (real)
			real(priority, format, arguments);
	} else {
		__typeof__(&__vsyslog_chk) real = RM_LATE(__vsyslog_chk);

		if (real)
			real(priority, flag, format, arguments);
	}
}

/* The same with the message that came of it. */
static void pass_text(int priority, int flag, const char *text)
{
	if (flag == UNCHECKED)
		RM_LATE(syslog)(priority, "%s", text);
	else
		RM_LATE(__syslog_chk)(priority, flag, "%s", text);
}

/* False: nobody looks, libc does not send it (setlogmask), or something of libc's is not there. */
static bool is_wanted(int priority, int flag)
{
	if (!libc.format || !libc.format_chk || !libc.mask || !rm_syslog_watched())
		return false;
	if (flag == UNCHECKED ? !RM_LATE(syslog) || !RM_LATE(vsyslog) : !RM_LATE(__syslog_chk) || !RM_LATE(__vsyslog_chk))
		return false;
	return libc.mask(0) & LOG_MASK(LOG_PRI(priority));
}

static bool has_conversion(const char *format)
{
	while (*format && *format != '%')
		format++;
	return *format;
}

/* All of the message of `n` bytes is there, and "%s" says the same. */
static bool is_whole(const struct rm_syslog *m, int n)
{
	return n >= 0 && (size_t)n < m->cap_bytes && !memchr(m->text, '\0', (size_t)n);
}

static int format_into(const struct rm_syslog *m, int flag, const char *format, va_list arguments)
{
	va_list copy;
	int n;

	va_copy(copy, arguments);
	if (flag == UNCHECKED)
		n = libc.format(m->text, m->cap_bytes, format, copy);
	else
		n = libc.format_chk(m->text, m->cap_bytes, flag, m->cap_bytes, format, copy);
	va_end(copy);
	return n;
}

static void say(int priority, int flag, const char *format, va_list arguments)
{
	struct rm_syslog m;
	int error = errno, n;

	if (!is_wanted(priority, flag) || !rm_syslog_begin(&m)) {
		errno = error;
		pass(priority, flag, format, arguments);
		return;
	}
	errno = error;
	n = format_into(&m, flag, format, arguments);
	errno = error;
	rm_syslog_say(&m, priority, n);
	if (is_whole(&m, n) && has_conversion(format))
		pass_text(priority, flag, m.text);
	else
		pass(priority, flag, format, arguments);
	rm_syslog_end(&m);
}

RM_EXPORT void syslog(int priority, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	say(priority, UNCHECKED, format, arguments);
	va_end(arguments);
}

RM_EXPORT void vsyslog(int priority, const char *format, va_list arguments)
{
	say(priority, UNCHECKED, format, arguments);
}

RM_EXPORT void __syslog_chk(int priority, int flag, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	say(priority, flag, format, arguments);
	va_end(arguments);
}

RM_EXPORT void __vsyslog_chk(int priority, int flag, const char *format, va_list arguments)
{
	say(priority, flag, format, arguments);
}

RM_HOOK(openlog, NULL);
RM_EXPORT void openlog(const char *ident, int options, int facility)
{
	__typeof__(&openlog) real = RM_LATE(openlog);

	rm_syslog_opened(ident, facility);
	if (real)
		real(ident, options, facility);
}

RM_HOOK(closelog, NULL);
RM_EXPORT void closelog(void)
{
	__typeof__(&closelog) real = RM_LATE(closelog);

	rm_syslog_closed();
	if (real)
		real();
}
