/* Logs by syslog in every way that libc has; with LOG_PERROR, so that what it sends is on standard error, too. */
#include <errno.h>
#include <printf.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

void __syslog_chk(int priority, int flag, const char *format, ...);
void __vsyslog_chk(int priority, int flag, const char *format, va_list arguments);

enum { LONG_BYTES = 30000 };

static int formatted; /* how often %Y was */

static int print_y(FILE *to, const struct printf_info *info, const void *const *arguments)
{
	(void)info;
	(void)arguments;
	return fprintf(to, "y%d", ++formatted);
}

static int arguments_of_y(const struct printf_info *info, size_t n, int *types, int *sizes)
{
	(void)info;
	(void)n;
	(void)types;
	(void)sizes;
	return 0;
}

static void by_list(int checked, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	if (checked)
		__vsyslog_chk(LOG_DEBUG, 1, format, arguments);
	else
		vsyslog(LOG_DEBUG, format, arguments);
	va_end(arguments);
}

int main(void)
{
	char ident[] = "before", *text = malloc(LONG_BYTES + 1);

	syslog(LOG_WARNING, "before openlog");
	openlog(ident, LOG_PERROR | LOG_NDELAY, LOG_DAEMON);
	printf("errno after openlog %d\n", errno);
	errno = ENOENT;
	syslog(LOG_ERR, "no conversion");
	printf("errno %d\n", errno);
	errno = EACCES;
	syslog(LOG_CRIT | LOG_LOCAL3, "%s: %m, 100%%", "a file");
	printf("errno %d\n", errno);
	memcpy(ident, "behind", 6); /* openlog kept the address */
	__syslog_chk(LOG_NOTICE, 1, "checked %d\n", 7);
	by_list(0, "a list %c", 'x');
	by_list(1, "a checked list %5.2f", 3.14159);
	setlogmask(LOG_UPTO(LOG_INFO));
	syslog(LOG_DEBUG, "masked %d", 1);
	syslog(LOG_INFO, "%s", "");
	syslog(LOG_INFO, "two\nlines %d", 2);
	syslog(LOG_INFO, "a NUL %c, and more %d", '\0', 7);
	if (register_printf_specifier('Y', print_y, arguments_of_y) != 0)
		return 9;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat"
	syslog(LOG_EMERG, "counted %Y");
#pragma GCC diagnostic pop
	printf("formatted %d times\n", formatted);
	memset(text, 'a', LONG_BYTES);
	text[LONG_BYTES] = '\0';
	syslog(LOG_INFO, "long %s end", text);
	closelog();
	openlog(NULL, LOG_PERROR, 0);
	syslog(LOG_ALERT, "after closelog");
	fprintf(stderr, "not by syslog\n");
	free(text);
	return 3;
}
