/* Stacks: frames and functions of this very program, and what broken files and memory may not do. */
#include <elf.h>
#include <fcntl.h>
#include <search.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/crash_facts.h"
#include "base/random.h"
#include "base/sigframe.h"
#include "stack/demangle.h"
#include "stack/stack.h"
#include "tests/rmtest.h"

static struct rm_stack stack;

static struct rm_stack *fresh(void)
{
	memset(&stack, 0, sizeof(stack));
	return &stack;
}

/* ---- mappings ---- */

RM_TEST("a line of the list of mappings is read, with or without a file, and paths may have spaces")
{
	struct rm_maps *m = &fresh()->maps;

	rm_maps_line(m, RM_STR("55d0c0de0000-55d0c0de2000 r--p 00000000 fe:01 1234                       /usr/bin/a b"));
	rm_maps_line(m, RM_STR("55d0c0de2000-55d0c0de3000 r-xp 00002000 fe:01 1234                       /usr/bin/a b"));
	rm_maps_line(m, RM_STR("7ffc00000000-7ffc00021000 rw-p 00000000 00:00 0 "));
	rm_maps_line(m, RM_STR("7ffc00021000-7ffc00022000 ---p 00000000 00:00 0                          [vvar]"));
	RM_CHECK(m->count == 4);
	RM_CHECK(m->map[0].start == 0x55d0c0de0000 && m->map[0].end == 0x55d0c0de2000 && m->map[0].readable && !m->map[0].executable);
	RM_CHECK_STR(rm_str_c(rm_map_path(m, &m->map[0])), "/usr/bin/a b");
	RM_CHECK(m->map[1].offset == 0x2000 && m->map[1].executable && m->map[1].path == m->map[0].path);
	RM_CHECK(m->map[2].path == 0 && *rm_map_path(m, &m->map[2]) == '\0');
	RM_CHECK_STR(rm_str_c(rm_map_path(m, &m->map[3])), "[vvar]");
	RM_CHECK(!rm_maps_find(m, 0x55d0c0ddffff) && rm_maps_find(m, 0x55d0c0de0000) == &m->map[0]);
	RM_CHECK(rm_maps_find(m, 0x55d0c0de2000) == &m->map[1] && !rm_maps_find(m, 0x55d0c0de3000));
	RM_CHECK(rm_maps_readable(m, 0x55d0c0de1ff8, 16) && !rm_maps_readable(m, 0x55d0c0de2ff8, 16));
	RM_CHECK(!rm_maps_readable(m, 0x7ffc00021000, 1) && !rm_maps_readable(m, 0x7ffc00020fff, 2));
	RM_CHECK(!rm_maps_readable(m, UINTPTR_MAX, 8));
}

RM_TEST("a line that makes no sense is none")
{
	static const char *const lines[] = { "", "-", "10", "10-", "20-10 r--p 0 0 0", "10-20", "10-20 r", "x-20 r--p 0 0 0",
					     "10-20 r--p", "11111111111111111-22222222222222222 r--p 0 0 0" };
	struct rm_maps *m = &fresh()->maps;

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		rm_maps_line(m, rm_str_c(lines[i]));
	RM_CHECK(m->count == 0);
}

RM_TEST("more mappings than there is room for are told of, and more text is left out")
{
	struct rm_maps *m = &fresh()->maps;
	char line[256];

	for (int i = 1; i < RM_MAPS_MAX + 10; i++) {
		snprintf(line, sizeof(line), "%x000-%x800 r--p 00000000 00:00 0   /a/path/of/some/length/%d", i, i, i);
		rm_maps_line(m, rm_str_c(line));
	}
	RM_CHECK(m->count == RM_MAPS_MAX && m->truncated && m->text_bytes <= RM_MAPS_TEXT);
	RM_CHECK(m->map[0].path && !m->map[RM_MAPS_MAX - 1].path);
}

/* ---- frames ---- */

static ucontext_t here;
static volatile int calls;
static bool taken;

/* Its stack is there as long as it has not returned. */
__attribute__((noinline)) static int innermost(void)
{
	getcontext(&here);
	taken = rm_stack_take(fresh(), &here);
	return calls++;
}

__attribute__((noinline)) static int middle(int n)
{
	int result = n > 0 ? middle(n - 1) : innermost();

	return result + calls;
}

static struct rm_str text_of(struct rm_stack *s, char *room, size_t bytes)
{
	struct rm_strbuf out;

