/*
 * Raw system calls: never interposed, never a cancellation point, results as the kernel gives them
 * (negative errno). x86-64 and aarch64. Context: any, signal-safe.
 */
#ifndef RM_BASE_SYS_H
#define RM_BASE_SYS_H

#include <asm/unistd.h>
#include <stddef.h>
#include <stdint.h>

static inline long rm_sys6(long nr, long a, long b, long c, long d, long e, long f)
{
#if defined(__x86_64__)
	long ret;
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
#elif defined(__aarch64__)
	register long x8 __asm__("x8") = nr;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;
	register long x5 __asm__("x5") = f;

	__asm__ volatile("svc 0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
			 : "memory", "cc");
	return x0;
#else
#error "base/sys.h: no raw system calls for this architecture"
#endif
}

#define rm_sys0(nr) rm_sys6((nr), 0, 0, 0, 0, 0, 0)
#define rm_sys1(nr, a) rm_sys6((nr), (long)(a), 0, 0, 0, 0, 0)
#define rm_sys2(nr, a, b) rm_sys6((nr), (long)(a), (long)(b), 0, 0, 0, 0)
#define rm_sys3(nr, a, b, c) rm_sys6((nr), (long)(a), (long)(b), (long)(c), 0, 0, 0)
#define rm_sys4(nr, a, b, c, d) rm_sys6((nr), (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)
#define rm_sys5(nr, a, b, c, d, e) \
	rm_sys6((nr), (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), 0)

/*
 * False where the thread pointer leads to none of libc's blocks, so that thread-local variables must not
 * be touched: a child of clone(CLONE_SETTLS) runs on whatever its maker put there. The ABI has the block
 * begin with its own address on x86-64, and with the address of a table on aarch64.
 */
static inline int rm_sys_thread_is_libcs(void)
{
#if defined(__x86_64__)
	uintptr_t block, again;

	__asm__ volatile("mov %%fs:0, %0\n\tmov %%fs:16, %1" : "=r"(block), "=r"(again));
	return block && block == again;
#else
	uintptr_t *block;

	__asm__ volatile("mrs %0, tpidr_el0" : "=r"(block));
	return block && block[0];
#endif
}

/* Anonymous zeroed memory, page-aligned; NULL when there is none. Never given back by this. */
void *rm_sys_map(size_t bytes);

#endif
