/* A file that several processes append lines to: whole lines, rotation, and what is put in its place. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "exporters/line_file.h"
#include "tests/rmtest.h"

#define SECOND_NS 1000000000ull
enum { PROCESSES = 4, LINES = 300 };

static char folder[64], path[128], why[RM_LINE_FILE_WHY_BYTES];

static void make_folder(mode_t mode)
{
	strcpy(folder, "/tmp/rm-lines-XXXXXX");
	RM_CHECK(mkdtemp(folder) != NULL);
	chmod(folder, mode);
	snprintf(path, sizeof(path), "%s/spans.jsonl", folder);
}

static void remove_folder(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -r %s", folder);
	RM_CHECK(system(command) == 0);
}

static struct rm_line_file *make(uint64_t max_bytes, uint32_t keep)
{
	struct rm_line_file *f = rm_line_file_new(&(struct rm_line_file_options){ rm_str_c(path), max_bytes, keep });

	RM_CHECK(f != NULL);
	return f;
}

static int append_within(struct rm_line_file *f, const char *line, uint64_t ns)
{
	struct rm_export_io io = { .deadline_ns = rm_clock_mono_ns() + ns };

	rm_log_init(0, RM_LEVEL_NONE);
	return rm_line_file_append(f, rm_str_c(line), &io, why);
}

static int append(struct rm_line_file *f, const char *line)
{
	return append_within(f, line, 30 * SECOND_NS);
}

/* What is in the file (name.N for N > 0); NULL: there is none. Valid until the next call. */
static const char *content(int n)
{
	static char text[1 << 20];
	char name[160];
	ssize_t got;
	int fd;

	snprintf(name, sizeof(name), n ? "%s.%d" : "%s", path, n);
	fd = open(name, O_RDONLY);
	if (fd < 0)
		return NULL;
	got = read(fd, text, sizeof(text) - 1);
	text[got] = '\0';
	close(fd);
	return text;
}

static bool holds(int n, const char *want)
{
	const char *text = content(n);

	return text && strcmp(text, want) == 0;
}

RM_TEST("lines are appended, to a file for its user alone")
{
	struct rm_line_file *f;
	struct stat st;

	make_folder(0700);
	umask(0);
	f = make(0, 5);
	RM_CHECK(rm_line_file_try(f, why) == RM_OK && !content(0));
	RM_CHECK(append(f, "one\n") == RM_OK && append(f, "two\n") == RM_OK);
	rm_line_file_free(f);
	f = make(0, 5);
	RM_CHECK(rm_line_file_try(f, why) == RM_OK);
	RM_CHECK(append(f, "three\nfour\n") == RM_OK);
	RM_CHECK(holds(0, "one\ntwo\nthree\nfour\n"));
	RM_CHECK(stat(path, &st) == 0 && (st.st_mode & 07777) == 0600);
	rm_line_file_free(f);
	umask(022);
	remove_folder();
}

RM_TEST("it is rotated by size; so many files are kept")
{
	struct rm_line_file *f;

	make_folder(0700);
	f = make(12, 3);
	RM_CHECK(append(f, "11111\n") == RM_OK && append(f, "2222\n") == RM_OK && append(f, "3\n") == RM_OK);
	RM_CHECK(holds(0, "3\n") && holds(1, "11111\n2222\n") && !content(2));
	RM_CHECK(append(f, "444444444\n") == RM_OK && append(f, "555555555\n") == RM_OK);
	RM_CHECK(holds(0, "555555555\n") && holds(1, "444444444\n") && holds(2, "3\n") && !content(3));
	RM_CHECK(append(f, "0123456789a\n") == RM_E_RANGE && holds(0, "555555555\n"));
	rm_line_file_free(f);
	f = make(12, 1);
	RM_CHECK(append(f, "6666\n") == RM_OK);
	RM_CHECK(holds(0, "6666\n") && holds(1, "444444444\n"));
	rm_line_file_free(f);
	remove_folder();
}

RM_TEST("a file that was moved or removed by somebody else is made anew")
{
	struct rm_line_file *f;
	char away[160];

	make_folder(0700);
	f = make(0, 5);
	snprintf(away, sizeof(away), "%s.1", path);
	RM_CHECK(append(f, "one\n") == RM_OK && rename(path, away) == 0);
	RM_CHECK(append(f, "two\n") == RM_OK && holds(0, "two\n") && holds(1, "one\n"));
	RM_CHECK(unlink(path) == 0 && append(f, "three\n") == RM_OK && holds(0, "three\n"));
	rm_line_file_free(f);
	remove_folder();
}

RM_TEST("half a line that a process left is ended before the next")
{
	struct rm_line_file *f;
	int fd;

	make_folder(0700);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	RM_CHECK(write(fd, "one\nhal", 7) == 7);
	close(fd);
	f = make(0, 5);
	RM_CHECK(append(f, "two\n") == RM_OK && append(f, "three\n") == RM_OK && holds(0, "one\nhal\ntwo\nthree\n"));
	rm_line_file_free(f);
	remove_folder();
}

