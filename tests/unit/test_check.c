/* cli/inspect.c and elffile.c: each reason why a program cannot be instrumented, on files made here. */
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/err.h"
#include "cli/elffile.h"
#include "cli/inspect.h"
#include "tests/rmtest.h"

#if defined(__x86_64__)
enum { MACHINE = EM_X86_64 };
#define LD_SO "/lib64/ld-linux-x86-64.so.2"
#else
enum { MACHINE = EM_AARCH64 };
#define LD_SO "/lib/ld-linux-aarch64.so.1"
#endif

static char dir[] = "/tmp/remora-test-XXXXXX";
static char path[64];

/* The bits of setuid and setgid mean nothing there. */
static bool is_nosuid(void)
{
	struct statvfs fs;

	return statvfs(dir, &fs) == 0 && fs.f_flag & ST_NOSUID;
}

/* Writes `bytes` to a file in our own directory, which is on PATH; returns its path. */
static const char *make(const char *name, const void *bytes, size_t n, mode_t mode)
{
	FILE *f;

	if (strcmp(dir + sizeof(dir) - 7, "XXXXXX") == 0) {
		RM_CHECK(mkdtemp(dir) != NULL);
		setenv("PATH", dir, 1);
	}
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	unlink(path);
	f = fopen(path, "w");
	RM_CHECK(f && fwrite(bytes, 1, n, f) == n);
	fclose(f);
	RM_CHECK(chmod(path, mode) == 0);
	return path;
}

__attribute__((destructor)) static void clean_up(void)
{
	static const char *const names[] = { "app", "interp", "one", "loop", "sh", "script", "cut", "odd", "sudo", "su", "java",
					      "python3.8", "python3.11", "timeout", "git", "git-remote-https", "odd.py" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		unlink(path);
	}
	rmdir(dir);
}

struct image {
	Elf64_Ehdr head;
	Elf64_Phdr segment[2];
	char interp[64];
	struct {
		Elf64_Nhdr head;
		char name[4], id[4];
	} note;
};

/* A program of this machine. `interp` NULL: static. `note` NULL: no note, else its owner. */
static struct image image(const char *interp, const char *note)
{
	struct image i = {
		.head = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
			  .e_type = ET_DYN, .e_machine = MACHINE, .e_version = EV_CURRENT,
			  .e_phoff = offsetof(struct image, segment),
			  .e_ehsize = sizeof(Elf64_Ehdr), .e_phentsize = sizeof(Elf64_Phdr), .e_phnum = 2 },
		.note = { .head = { .n_namesz = 4, .n_descsz = 4, .n_type = 4 } },
	};

	if (interp) {
		i.segment[0] = (Elf64_Phdr){ .p_type = PT_INTERP, .p_offset = offsetof(struct image, interp),
					     .p_filesz = strlen(interp) + 1 };
		snprintf(i.interp, sizeof(i.interp), "%s", interp);
	}
	if (note) {
		i.segment[1] = (Elf64_Phdr){ .p_type = PT_NOTE, .p_offset = offsetof(struct image, note),
					     .p_filesz = sizeof(i.note) };
		memcpy(i.note.name, note, strlen(note));
	}
	return i;
}

static const char *make_image(const char *name, struct image i, mode_t mode)
{
	return make(name, &i, sizeof(i), mode);
}

static char report[4096];

static char *const no_args[] = { NULL };

/* Inspects as the user `uid`, with one variable set; the findings are in `report`. */
static bool inspect_with(uid_t uid, const char *command, const char *variable, char *const *args)
{
	static struct rm_env env;
	char *const vars[] = { (char *)variable, NULL };
	struct rm_inspector in = { .env = &env, .uid = uid, .gid = 12345 };
	bool ok;

	memset(report, 0, sizeof(report));
	rm_env_load(&env, vars, NULL);
	in.out = fmemopen(report, sizeof(report) - 1, "w");
	ok = rm_inspect(&in, command, args);
	fclose(in.out);
	return ok;
}

static bool inspect_as(uid_t uid, const char *command, const char *variable)
{
	return inspect_with(uid, command, variable, no_args);
}

static bool inspect(const char *command)
{
	return inspect_as(getuid(), command, NULL);
}

static bool says(const char *text)
{
	if (strstr(report, text))
		return true;
	printf("# said: %s\n", report);
	return false;
}

RM_TEST("a dynamic program for glibc can be instrumented")
{
	RM_CHECK(inspect(make_image("app", image(LD_SO, NULL), 0755)));
	RM_CHECK(says("yes: "));
	RM_CHECK(inspect("/proc/self/exe"));
}

