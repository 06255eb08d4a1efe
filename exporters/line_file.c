/*
 * Who appends holds the file's lock (flock), also while it rotates, and looks then whether the path still leads to the
 * file: another process, or logrotate, may have put it away. So lines of several processes never mix, and one that
 * did not become whole (a full disk, a process that was killed) is taken back or ended before the next.
 *
 * Spans are nobody else's business: files are made for their user alone (0600). Where others may write in the folder,
 * too, they may have put something in place of the file: links are not followed, and only a file that is this user's
 * and has one name is written to.
 * Context: worker. Spec: OpenTelemetry specification, protocol/file-exporter.md (JSON lines).
 */
#undef _FILE_OFFSET_BITS /* it renames fstat to fstat64, which old libcs do not have (exporters/old_libc.c) */
#include "exporters/line_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"

enum { SLICE_MS = 10, TRIES = 10, SUFFIX_BYTES = 12, SHOWN_BYTES = RM_LINE_FILE_WHY_BYTES - 80 };

struct rm_line_file {
	char *path, *folder, *name;
	uint64_t max_bytes;
	uint32_t keep;
	int fd, folder_fd; /* -1: not open */
};

struct rm_line_file *rm_line_file_new(const struct rm_line_file_options *o)
{
	struct rm_line_file *f = calloc(1, sizeof(*f));
	const char *slash = o->path.n > 0 && o->path.p[0] == '/' ? memrchr(o->path.p, '/', o->path.n) : NULL;
	size_t folder_n;

	if (!f || !slash || slash + 1 == o->path.p + o->path.n) {
		free(f);
		return NULL;
	}
	folder_n = (size_t)(slash - o->path.p);
	f->path = strndup(o->path.p, o->path.n);
	f->folder = strndup(o->path.p, folder_n > 0 ? folder_n : 1);
	f->name = strndup(slash + 1, o->path.n - folder_n - 1);
	f->max_bytes = o->max_bytes;
	f->keep = o->keep > 0 ? o->keep : 1;
	f->fd = f->folder_fd = -1;
	if (f->path && f->folder && f->name)
		return f;
	rm_line_file_free(f);
	return NULL;
}

/* Ends our lock, too. */
static void close_file(struct rm_line_file *f)
{
	if (f->fd >= 0)
		close(f->fd);
	if (f->folder_fd >= 0)
		close(f->folder_fd);
	f->fd = f->folder_fd = -1;
}

void rm_line_file_free(struct rm_line_file *f)
{
	if (!f)
		return;
	close_file(f);
	free(f->path);
	free(f->folder);
	free(f->name);
	free(f);
}

/* ---- errors ---- */

/* strerror may change memory that the program uses. */
static const char *describe(int error)
{
	switch (error) {
	case EACCES:
	case EPERM:
		return "this user has no right to";
	case ENOENT:
	case ENOTDIR:
		return "its folder is not there";
	case ELOOP:
		return "it is a symbolic link, which is not followed";
	case EISDIR:
		return "it is a folder";
	case ENXIO:
		return "it is no regular file";
	case EROFS:
		return "its file system is read-only";
	case ENOSPC:
	case EDQUOT:
		return "there is no space left";
	case EFBIG:
		return "files may not become that large here (ulimit -f)";
	default:
		return NULL;
	}
}

/* For messages: a path that leaves no room for what is wrong is told by its last part. */
static const char *shown(const struct rm_line_file *f)
{
	return strlen(f->path) <= SHOWN_BYTES ? f->path : f->name;
}

static int fail(const struct rm_line_file *f, const char *what, int error, char *ret_why)
{
	const char *text = describe(error);

	if (text)
		rm_format(ret_why, RM_LINE_FILE_WHY_BYTES, "%s: cannot be %s: %s", shown(f), what, text);
	else
		rm_format(ret_why, RM_LINE_FILE_WHY_BYTES, "%s: cannot be %s: errno %d", shown(f), what, error);
	switch (error) {
	case EACCES:
	case EPERM:
	case ENOENT:
	case ENOTDIR:
	case ELOOP:
	case EISDIR:
	case ENXIO:
	case EROFS:
		return RM_E_INVALID;
	default:
		return RM_E_IO;
	}
}

/* ---- opening ---- */

/* Whether what was opened is what was meant. */
static int judge(const struct rm_line_file *f, char *ret_why)
{
	struct stat folder, file;

	if (fstat(f->folder_fd, &folder) != 0 || fstat(f->fd, &file) != 0)
		return fail(f, "opened", errno, ret_why);
	if (!S_ISREG(file.st_mode))
		return fail(f, "opened", ENXIO, ret_why);
	if (folder.st_mode & S_IWOTH && (file.st_uid != geteuid() || file.st_nlink != 1)) {
		rm_format(ret_why, RM_LINE_FILE_WHY_BYTES, "%s: is not this user's alone, in a folder where everybody may write",
			  shown(f));
		return RM_E_INVALID;
	}
	return RM_OK;
}

