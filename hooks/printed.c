/*
 * Streams of stdio: fwrite, printf, puts, std::cout and all others end in the function that the slot "write" of
 * their stream's table names (struct _IO_jump_t of glibc: _IO_file_jumps, or _IO_wfile_jumps once wide
 * characters are printed). It gets the stream, bytes and their number, makes the system call, and is the one
 * that we call first, with the same arguments: bytes, buffers, their order and errno are libc's. A table is
 * written to when it holds the address of _IO_file_write in the place where all versions from 2.1 on have it,
 * and nowhere else; it is RELRO, so its page is made writable for the one store, as for slots of libraries.
 *
 * Not seen: what libc prints without a stream (its own last words: "stack smashing detected"), streams of
 * fopencookie, dprintf from 2.37 on.
 * Context: init; the function itself runs where the program prints, with the stream's lock held.
 */
#include "hooks/printed.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>

#include "agent/hookapi.h"
#include "base/objects.h"
#include "base/sys.h"
#include "hooks/hook.h"

enum {
	WRITE_SLOT = 15, /* of */
	SLOTS = 21,
	LINE_BUFFERED = 0x200, /* struct _IO_FILE._flags */
	UNBUFFERED = 0x2,
};

typedef ssize_t (*write_fn)(FILE *f, const void *p, ssize_t n);

static _Atomic(write_fn) real_file_write;
static FILE *streams[2]; /* libc's own stdout and stderr */

/* A buffer that is emptied when it is full, or when somebody asks: nobody knows for whom its bytes were printed. */
static bool is_buffered(const FILE *f)
{
	return !(f->_flags & (LINE_BUFFERED | UNBUFFERED));
}

static ssize_t watched_write(FILE *f, const void *p, ssize_t n)
{
	const struct iovec text = { (void *)p, (size_t)n };
	struct rm_with_ids with;
	ssize_t done;
	int error;

	if (n > 0 && rm_output_with_ids(&with, f->_fileno, &text, 1, is_buffered(f)))
		done = rm_output_with_ids_done(&with, real_file_write(f, with.text, (ssize_t)with.bytes));
	else
		done = real_file_write(f, p, n);
	error = errno;

	if (done > 0) {
		rm_output_stdio(f->_fileno, p, (size_t)done, is_buffered(f));
		errno = error;
	}
	return done;
}

/* The slot of a table of libc's, if it is as it must be; else NULL. */
static uintptr_t *slot_of(const struct rm_object *libc, const char *table, uintptr_t function)
{
	uintptr_t *t = rm_object_data(libc, table);

	if (!t || !rm_object_segment(libc, (uintptr_t)t, SLOTS * sizeof(*t)))
		return NULL;
	for (int i = 0; i < SLOTS; i++)
		if ((t[i] == function) != (i == WRITE_SLOT))
			return NULL;
	return t + WRITE_SLOT;
}

static bool store(const struct rm_object *libc, uintptr_t *slot, uintptr_t value)
{
	uintptr_t page = rm_page_bytes(), low = (uintptr_t)slot & ~(page - 1);
	bool relro = rm_object_is_relro(libc, (uintptr_t)slot, sizeof(*slot));

	/* Read-only without being RELRO, or the other way round, is nothing that the loader does. */
	if (rm_word_is_writable(slot) == relro)
		return false;
	if (relro && rm_sys3(__NR_mprotect, low, page, PROT_READ | PROT_WRITE) != 0)
		return false;
	__atomic_store_n(slot, value, __ATOMIC_RELEASE);
	if (relro)
		rm_sys3(__NR_mprotect, low, page, PROT_READ);
	return true;
}

/* True ends the walk: this is libc, whatever came of it. */
static bool watch(const struct rm_object *o, void *arg)
{
	void *function = rm_object_function(o, "_IO_file_write");
	uintptr_t *narrow, *wide;

	if (!function)
		return false;
	narrow = slot_of(o, "_IO_file_jumps", (uintptr_t)function);
	wide = slot_of(o, "_IO_wfile_jumps", (uintptr_t)function);
	if (!narrow || !wide)
		return true;
	streams[0] = rm_object_data(o, "_IO_2_1_stdout_");
	streams[1] = rm_object_data(o, "_IO_2_1_stderr_");
	real_file_write = (write_fn)function;
	store(o, narrow, (uintptr_t)watched_write);
	store(o, wide, (uintptr_t)watched_write);
	return true;
}

void rm_printed_watch(void)
{
	struct rm_scope s;

	if (!rm_outputs_watched() || !rm_enter(&s))
		return;
	rm_objects_each(watch, NULL);
	rm_leave(&s);
}

/* Others may still print: what they have begun is theirs, or is read as it is by then. */
static void rest_of(const FILE *f)
{
	const char *begin = f->_IO_write_base, *end = f->_IO_write_ptr;

	/* As libc decides at its end what is to be written; wide characters are not bytes yet. */
	if (f->_mode > 0 || end <= begin || !rm_may_read(begin, (size_t)(end - begin)))
		return;
	rm_output_stdio(f->_fileno, begin, (size_t)(end - begin), true);
}

void rm_printed_rest(void)
{
	for (int i = 0; i < 2; i++)
		if (real_file_write && streams[i])
			rest_of(streams[i]);
}

RM_HOOK(perror, NULL);
RM_EXPORT void perror(const char *text)
{
	__typeof__(&perror) real;
	int error = errno;

	real = RM_LATE(perror);
	if (!real)
		return;
	rm_output_perror(true);
	errno = error;
	real(text);
	error = errno;
	rm_output_perror(false);
	errno = error;
}
