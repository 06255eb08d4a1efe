/*
 * Programs that are never instrumented unless REMORA_ALLOW names them: they speak no protocol of
 * ours, live for milliseconds, or (debuggers, sudo) must not be disturbed. Programs that only start
 * others pass the preload on and are skipped themselves. Names that people give to programs of
 * their own (test, init, view) are left out. Sorted by bytes, for binary search; rows of fixed
 * width, so that the table needs no relocation. Context: any, signal-safe.
 */
#include "agent/skiplist.h"

#include <string.h>

enum { NAME_MAX_BYTES = 20 };

/* clang-format off */
static const char programs[][NAME_MAX_BYTES] = {
	"[", "agetty", "apk", "apropos", "apt", "apt-get", "aptitude", "ar", "arch", "as", "ash",
	"atd", "autoconf", "automake", "awk", "b2sum", "base32", "base64", "basename", "basenc",
	"bash", "bc", "bison", "blkid", "bpftrace", "bsdtar", "bunzip2", "busybox",
	"busybox-awk", "bwrap", "bzcat", "bzip2", "c++", "cat", "catatonit", "cc", "cc1",
	"cc1plus", "ccache", "chcon", "chfn", "chgrp", "chmod", "chown", "chroot", "chrt",
	"chsh", "cksum", "clang", "clang++", "clear", "cmake", "cmp", "collect2", "column",
	"comm", "conmon", "containerd-shim", "cp", "cpio", "cpp", "cron", "crond", "crontab",
	"crun", "csh", "csplit", "ctest", "cut", "dash", "date", "dc", "dd", "debconf",
	"debootstrap", "df", "diff", "diff3", "dir", "dircolors", "dirname", "distcc", "dmesg",
	"dnf", "doas", "docker-init", "docker-proxy", "dpkg", "du", "dumb-init", "echo", "ed",
	"egrep", "elvish", "env", "envsubst", "ex", "expand", "expect", "expr", "factor",
	"fakechroot", "fakeroot", "false", "fdisk", "fgrep", "file", "find", "findmnt", "fish",
	"flatpak", "flex", "flock", "fmt", "fold", "free", "fsck", "fuser", "g++", "gawk", "gcc",
	"gdb", "gdbserver", "getconf", "getopt", "gettext", "getty", "git", "gmake", "gofmt",
	"gpg", "gpg-agent", "gpgv", "grep", "groff", "groups", "gunzip", "gzip", "head",
	"hexdump", "hostid", "hostname", "htop", "iconv", "id", "ifconfig", "insmod", "install",
	"ionice", "iostat", "ip", "join", "journalctl", "jq", "kill", "killall", "ksh", "ksh93",
	"ld", "ld.bfd", "ld.gold", "ld.lld", "ld.so", "ldconfig", "ldd", "less", "lex",
	"libtool", "lksh", "lld", "lldb", "ln", "locale", "locate", "login", "loginctl",
	"logname", "losetup", "ls", "lsblk", "lscpu", "lsmod", "lsof", "lspci", "lsusb",
	"lto-wrapper", "lto1", "ltrace", "lz4", "lzma", "m4", "make", "man", "mandb", "mawk",
	"md5sum", "meson", "mkdir", "mkfifo", "mkfs", "mknod", "mksh", "mktemp", "modprobe",
	"more", "mount", "mv", "nano", "nawk", "netstat", "newgrp", "nice", "ninja", "nl", "nm",
	"nohup", "nproc", "nsenter", "numactl", "numfmt", "objcopy", "objdump", "od",
	"original-awk", "pacman", "pager", "passwd", "paste", "patch", "pathchk", "perf",
	"pgrep", "pidof", "ping", "pinky", "pkexec", "pkg-config", "pkgconf", "pkill", "pmap",
	"polkitd", "pr", "printenv", "printf", "prlimit", "proot", "ps", "pstree", "ptx", "pwd",
	"ranlib", "rbash", "readelf", "readlink", "realpath", "reboot", "remora", "reset", "rev",
	"rg", "rm", "rmdir", "rmmod", "route", "rpm", "rr", "rsync", "rtkit-daemon", "run-parts",
	"runc", "runcon", "runsv", "runsvdir", "runuser", "rustc", "s6-svscan", "samu", "scp",
	"screen", "sdiff", "sed", "seq", "setpriv", "setsid", "sftp", "sftp-server", "sh",
	"sha1sum", "sha224sum", "sha256sum", "sha384sum", "sha512sum", "shred", "shuf",
	"shutdown", "slabtop", "sleep", "snap", "sort", "split", "ss", "ssh", "ssh-add",
	"ssh-agent", "ssh-keygen", "sshd", "start-stop-daemon", "stat", "stdbuf", "strace",
	"strings", "strip", "stty", "su", "sudo", "sum", "swapoff", "swapon", "sync", "sysctl",
	"systemctl", "systemd", "tac", "tail", "tar", "taskset", "tcc", "tcsh", "tee", "telinit",
	"time", "timeout", "tini", "tmux", "top", "touch", "tput", "tr", "troff", "true",
	"truncate", "tset", "tsort", "tty", "udevadm", "udevd", "uftrace", "umount", "uname",
	"unbuffer", "unexpand", "uniq", "unlink", "unlzma", "unshare", "unxz", "unzip", "unzstd",
	"update-alternatives", "updatedb", "uptime", "valgrind", "vdir", "vi", "vim",
	"vim.basic", "vim.tiny", "vmstat", "watch", "wc", "whatis", "whereis", "which", "who",
	"whoami", "xargs", "xdg-open", "xxd", "xz", "xzcat", "yacc", "yash", "yes", "yum",
	"zcat", "zip", "zsh", "zstd", "zstdcat",
};
/* clang-format on */
enum { NAMES = sizeof(programs) / sizeof(programs[0]) };

/* Families: every name that begins so. `git` is on the list, its HTTP helper is another program. */
static const char families[][NAME_MAX_BYTES] = {
	"aarch64-linux-gnu-", "apt-", "clang-", "dbus-", "debconf-", "dpkg-", "g++-", "gcc-", "ld-linux", "systemd-",
	"x86_64-linux-gnu-",
};
enum { FAMILIES = sizeof(families) / sizeof(families[0]) };

static int compare(struct rm_str name, const char *row)
{
	size_t n = strlen(row);
	int ret = memcmp(name.p, row, name.n < n ? name.n : n);

	return ret != 0 ? ret : (name.n > n) - (name.n < n);
}

bool rm_skiplist_has(struct rm_str name)
{
	unsigned low = 0, high = NAMES;

	if (name.n == 0)
		return false;
	for (unsigned i = 0; i < FAMILIES; i++)
		if (rm_str_begins(name, RM_STR_OF(families[i])))
			return true;
	while (low < high) {
		unsigned middle = low + (high - low) / 2;
		int order = compare(name, programs[middle]);

		if (order == 0)
			return true;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return false;
}

const char *rm_skiplist_name(unsigned i)
{
	return i < NAMES ? programs[i] : NULL;
}