RM_TEST("a static program cannot")
{
	RM_CHECK(!inspect(make_image("app", image(NULL, NULL), 0755)));
	RM_CHECK(says("is statically linked"));
}

RM_TEST("Go programs are told apart, static and dynamic ones")
{
	RM_CHECK(!inspect(make_image("app", image(NULL, "Go"), 0755)));
	RM_CHECK(says("is a static Go program"));
	RM_CHECK(!inspect(make_image("app", image(LD_SO, "Go"), 0755)));
	RM_CHECK(says("is a Go program"));
	RM_CHECK(inspect(make_image("app", image(LD_SO, "GNU"), 0755)));
}

RM_TEST("musl and other libcs are named")
{
	RM_CHECK(!inspect(make_image("app", image("/lib/ld-musl-x86_64.so.1", NULL), 0755)));
	RM_CHECK(says("uses musl"));
	RM_CHECK(!inspect(make_image("app", image("/system/bin/linker64", NULL), 0755)));
	RM_CHECK(says("does not use glibc"));
}

RM_TEST("a dynamic linker that is missing is said")
{
	RM_CHECK(!inspect(make_image("app", image("/lib64/ld-linux-nowhere.so.2", NULL), 0755)));
	RM_CHECK(says("its dynamic linker is missing"));
}

RM_TEST("32-bit programs and other processors are refused")
{
	struct image i = image(LD_SO, NULL);

	i.head.e_ident[EI_CLASS] = ELFCLASS32;
	RM_CHECK(!inspect(make_image("app", i, 0755)));
	RM_CHECK(says("32-bit"));
	i = image(LD_SO, NULL);
	i.head.e_machine = EM_S390;
	RM_CHECK(!inspect(make_image("app", i, 0755)));
	RM_CHECK(says("another processor"));
}

RM_TEST("a setuid program is refused for anybody but its owner")
{
	make_image("app", image(LD_SO, NULL), 04755);
	RM_CHECK(inspect_as(getuid() + 1, path, NULL) == is_nosuid());
	RM_CHECK(says("is setuid") != is_nosuid());
	RM_CHECK(inspect_as(getuid(), path, NULL));
}

RM_TEST("a setgid program is refused for another group")
{
	RM_CHECK(inspect(make_image("app", image(LD_SO, NULL), 02755)) == is_nosuid());
	RM_CHECK(says("is setgid") != is_nosuid());
}

RM_TEST("every obstacle is said, not only the first")
{
	make_image("app", image(NULL, NULL), 04755);
	RM_CHECK(!inspect_as(getuid() + 1, path, NULL));
	RM_CHECK(says("is statically linked"));
	RM_CHECK(says("is setuid") != is_nosuid());
}

RM_TEST("an interpreter line is followed, through env and over scripts")
{
	make_image("interp", image(LD_SO, NULL), 0755);
	make("one", "#!/usr/bin/env -S X=1 interp -u\nprint()\n", 39, 0755);
	RM_CHECK(inspect("one"));
	RM_CHECK(says("is a script for interp"));
	make_image("interp", image(NULL, NULL), 0755);
	RM_CHECK(!inspect("one"));
	RM_CHECK(says("is statically linked"));
}

RM_TEST("a script writes nothing of its own to the terminal")
{
	make("script", "#!/bin/\x1b]0;mine\x07sh -x\x01\n", 22, 0755);
	RM_CHECK(!inspect("script"));
	RM_CHECK(says("is a script for /bin/?]0;mine?sh"));
	RM_CHECK(!says("\x1b") && !says("\x07"));
}

RM_TEST("a script that interprets itself ends")
{
	char line[128];
	int n = snprintf(line, sizeof(line), "#!%s/loop\n", dir);

	make("loop", line, (size_t)n, 0755);
	RM_CHECK(!inspect("loop"));
	RM_CHECK(says("five at most"));
}

RM_TEST("what is missing, or not executable, or no program is said")
{
	RM_CHECK(!inspect("no-such-command"));
	RM_CHECK(says("was not found"));
	make_image("app", image(LD_SO, NULL), 0644);
	RM_CHECK(!inspect("app"));
	RM_CHECK(says("is no executable file"));
	make("app", "\x01\x00\x02", 3, 0755);
	RM_CHECK(!inspect("app"));
	RM_CHECK(says("is no ELF executable"));
}

