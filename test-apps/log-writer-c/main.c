/* Prints in every way that libc has, to standard output and standard error; some of it is in a buffer at the end. */
#include <err.h>
#include <errno.h>
#include <error.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>
#include <wchar.h>

static void check(int done)
{
	if (!done)
		_exit(9);
}

int main(int argc, char **argv)
{
	const struct iovec parts[] = { { "writev ", 7 }, { "in parts", 8 }, { "\n", 1 } };
	FILE *copy;

	if (argc > 1 && strcmp(argv[1], "line") == 0)
		setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc > 1 && strcmp(argv[1], "none") == 0)
		setvbuf(stdout, NULL, _IONBF, 0);
	errno = ENOENT;
	perror("perror first"); /* through a copy of the descriptor, as nothing was printed yet */
	check(write(2, "write\n", 6) == 6);
	check(writev(2, parts, 3) == 16);
	check(write(2, "be", 2) == 2 && write(2, "gins ", 5) == 5 && write(2, "and ends\n", 9) == 9);
	check(fprintf(stderr, "fprintf %d %s\n", 1, "one") == 14);
	check(fputs("fputs\n", stderr) >= 0);
	check(fwrite("fwrite\n", 1, 7, stderr) == 7);
	for (const char *p = "putc\n"; *p; p++)
		check(putc(*p, stderr) == *p);
	errno = EACCES;
	perror("perror");
	warnx("warnx %d", 2);
	error(0, EIO, "error");
	check(write(-1, "x", 1) == -1 && errno == EBADF);
	check(write(2, "", 0) == 0);
	errno = 77;
	check(fputs("errno stays\n", stderr) >= 0 && errno == 77);
	copy = fdopen(dup(2), "w");
	fprintf(copy, "a copy of the descriptor\n");
	fclose(copy);
	fprintf(stderr, "\x1b[31mcolours\x1b[0m and \xff no UTF-8\n");
	fprintf(stderr, "\nempty lines around\n\n");
	printf("printf %s\n", "one");
	puts("puts");
	check(fflush(stdout) == 0);
	check(write(1, "write\n", 6) == 6);
	copy = fdopen(dup(1), "w");
	fwprintf(copy, L"wide %ls\n", L"\u00e9");
	fclose(copy);
	printf("left in the buffer\nand without end");
	return 3;
}
