/*
 * Hooks of the calls that our thread would spoil. What belongs to each thread alone (credentials,
 * capabilities, securebits, seccomp) must not stay as it was in a thread the program does not know
 * of; unshare and setns refuse a process of two threads; a process whose main thread has left ends
 * with its last thread, which would be ours. So the thread is gone before any of them, and after
 * system calls or clocks were restricted, or a thread got descriptors of its own, nothing is traced and
 * nothing of ours makes a call. syscall(2) is looked at for the same calls, and for the closes that libuv
 * makes through it; its body is in abi/, since what it starts may return on another stack.
 * Context: app; syscall: hook.
 */
#include "agent/hookapi.h"
#include "base/sys.h"
#include "hooks/abi/shim.h"
#include "hooks/hook.h"
#include "hooks/raw.h"

#include <grp.h>
#include <linux/close_range.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <threads.h>
#include <unistd.h>

struct __user_cap_header_struct;
struct __user_cap_data_struct;
int capset(struct __user_cap_header_struct *header, const struct __user_cap_data_struct *data);

/* ---- credentials ---- */

static int raw_setuid(uid_t id)
{
	return (int)raw_result(rm_sys1(__NR_setuid, id));
}

RM_HOOK(setuid, raw_setuid);
RM_EXPORT int setuid(uid_t id)
{
	rm_stand_alone();
	return real_setuid(id);
}

static int raw_setgid(gid_t id)
{
	return (int)raw_result(rm_sys1(__NR_setgid, id));
}

RM_HOOK(setgid, raw_setgid);
RM_EXPORT int setgid(gid_t id)
{
	rm_stand_alone();
	return real_setgid(id);
}

static int raw_seteuid(uid_t id)
{
	return (int)raw_result(rm_sys3(__NR_setresuid, -1, id, -1));
}

RM_HOOK(seteuid, raw_seteuid);
RM_EXPORT int seteuid(uid_t id)
{
	rm_stand_alone();
	return real_seteuid(id);
}

static int raw_setegid(gid_t id)
{
	return (int)raw_result(rm_sys3(__NR_setresgid, -1, id, -1));
}

RM_HOOK(setegid, raw_setegid);
RM_EXPORT int setegid(gid_t id)
{
	rm_stand_alone();
	return real_setegid(id);
}

static int raw_setreuid(uid_t real, uid_t effective)
{
	return (int)raw_result(rm_sys2(__NR_setreuid, real, effective));
}

RM_HOOK(setreuid, raw_setreuid);
RM_EXPORT int setreuid(uid_t real, uid_t effective)
{
	rm_stand_alone();
	return real_setreuid(real, effective);
}

static int raw_setregid(gid_t real, gid_t effective)
{
	return (int)raw_result(rm_sys2(__NR_setregid, real, effective));
}

RM_HOOK(setregid, raw_setregid);
RM_EXPORT int setregid(gid_t real, gid_t effective)
{
	rm_stand_alone();
	return real_setregid(real, effective);
}

static int raw_setresuid(uid_t real, uid_t effective, uid_t saved)
{
	return (int)raw_result(rm_sys3(__NR_setresuid, real, effective, saved));
}

RM_HOOK(setresuid, raw_setresuid);
RM_EXPORT int setresuid(uid_t real, uid_t effective, uid_t saved)
{
	rm_stand_alone();
	return real_setresuid(real, effective, saved);
}

static int raw_setresgid(gid_t real, gid_t effective, gid_t saved)
{
	return (int)raw_result(rm_sys3(__NR_setresgid, real, effective, saved));
}

RM_HOOK(setresgid, raw_setresgid);
RM_EXPORT int setresgid(gid_t real, gid_t effective, gid_t saved)
{
	rm_stand_alone();
	return real_setresgid(real, effective, saved);
}

static int raw_setgroups(size_t count, const gid_t *groups)
{
	return (int)raw_result(rm_sys2(__NR_setgroups, count, groups));
}