	rm_strbuf_init(&out, room, bytes);
	rm_stack_write(s, UINT64_MAX, &out);
	return (struct rm_str){ room, out.n };
}

static const char *file_name(void)
{
	static char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	path[n > 0 ? n : 0] = '\0';
	return path;
}

RM_TEST("the frames of a context have functions, modules and build ids, the innermost first")
{
	static char room[16384], line[4200];
	struct rm_stack *s = &stack;
	struct rm_str text;

	middle(2);
	RM_CHECK(taken && s->count == s->shown && s->count > 5);
	text = text_of(s, room, sizeof(room) - 1);
	room[text.n] = '\0';
	RM_CHECK(strncmp(room, "    at innermost+0x", 19) == 0);
	for (int i = 0; i < 2; i++) {
		const char *at = strstr(room, "    at middle+0x");

		RM_CHECK(at != NULL);
		if (at)
			memset((char *)at, 'x', 10);
	}
	snprintf(line, sizeof(line), " (%s+0x", file_name());
	RM_CHECK(strstr(room, line) && strstr(room, "    at main+0x"));
	snprintf(line, sizeof(line), "\nbuild id of %s: ", file_name());
	RM_CHECK(strstr(room, line));
	RM_CHECK(text.n > 0 && room[text.n - 1] == '\n');
}

RM_TEST("of a deep stack both ends are kept, and what is between is counted")
{
	static char room[65536];
	struct rm_stack *s = &stack;
	struct rm_str text;
	int lines = 0;

	middle(500);
	RM_CHECK(taken && s->shown == RM_STACK_FRAMES && s->count > 500 && s->count < 520);
	text = text_of(s, room, sizeof(room) - 1);
	room[text.n] = '\0';
	for (const char *p = room; (p = strstr(p, "    at ")); p++)
		lines++;
	RM_CHECK(lines == RM_STACK_FRAMES);
	RM_CHECK(strstr(room, "    ... ") && strstr(room, " more ...\n") && strstr(room, "    at main+0x"));
	RM_CHECK(strncmp(room, "    at innermost+0x", 19) == 0);
}

RM_TEST("where there is little room, what there is is whole lines, and how many are not there is said")
{
	static char room[16384];
	struct rm_stack *s = &stack;

	middle(3);
	RM_CHECK(taken);
	for (size_t cap = 0; cap < 600; cap += 7) {
		struct rm_str text = text_of(s, room, cap);

		RM_CHECK(text.n <= cap && (text.n == 0 || room[text.n - 1] == '\n'));
		room[text.n] = '\0';
		RM_CHECK(cap < 40 || strstr(room, " lines left out ...\n"));
	}
}

RM_TEST("past the deadline places are told without functions")
{
	static char room[16384];
	struct rm_stack *s = &stack;
	struct rm_strbuf out;

	middle(1);
	RM_CHECK(taken);
	rm_strbuf_init(&out, room, sizeof(room) - 1);
	rm_stack_write(s, 0, &out);
	room[out.n] = '\0';
	RM_CHECK(strncmp(room, "    at ?? (/", 12) == 0 && !strstr(room, "middle"));
}

RM_TEST("registers that lead nowhere end the walk, and nothing faults")
{
	static const uintptr_t odd[] = { 0, 1, 8, 4095, 0x1234567, (uintptr_t)-8, 0x7fffffffffff, 0x8000000000000000 };
	struct rm_random random = { { 1, 2, 3, 4 } };

	middle(1);
	for (int i = 0; i < 3000; i++) {
		static ucontext_t broken;
		struct rm_stack *s = &stack;

		broken = here;
		for (int k = 0; k < 4; k++) {
			uintptr_t value = i % 2 ? odd[rm_random_u64(&random) % 8] : (uintptr_t)&stack + rm_random_u64(&random) % 4096;
#if defined(__x86_64__)
			broken.uc_mcontext.gregs[rm_random_u64(&random) % NGREG] = (long long)value;
#else
			broken.uc_mcontext.regs[rm_random_u64(&random) % 31] = value;
#endif
		}
		s->count = s->shown = 0;
		s->shown = rm_unwind(&s->maps, &broken, s->frame, RM_STACK_FRAMES, RM_STACK_TAIL, RM_FRAMES_COUNTED, &s->count);
		RM_CHECK(s->shown <= RM_STACK_FRAMES && s->shown <= s->count);
	}
}

/* ---- symbols ---- */