static int open_file(struct rm_line_file *f, int create, char *ret_why)
{
	const int flags = O_RDWR | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW;
	int err;

	if (f->fd >= 0)
		return RM_OK;
	f->folder_fd = open(f->folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (f->folder_fd >= 0)
		f->fd = openat(f->folder_fd, f->name, flags | create, 0600);
	err = f->fd >= 0 ? judge(f, ret_why) : fail(f, "opened", errno, ret_why);
	if (err)
		close_file(f);
	return err;
}

/* ---- one turn ---- */

static int lock(struct rm_line_file *f, const struct rm_export_io *io, char *ret_why)
{
	while (flock(f->fd, LOCK_EX | LOCK_NB) != 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return fail(f, "locked", errno, ret_why);
		if (rm_clock_mono_ns() >= io->deadline_ns || (io->abort && atomic_load(io->abort))) {
			rm_format(ret_why, RM_LINE_FILE_WHY_BYTES, "%s: another process has it locked", shown(f));
			return RM_E_IO;
		}
		poll(NULL, 0, SLICE_MS);
		if (io->idle)
			io->idle(io->idle_arg);
	}
	return RM_OK;
}

/* Whether the path still leads to the file that is open. */
static bool is_current(const struct rm_line_file *f, const struct stat *file)
{
	struct stat there;

	return fstatat(f->folder_fd, f->name, &there, AT_SYMLINK_NOFOLLOW) == 0 && there.st_ino == file->st_ino &&
	       there.st_dev == file->st_dev;
}

static uint64_t largest_file(const struct rm_line_file *f)
{
	uint64_t max = f->max_bytes > 0 ? f->max_bytes : UINT64_MAX;
	struct rlimit limit;

	/* Beyond it a write would be a signal. */
	if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY && limit.rlim_cur < max)
		max = limit.rlim_cur;
	return max;
}

/* name.1 is the newest of those that were put away. */
static int rotate(struct rm_line_file *f, char *ret_why)
{
	char from[NAME_MAX + SUFFIX_BYTES], to[NAME_MAX + SUFFIX_BYTES];

	if (f->keep == 1)
		return ftruncate(f->fd, 0) == 0 ? RM_OK : fail(f, "emptied", errno, ret_why);
	for (uint32_t i = f->keep - 1; i > 0; i--) {
		rm_format(from, sizeof(from), i > 1 ? "%s.%u" : "%s", f->name, i - 1);
		rm_format(to, sizeof(to), "%s.%u", f->name, i);
		if (renameat(f->folder_fd, from, f->folder_fd, to) != 0 && (i == 1 || errno != ENOENT))
			return fail(f, "rotated", errno, ret_why);
	}
	close_file(f); /* whoever waits for its lock sees that it was put away */
	return RM_OK;
}

static bool write_all(int fd, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t done = write(fd, p, n);

		if (done < 0 && errno != EINTR)
			return false;
		if (done > 0) {
			p += done;
			n -= (size_t)done;
		}
	}
	return true;
}

/* A line that a process could not finish must not become the beginning of ours. */
static bool ends_in_middle(const struct rm_line_file *f, off_t size)
{
	char last;

	return size > 0 && pread(f->fd, &last, 1, size - 1) == 1 && last != '\n';
}

static int write_lines(struct rm_line_file *f, struct rm_str lines, off_t size, char *ret_why)
{
	int error;

	if ((!ends_in_middle(f, size) || write_all(f->fd, "\n", 1)) && write_all(f->fd, lines.p, lines.n))
		return RM_OK;
	error = errno;
	if (ftruncate(f->fd, size) != 0)
		rm_debug(RM_LOG_EXPORT, "%s: half a line could not be taken back", f->name);
	return fail(f, "written", error, ret_why);
}

/* One try, with the lock held. *ret_again: the file is another one now. */
static int append_locked(struct rm_line_file *f, struct rm_str lines, bool *ret_again, char *ret_why)
{
	uint64_t max = largest_file(f);
	struct stat file;

	*ret_again = false;
	if (fstat(f->fd, &file) != 0)
		return fail(f, "looked at", errno, ret_why);
	if (!is_current(f, &file)) {
		close_file(f);
		*ret_again = true;
		return RM_OK;
	}
	if (lines.n + 1 > max) {
		rm_format(ret_why, RM_LINE_FILE_WHY_BYTES, "%s: more at once than one file may hold", shown(f));
		return RM_E_RANGE;
	}
	if (file.st_size > 0 && (uint64_t)file.st_size + lines.n + 1 > max) {
		*ret_again = true;
		return rotate(f, ret_why);
	}
	return write_lines(f, lines, file.st_size, ret_why);
}

int rm_line_file_append(struct rm_line_file *f, struct rm_str lines, const struct rm_export_io *io,
			char ret_why[RM_LINE_FILE_WHY_BYTES])
{
	bool again = true;
	int err = RM_OK;

	for (int i = 0; i < TRIES && again && !err; i++) {
		err = open_file(f, O_CREAT, ret_why);
		if (!err)
			err = lock(f, io, ret_why);
		if (!err)
			err = append_locked(f, lines, &again, ret_why);
		if (f->fd >= 0)
			flock(f->fd, LOCK_UN);
	}
	if (!err && again) {
		rm_format(ret_why, RM_LINE_FILE_WHY_BYTES, "%s: it is always another file", shown(f));
		err = RM_E_IO;
	}
	if (err)
		close_file(f);
	return err;
}

int rm_line_file_try(struct rm_line_file *f, char ret_why[RM_LINE_FILE_WHY_BYTES])
{
	int err = open_file(f, 0, ret_why);

	close_file(f);
	if (!err || access(f->folder, F_OK) != 0)
		return err;
	f->folder_fd = open(f->folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (f->folder_fd >= 0 && faccessat(f->folder_fd, f->name, F_OK, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT)
		err = access(f->folder, W_OK | X_OK) == 0 ? RM_OK : fail(f, "made", errno, ret_why);
	close_file(f);
	return err;
}