RM_HOOK(setgroups, raw_setgroups);
RM_EXPORT int setgroups(size_t count, const gid_t *groups)
{
	rm_stand_alone();
	return real_setgroups(count, groups);
}

/* libc makes its setgroups inside. */
RM_HOOK(initgroups, NULL);
RM_EXPORT int initgroups(const char *user, gid_t group)
{
	__typeof__(&initgroups) real = RM_LATE(initgroups);

	if (!real) {
		errno = ENOSYS;
		return -1;
	}
	rm_stand_alone();
	return real(user, group);
}

static int raw_capset(struct __user_cap_header_struct *header,
		      const struct __user_cap_data_struct *data)
{
	return (int)raw_result(rm_sys2(__NR_capset, header, data));
}

RM_HOOK(capset, raw_capset);
RM_EXPORT int capset(struct __user_cap_header_struct *header,
		     const struct __user_cap_data_struct *data)
{
	rm_stand_alone();
	return real_capset(header, data);
}

/* ---- namespaces and roots ---- */

static int raw_chroot(const char *path)
{
	return (int)raw_result(rm_sys1(__NR_chroot, path));
}

RM_HOOK(chroot, raw_chroot);
RM_EXPORT int chroot(const char *path)
{
	rm_root_changes();
	return real_chroot(path);
}

/* libc has it, no header of its own declares it. */
int pivot_root(const char *new_root, const char *old_root);

static int raw_pivot_root(const char *new_root, const char *old_root)
{
	return (int)raw_result(rm_sys2(__NR_pivot_root, new_root, old_root));
}

RM_HOOK(pivot_root, raw_pivot_root);
RM_EXPORT int pivot_root(const char *new_root, const char *old_root)
{
	rm_root_changes();
	return real_pivot_root(new_root, old_root);
}

static int raw_unshare(int flags)
{
	return (int)raw_result(rm_sys1(__NR_unshare, flags));
}

static void before_unshare(long flags)
{
	if (flags & CLONE_FILES)
		rm_descriptors_part();
	else
		rm_stand_alone();
}

RM_HOOK(unshare, raw_unshare);
RM_EXPORT int unshare(int flags)
{
	before_unshare(flags);
	return real_unshare(flags);
}

static int raw_setns(int fd, int type)
{
	return (int)raw_result(rm_sys2(__NR_setns, fd, type));
}

RM_HOOK(setns, raw_setns);
static void before_setns(long type)
{
	if (type == 0 || type & CLONE_NEWNS) /* 0 is any that the descriptor may be of */
		rm_root_changes();
	else
		rm_stand_alone();
}

RM_EXPORT int setns(int fd, int type)
{
	before_setns(type);
	return real_setns(fd, type);
}

/* ---- what prctl sets for the calling thread ---- */

/* The same everywhere; newer than some headers. */
enum { SET_SYSCALL_USER_DISPATCH = 59, DISPATCH_OFF = 0 };

/*
 * A filter at NULL is how libraries ask whether the kernel knows filters. Without the time stamp counter what reads
 * a clock ends by SIGSEGV, and where system calls are sent to a handler, only those that the program means may come.
 */
static void before_prctl(long option, unsigned long mode, unsigned long filter)
{
	switch (option) {
	case PR_SET_SECCOMP:
		if (mode == SECCOMP_MODE_STRICT || filter)
			rm_go_quiet();
		break;
	case PR_SET_TSC:
		if (mode == PR_TSC_SIGSEGV)
			rm_go_quiet();
		break;
	case SET_SYSCALL_USER_DISPATCH:
		if (mode != DISPATCH_OFF)
			rm_go_quiet();
		break;
	case PR_SET_NO_NEW_PRIVS:
	case PR_SET_SECUREBITS:
	case PR_SET_KEEPCAPS:
	case PR_CAPBSET_DROP:
	case PR_CAP_AMBIENT:
		rm_stand_alone();
		break;
	default:
		break;
	}
}

