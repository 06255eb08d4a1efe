/*
 * What `remora check` reads: an executable, or a script that names one. The input is the file. What must
 * hold for any input: it is read within bounds, what is said of it is whole lines, and a name that is
 * found in it ends.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/elffile.h"
#include "cli/inspect.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check(bool condition)
{
	if (!condition)
		abort();
}

static void inspect(const char *path)
{
	static struct rm_env env;
	char *text = NULL, *none[] = { NULL };
	size_t n = 0;
	struct rm_inspector in = { .env = &env, .uid = 1000, .gid = 1000, .out = open_memstream(&text, &n) };

	check(in.out != NULL);
	rm_env_load(&env, none, NULL);
	rm_inspect(&in, path, none);
	fclose(in.out);
	check(n > 0 && text[n - 1] == '\n');
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static int fd = -1;
	struct rm_elf elf;
	char path[64];

	if (fd < 0)
		fd = memfd_create("elf", MFD_CLOEXEC);
	check(fd >= 0 && ftruncate(fd, 0) == 0 && pwrite(fd, data, n, 0) == (ssize_t)n);
	rm_format(path, sizeof(path), "/proc/self/fd/%u", (unsigned)fd);
	memset(&elf, 0xee, sizeof(elf));
	if (rm_elf_read(path, &elf) == 0) {
		check(elf.bits == 32 || elf.bits == 64);
		check(memchr(elf.interp, '\0', sizeof(elf.interp)));
	}
	inspect(path);
	return 0;
}