/* Lines of a process: its number, the line's number, and a length that differs. */
static void write_lines(int process)
{
	struct rm_line_file *f = make(16 * 1024, 1000);
	char line[256];

	for (int i = 0; i < LINES; i++) {
		snprintf(line, sizeof(line), "%d %d %.*s\n", process, i, i % 100, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
			 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
		if (append(f, line) != RM_OK)
			_exit(1);
	}
	rm_line_file_free(f);
	_exit(0);
}

RM_TEST("several processes write whole lines, each once and in its order, while the file is rotated")
{
	int next[PROCESSES] = { 0 }, status, files = 0;

	make_folder(0700);
	for (int i = 0; i < PROCESSES; i++)
		if (fork() == 0)
			write_lines(i);
	for (int i = 0; i < PROCESSES; i++)
		RM_CHECK(wait(&status) > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0);
	while (content(files))
		files++;
	RM_CHECK(files > 2);
	for (int n = files - 1; n >= 0; n--) {
		char *text = (char *)content(n), *rest = NULL;

		RM_CHECK(strlen(text) <= 16 * 1024 && text[strlen(text) - 1] == '\n');
		for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
			int process = -1, i = -1, at = 0;

			RM_CHECK(sscanf(line, "%d %d %n", &process, &i, &at) == 2 && process >= 0 && process < PROCESSES);
			RM_CHECK(i == next[process]++ && strspn(line + at, "x") == (size_t)(i % 100));
			RM_CHECK((int)strlen(line + at) == i % 100);
		}
	}
	for (int i = 0; i < PROCESSES; i++)
		RM_CHECK(next[i] == LINES);
	remove_folder();
}

RM_TEST("a file that another process has locked is waited for until the deadline")
{
	struct rm_line_file *f;
	int fd;

	make_folder(0700);
	f = make(0, 5);
	RM_CHECK(append(f, "one\n") == RM_OK);
	fd = open(path, O_RDWR);
	RM_CHECK(flock(fd, LOCK_EX) == 0);
	RM_CHECK(append_within(f, "two\n", SECOND_NS / 20) == RM_E_IO);
	close(fd);
	RM_CHECK(append(f, "two\n") == RM_OK && holds(0, "one\ntwo\n"));
	rm_line_file_free(f);
	remove_folder();
}

RM_TEST("what is no file of this user's is not written to: links, pipes, folders, others' files where all may write")
{
	struct rm_line_file *f;
	char target[160];

	make_folder(01777);
	snprintf(target, sizeof(target), "%s/target", folder);
	f = make(0, 5);
	RM_CHECK(symlink(target, path) == 0);
	RM_CHECK(append(f, "x\n") == RM_E_INVALID && strstr(why, "symbolic link") && access(target, F_OK) != 0);
	RM_CHECK(rm_line_file_try(f, why) == RM_E_INVALID);
	unlink(path);
	RM_CHECK(mkfifo(path, 0600) == 0);
	RM_CHECK(append(f, "x\n") == RM_E_INVALID && strstr(why, "no regular file"));
	unlink(path);
	RM_CHECK(mkdir(path, 0700) == 0);
	RM_CHECK(append(f, "x\n") == RM_E_INVALID);
	rmdir(path);
	/* A second name of a file elsewhere. */
	close(open(target, O_WRONLY | O_CREAT, 0600));
	RM_CHECK(link(target, path) == 0);
	RM_CHECK(append(f, "x\n") == RM_E_INVALID && strstr(why, "not this user's alone"));
	unlink(path);
	if (geteuid() == 0) {
		close(open(path, O_WRONLY | O_CREAT, 0666));
		RM_CHECK(chown(path, 1, 1) == 0);
		RM_CHECK(append(f, "x\n") == RM_E_INVALID && holds(0, ""));
		unlink(path);
	}
	RM_CHECK(append(f, "x\n") == RM_OK);
	rm_line_file_free(f);
	remove_folder();
	f = make(0, 5);
	RM_CHECK(append(f, "x\n") == RM_E_INVALID && strstr(why, "folder is not there"));
	RM_CHECK(rm_line_file_try(f, why) == RM_E_INVALID);
	rm_line_file_free(f);
}

RM_TEST("paths that are none")
{
	static const char *const paths[] = { "", "relative", "/", "/tmp/" };

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		RM_CHECK(!rm_line_file_new(&(struct rm_line_file_options){ rm_str_c(paths[i]), 0, 1 }));
}

/* SIGXFSZ would end it. */
static void with_small_files(void)
{
	struct rlimit limit = { 10, 10 };
	struct rm_line_file *f = make(0, 2);

	setrlimit(RLIMIT_FSIZE, &limit);
	if (append(f, "12345\n") != RM_OK || append(f, "67\n") != RM_OK || append(f, "89\n") != RM_OK)
		_exit(1);
	_exit(append(f, "0123456789\n") == RM_E_RANGE ? 0 : 2);
}

RM_TEST("where files may not become large it is rotated before")
{
	int status = -1;

	make_folder(0700);
	if (fork() == 0)
		with_small_files();
	RM_CHECK(wait(&status) > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0);
	RM_CHECK(holds(0, "89\n") && holds(1, "12345\n67\n"));
	remove_folder();
}
