/* See sigframe.h. */
#include "base/sigframe.h"

#include <string.h>

#include "base/sys.h"

enum {
	KERNEL_MASK_BYTES = 8,
	SIGSETXID = 33, /* libc's own */
};

long rm_sigaction(int sig, const struct rm_sigaction *act, struct rm_sigaction *before)
{
	return rm_sys4(__NR_rt_sigaction, sig, act, before, KERNEL_MASK_BYTES);
}

bool rm_sigframe_is_direct(const void *return_address)
{
#if defined(__x86_64__)
	/* mov $15, %rax; syscall */
	static const uint8_t code[] = { 0x48, 0xc7, 0xc0, 0x0f, 0x00, 0x00, 0x00, 0x0f, 0x05 };
#else
	/* mov x8, #139; svc #0 */
	static const uint8_t code[] = { 0x68, 0x11, 0x80, 0xd2, 0x01, 0x00, 0x00, 0xd4 };
#endif
	return memcmp(return_address, code, sizeof(code)) == 0;
}

uint64_t rm_sigframe_block(void)
{
	static const uint8_t left[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSETXID };
	uint64_t mask = ~0ull, before = 0;

	for (size_t i = 0; i < sizeof(left); i++)
		mask &= ~(1ull << (left[i] - 1));
	rm_sys4(__NR_rt_sigprocmask, SIG_BLOCK, &mask, &before, KERNEL_MASK_BYTES);
	return before;
}

void rm_sigframe_unblock(uint64_t before)
{
	rm_sys4(__NR_rt_sigprocmask, SIG_SETMASK, &before, NULL, KERNEL_MASK_BYTES);
}