RM_TEST("the settings are asked: disabled, denied, not allowed")
{
	make_image("app", image(LD_SO, NULL), 0755);
	RM_CHECK(!inspect_as(getuid(), "app", "REMORA_DISABLED=1"));
	RM_CHECK(says("REMORA_DISABLED"));
	RM_CHECK(!inspect_as(getuid(), "app", "REMORA_DENY=ap*"));
	RM_CHECK(says("named by REMORA_DENY"));
	RM_CHECK(!inspect_as(getuid(), "app", "REMORA_ALLOW=other"));
	RM_CHECK(says("REMORA_ALLOW"));
}

RM_TEST("a script whose interpreter is left alone still passes tracing on")
{
	make_image("sh", image(LD_SO, NULL), 0755);
	make("script", "#!/usr/bin/env sh\n", 18, 0755);
	RM_CHECK(inspect("script"));
	RM_CHECK(says("the programs that it starts are traced"));
}

static const char *make_text(const char *name, const char *text)
{
	return make(name, text, strlen(text), 0755);
}

RM_TEST("a shell script that becomes one program which it names leads there")
{
	static const char *const good[] = {
		"exec app \"$@\"", "[ $# = 0 ] || exec 'app' -x", "  if true; then exec -a me app; fi", "exec >/dev/null 2>&1\nexec app",
		"exec env -i X=1 app", "exec 2> log app", "# exec other\nexec app\n", "exec app\nexec \"app\"",
	};
	char text[256];

	make_image("sh", image(LD_SO, NULL), 0755);
	make_image("app", image(LD_SO, NULL), 0755);
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		snprintf(text, sizeof(text), "#!/usr/bin/env sh\n%s\n", good[i]);
		make_text("script", text);
		RM_CHECK(inspect("script"));
		RM_CHECK(says("hands over to app (exec)") && says("yes: script leads to ") && says("/app, which can be instrumented"));
	}
	make_image("app", image(NULL, NULL), 0755);
	RM_CHECK(!inspect("script"));
	RM_CHECK(says("/app is statically linked"));
}

RM_TEST("what a shell script starts otherwise is said not to have been looked at")
{
	static const char *const unknown[] = {
		"exec \"$APP\"", "exec ${DIR}/app", "exec app\nexec other", "exec `which app`", "exec ~/app", "exec \\\n app", "exec 'app",
		"exec app*", "exec env \"$@\"x",
	};
	static const char *const none[] = { "app", "find . -exec app", "docker exec app", "exec 3>&1", "echo 'do exec' ", "exec" };
	char text[256];

	make_image("sh", image(LD_SO, NULL), 0755);
	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
		snprintf(text, sizeof(text), "#!/usr/bin/env sh\n%s\n", unknown[i]);
		make_text("script", text);
		RM_CHECK(inspect("script"));
		RM_CHECK(says("chooses when it runs, which was not looked at") && says("yes: what script starts is traced, where"));
	}
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		snprintf(text, sizeof(text), "#!/usr/bin/env sh\n%s\n", none[i]);
		make_text("script", text);
		RM_CHECK(inspect("script"));
		RM_CHECK(says("as a shell script does, which was not looked at"));
	}
	make_text("script", "#!/usr/bin/env sh\nexec no-such-program\n");
	RM_CHECK(inspect("script"));
	RM_CHECK(says("note: no-such-program was not found from here, which was not looked at"));
	make_text("script", "#!/usr/bin/env sh\nexec script\n");
	RM_CHECK(inspect("script"));
	RM_CHECK(says("after a dozen programs"));
}

RM_TEST("the arguments of entry points and launchers are followed")
{
	char *const app[] = { "app", "-x", NULL }, *const timeout[] = { "-k", "3", "10", "app", NULL }, *const options[] = { "-k", NULL };

	make_image("sh", image(LD_SO, NULL), 0755);
	make_image("app", image(LD_SO, NULL), 0755);
	make_image("timeout", image(LD_SO, NULL), 0755);
	make_text("script", "#!/usr/bin/env sh\nexec \"$@\"\n");
	RM_CHECK(inspect_with(getuid(), "script", NULL, app));
	RM_CHECK(says("to what its arguments name (exec \"$@\")") && says("yes: script leads to "));
	RM_CHECK(inspect("script"));
	RM_CHECK(says("hands over to what its arguments name, which was not looked at"));
	RM_CHECK(inspect_with(getuid(), "timeout", NULL, timeout));
	RM_CHECK(says("is left alone; the programs that it starts are traced") && says("yes: timeout leads to "));
	RM_CHECK(inspect_with(getuid(), "timeout", NULL, options));
	RM_CHECK(says("yes: what timeout starts is traced"));
	RM_CHECK(!inspect_with(getuid(), "timeout", "REMORA_DENY=app", timeout));
	RM_CHECK(says("/app is named by REMORA_DENY"));
}