static char *read_file(const char *path, size_t *ret_bytes)
{
	int fd = open(path, O_RDONLY);
	struct stat about;
	char *bytes;

	fstat(fd, &about);
	bytes = malloc((size_t)about.st_size);
	*ret_bytes = (size_t)read(fd, bytes, (size_t)about.st_size);
	close(fd);
	return bytes;
}

RM_TEST("a symbol covers its function and no byte more")
{
	struct rm_symbols s;
	uint64_t offset = 9;
	size_t bytes;
	char *file = read_file(file_name(), &bytes);
	struct rm_maps *m = &fresh()->maps;
	struct rm_module module;
	struct rm_str name;

	RM_CHECK(rm_maps_read(m) && rm_module_find(m, (uintptr_t)middle, &module) && module.build_id_bytes > 0);
	RM_CHECK(rm_symbols_read(&s, file, bytes));
	name = rm_symbols_name(&s, (uintptr_t)middle - module.bias, &offset);
	RM_CHECK(offset == 0 && name.n >= 6 && memcmp(name.p, "middle", 6) == 0);
	name = rm_symbols_name(&s, (uintptr_t)middle + 3 - module.bias, &offset);
	RM_CHECK(offset == 3 && name.n >= 6);
	RM_CHECK(rm_symbols_name(&s, 1, &offset).n == 0 && rm_symbols_name(&s, UINT64_MAX, &offset).n == 0);
	free(file);
}

RM_TEST("a file that is another one by now tells nothing")
{
	struct rm_symbols s = { .bytes = NULL };
	struct rm_module module;

	RM_CHECK(rm_maps_read(&fresh()->maps) && rm_module_find(&stack.maps, (uintptr_t)middle, &module));
	RM_CHECK(rm_symbols_open(&s, &module));
	rm_symbols_close(&s);
	module.build_id[3] ^= 1;
	RM_CHECK(!rm_symbols_open(&s, &module));
	module.build_id[3] ^= 1;
	module.path = "/dev/null";
	RM_CHECK(!rm_symbols_open(&s, &module));
	module.path = "/nowhere";
	RM_CHECK(!rm_symbols_open(&s, &module));
}

RM_TEST("files with any bytes flipped, or cut anywhere, are read inside their length")
{
	struct rm_random random = { { 5, 6, 7, 8 } };
	size_t bytes;
	char *file = read_file(file_name(), &bytes);
	Elf64_Ehdr *head = (Elf64_Ehdr *)file;
	uint64_t offset, tables = head->e_shoff;

	for (int round = 0; round < 300; round++) {
		size_t cut = round % 3 ? bytes : rm_random_u64(&random) % bytes;
		size_t at = round % 2 ? rm_random_u64(&random) % sizeof(*head)
				      : tables + rm_random_u64(&random) % (head->e_shnum * sizeof(Elf64_Shdr));
		char kept = file[at < bytes ? at : 0];
		struct rm_symbols s;

		if (at < bytes)
			file[at] ^= (char)(1 << rm_random_u64(&random) % 8);
		if (rm_symbols_read(&s, file, cut))
			rm_symbols_name(&s, 0x1000 + rm_random_u64(&random) % 0x10000, &offset);
		if (at < bytes)
			file[at] = kept;
	}
	free(file);
	RM_CHECK(true);
}

RM_TEST("a symbol that a module exports is found in memory")
{
	struct rm_maps *m = &fresh()->maps;
	struct rm_module libc;

	RM_CHECK(rm_maps_read(m) && rm_module_find(m, (uintptr_t)insque, &libc));
	RM_CHECK(rm_module_symbol(m, &libc, "insque") == (uintptr_t)insque);
	RM_CHECK(rm_module_symbol(m, &libc, "nothing_of_that_name") == 0);
}

/* ---- names ---- */

static struct rm_str demangled(const char *symbol, bool is_type)
{
	static char room[1024];
	struct rm_strbuf out;

	rm_strbuf_init(&out, room, sizeof(room));
	if (is_type)
		rm_demangle_type(rm_str_c(symbol), &out);
	else
		rm_demangle(rm_str_c(symbol), &out);
	return (struct rm_str){ room, out.n };
}