static int raw_prctl(int option, ...)
{
	unsigned long a[4];
	va_list args;

	va_start(args, option);
	for (int i = 0; i < 4; i++)
		a[i] = va_arg(args, unsigned long);
	va_end(args);
	return (int)raw_result(rm_sys5(__NR_prctl, option, a[0], a[1], a[2], a[3]));
}

RM_HOOK(prctl, raw_prctl);
RM_EXPORT int prctl(int option, ...)
{
	unsigned long a[4]; /* as libc itself: four are read, whatever the option takes */
	va_list args;

	va_start(args, option);
	for (int i = 0; i < 4; i++)
		a[i] = va_arg(args, unsigned long);
	va_end(args);
	before_prctl(option, a[0], a[1]);
	return real_prctl(option, a[0], a[1], a[2], a[3]);
}

/* ---- the main thread leaves its process ---- */

RM_HOOK(pthread_exit, NULL);
RM_EXPORT void pthread_exit(void *result)
{
	__typeof__(&pthread_exit) real = RM_LATE(pthread_exit);

	rm_thread_ends();
	if (real)
		real(result);
	for (;;)
		rm_sys1(__NR_exit, 0);
}

RM_HOOK(thrd_exit, NULL);
RM_EXPORT void thrd_exit(int result)
{
	__typeof__(&thrd_exit) real = RM_LATE(thrd_exit);

	rm_thread_ends();
	if (real)
		real(result);
	for (;;)
		rm_sys1(__NR_exit, 0);
}

/* ---- syscall(2) ---- */

enum { LANDLOCK_RESTRICT_SELF = 446 }; /* the same everywhere; newer than some headers */

static long raw_syscall(long number, ...)
{
	long a[6];
	va_list args;

	va_start(args, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(args, long);
	va_end(args);
	return raw_result(rm_sys6(number, a[0], a[1], a[2], a[3], a[4], a[5]));
}

RM_HOOK(syscall, raw_syscall);

static void closing(unsigned first, unsigned last)
{
	struct rm_scope s;

	if ((first == last && !rm_fd_tracked((int)first)) || first > last || !rm_enter(&s))
		return;
	if (first == last)
		rm_fd_close(&s, (int)first);
	else
		rm_fd_close_range(&s, first, last);
	rm_leave(&s);
}

long (*rm_hook_syscall(long number, long a, long b, long c))(long, ...)
{
	switch (number) {
	case __NR_close:
		closing((unsigned)a, (unsigned)a);
		break;
	case __NR_close_range:
		if (c & CLOSE_RANGE_UNSHARE)
			rm_descriptors_part();
		if (!(c & CLOSE_RANGE_CLOEXEC))
			closing((unsigned)a, (unsigned)b);
		break;
	case __NR_exit_group:
		rm_process_end(RM_END_UNDERSCORE_EXIT);
		break;
	case __NR_seccomp:
		if (a == SECCOMP_SET_MODE_STRICT || (a == SECCOMP_SET_MODE_FILTER && c))
			rm_go_quiet();
		break;
	case __NR_prctl:
		before_prctl(a, (unsigned long)b, (unsigned long)c);
		break;
	case __NR_chroot:
	case __NR_pivot_root:
		rm_root_changes();
		break;
	case __NR_setns:
		before_setns(b);
		break;
	case __NR_unshare:
		before_unshare(a);
		break;
	case __NR_capset:
	case __NR_setuid:
	case __NR_setgid:
	case __NR_setreuid:
	case __NR_setregid:
	case __NR_setresuid:
	case __NR_setresgid:
	case __NR_setgroups:
	case LANDLOCK_RESTRICT_SELF:
		rm_stand_alone();
		break;
	default:
		break;
	}
	return RM_LATE(syscall);
}