RM_TEST("a FIFO that a command names is not waited for")
{
	char *const args[] = { path, NULL };

	make_image("sh", image(LD_SO, NULL), 0755);
	make_text("script", "");
	RM_CHECK(unlink(path) == 0 && mkfifo(path, 0600) == 0);
	RM_CHECK(inspect_with(getuid(), "sh", NULL, args));
	RM_CHECK(says("which was not looked at"));
}

RM_TEST("git is as good as the program that makes its requests")
{
	make_image("git", image(LD_SO, NULL), 0755);
	make_image("git-remote-https", image(LD_SO, NULL), 0755);
	setenv("GIT_EXEC_PATH", dir, 1);
	RM_CHECK(inspect("git"));
	RM_CHECK(says("/git-remote-https makes its requests by HTTP, which is traced") && says("yes: git leads to "));
	make_image("git-remote-https", image(NULL, NULL), 0755);
	RM_CHECK(!inspect("git"));
	RM_CHECK(says("is statically linked"));
	unsetenv("GIT_EXEC_PATH");
}

/* The same program under another name. */
static void make_copy(const char *name, const char *of)
{
	static char bytes[32 * 1024 * 1024];
	FILE *f = fopen(of, "r");
	size_t n = f ? fread(bytes, 1, sizeof(bytes), f) : 0;

	RM_CHECK(f && n < sizeof(bytes));
	fclose(f);
	make(name, bytes, n, 0755);
}

RM_TEST("the adapter is named, and what keeps it out: version, variable, tracer")
{
	char *const tracer[] = { "-u", "odd.py", NULL };

	if (access("/usr/bin/python3", X_OK) != 0)
		return;
	make_copy("python3.8", "/usr/bin/python3");
	RM_CHECK(inspect("python3.8"));
	RM_CHECK(says("is CPython 3.8: the adapter python stays out, as it knows 3.9 to 3.13"));
	make_copy("python3.11", "/usr/bin/python3");
	RM_CHECK(inspect("python3.11"));
	RM_CHECK(says("is CPython 3.11: the adapter python moves in with its first socket"));
	RM_CHECK(inspect_as(getuid(), "python3.11", "REMORA_ADAPTERS=node"));
	RM_CHECK(says("the adapter python stays out, as REMORA_ADAPTERS has it"));
	make_text("odd.py", "import ddtrace\n");
	RM_CHECK(chdir(dir) == 0 && inspect_with(getuid(), "python3.11", NULL, tracer) && chdir("/") == 0);
	RM_CHECK(says("stands aside where 'ddtrace', which odd.py names, is at work"));
}

RM_TEST("what starts others with an environment of its own is said to, and how to trace them")
{
	make_image("sudo", image(LD_SO, NULL), 0755);
	RM_CHECK(!inspect("sudo"));
	RM_CHECK(says("starts programs without LD_PRELOAD") && says("sudo remora run -- COMMAND"));
	RM_CHECK(!strstr(report, "is traced"));
}

RM_TEST("what a setuid program on the list starts is not said to be traced")
{
	make_image("su", image(LD_SO, NULL), 04755);
	if (!inspect_as(getuid() + 1, "su", NULL) && strstr(report, "is setuid"))
		RM_CHECK(says("what it starts is not traced either") && !strstr(report, "is traced;"));
}

RM_TEST("a program whose TLS is not seen can be instrumented, but for that")
{
	make_image("java", image(LD_SO, NULL), 0755);
	RM_CHECK(inspect("java"));
	RM_CHECK(says("note: ") && says("yes: java can be instrumented, but for what the note above says"));
}

RM_TEST("a program cut at any byte is refused or read, never more")
{
	struct image i = image(LD_SO, "Go");
	struct rm_elf elf;

	for (size_t n = 0; n <= sizeof(i); n++) {
		int error = rm_elf_read(make("cut", &i, n, 0755), &elf);

		RM_CHECK(n < sizeof(i) || (error == RM_OK && elf.dynamic && elf.go));
		RM_CHECK(n >= sizeof(Elf64_Ehdr) || error == RM_E_PROTO);
	}
}

RM_TEST("headers that point anywhere are survived")
{
	unsigned seed = 1;

	for (int round = 0; round < 2000; round++) {
		struct image i = image(LD_SO, "Go");
		struct rm_elf elf;

		for (int k = 0; k < 8; k++)
			((char *)&i)[16 + rand_r(&seed) % (sizeof(i) - 16)] = (char)rand_r(&seed);
		rm_elf_read(make("odd", &i, sizeof(i), 0755), &elf);
	}
	RM_CHECK(inspect("/proc/self/exe")); /* still here */
}