RM_TEST("names of C++ and Rust are those of the source, all others stay, and long ones are cut")
{
	char name[3000] = "_Z";

	RM_CHECK_STR(demangled("main", false), "main");
	RM_CHECK_STR(demangled("read@@GLIBC_2.2.5", false), "read");
	RM_CHECK_STR(demangled("_ZN4shop4sellERKNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE", false), "shop::sell");
	RM_CHECK_STR(demangled("_ZSt9terminatev@@GLIBCXX_3.4", false), "std::terminate");
	RM_CHECK_STR(demangled("_ZN4core9panicking5panic17h0123456789abcdefE", false), "core::panicking::panic");
	RM_CHECK_STR(demangled("_RNvCs4fqI2P2rA04_5crate4main", false), "crate::main");
	RM_CHECK_STR(demangled("_Zbroken", false), "_Zbroken");
	RM_CHECK_STR(demangled("St13runtime_error", true), "std::runtime_error");
	RM_CHECK_STR(demangled("i", true), "int");
	RM_CHECK_STR(demangled("N4shop12out_of_stockE", true), "shop::out_of_stock");
	memset(name + 2, 'x', sizeof(name) - 3);
	name[sizeof(name) - 1] = '\0';
	RM_CHECK(demangled(name, false).n == 256 + 3);
	memset(name, 'P', 1000); /* a pointer to a pointer to ... */
	memcpy(name + 1000, "i", 2);
	RM_CHECK(demangled(name, true).n == 256 + 3);
}

/* ---- signals ---- */

static struct rm_str described(int sig, int code, uintptr_t at, pid_t from)
{
	static char room[256];
	struct rm_strbuf out;
	siginfo_t info;

	memset(&info, 0, sizeof(info));
	info.si_code = code;
	if (code > 0)
		info.si_addr = (void *)at;
	else
		info.si_pid = from;
	rm_strbuf_init(&out, room, sizeof(room));
	rm_crash_describe(sig, &info, &out);
	return (struct rm_str){ room, out.n };
}

RM_TEST("what the kernel tells of a signal is said in words")
{
	RM_CHECK_STR(described(SIGSEGV, SEGV_MAPERR, 0x1f0, 0), "SEGV_MAPERR at 0x1f0: nothing is mapped there");
	RM_CHECK_STR(described(SIGSEGV, SEGV_MAPERR, 0, 0), "SEGV_MAPERR at 0x0: nothing is mapped there");
	RM_CHECK_STR(described(SIGFPE, FPE_INTDIV, 0x1f0, 0), "FPE_INTDIV: integer division by zero");
	RM_CHECK_STR(described(SIGSEGV, SI_USER, 0, 17), "sent by process 17");
	RM_CHECK_STR(described(SIGABRT, SI_TKILL, 0, 17), "sent by process 17");
	RM_CHECK_STR(described(SIGABRT, SI_TKILL, 0, getpid()), "");
	RM_CHECK_STR(described(SIGBUS, 99, 0, 0), "");
}

static volatile int on_other;
static char *other_stack;

static void note_stack(void *arg)
{
	char here_now;

	on_other = &here_now > other_stack && &here_now < other_stack + 65536 ? *(int *)arg : -1;
}

RM_TEST("a call on another stack comes back")
{
	int value = 42;

	other_stack = malloc(65536);
	rm_sigframe_on_stack(other_stack + 65536, note_stack, &value);
	RM_CHECK(on_other == 42);
	free(other_stack);
}

static volatile sig_atomic_t came, direct;

static void leave_early(int sig, siginfo_t *info, void *context)
{
	came = sig;
	direct = rm_sigframe_is_direct(__builtin_return_address(0));
	rm_sigframe_return(info, context);
}

RM_TEST("a handler can be left from where it is, with libc's way back and with ours")
{
	struct sigaction libcs = { .sa_sigaction = leave_early, .sa_flags = SA_SIGINFO };
	struct rm_sigaction ours = { .handler = leave_early, .flags = SA_SIGINFO };
	sigset_t blocked;

	sigaction(SIGUSR1, &libcs, NULL);
	raise(SIGUSR1);
	RM_CHECK(came == SIGUSR1 && direct);
#if defined(__x86_64__)
	ours.flags |= RM_SA_RESTORER;
	ours.restorer = rm_sigframe_restorer;
#endif
	RM_CHECK(rm_sigaction(SIGUSR2, &ours, NULL) == 0);
	direct = 0;
	raise(SIGUSR2);
	RM_CHECK(came == SIGUSR2 && direct);
	sigprocmask(SIG_SETMASK, NULL, &blocked);
	RM_CHECK(!sigismember(&blocked, SIGUSR1) && !sigismember(&blocked, SIGUSR2));
	RM_CHECK(!rm_sigframe_is_direct((const void *)leave_early));
}
