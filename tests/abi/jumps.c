/* Jumps over frames, and questions that are refused: alone and under the agent they do the same. */
#include <pthread.h>
#include <resolv.h>
#include <setjmp.h>
#include <signal.h>

#include "tests/rmtest.h"

static sigjmp_buf back;

static void jump_back(int number)
{
	siglongjmp(back, number);
}

RM_TEST("jumps lead back with their values, out of handlers too, and signals are as they were")
{
	jmp_buf plain;
	sigset_t now;
	volatile int turns = 0;
	volatile int got;

	got = setjmp(plain);
	if (turns++ == 0)
		longjmp(plain, 7);
	RM_CHECK(got == 7 && turns == 2);
	got = setjmp(plain);
	if (turns++ == 2)
		longjmp(plain, 0);
	RM_CHECK(got == 1 && turns == 4);
	got = _setjmp(plain);
	if (turns++ == 4)
		_longjmp(plain, 9);
	RM_CHECK(got == 9 && turns == 6);
	signal(SIGUSR2, jump_back);
	got = sigsetjmp(back, 1);
	if (turns++ == 6)
		raise(SIGUSR2);
	RM_CHECK(got == SIGUSR2 && turns == 8);
	RM_CHECK(pthread_sigmask(SIG_BLOCK, NULL, &now) == 0 && !sigismember(&now, SIGUSR2));
	signal(SIGUSR2, SIG_DFL);
}

RM_TEST("questions that libc cannot ask fail as they do")
{
	unsigned char answer[64];

	RM_CHECK(res_query("a..b", 1, 1, answer, sizeof(answer)) == -1 && res_search("a..b", 1, 1, answer, sizeof(answer)) == -1);
}
