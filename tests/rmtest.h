/*
 * A unit test is a program that prints TAP: RM_TEST("what holds") { RM_CHECK(...); } in order of
 * the file. Tests register themselves before main; a failed check fails its test and goes on.
 */
#ifndef RM_TESTS_RMTEST_H
#define RM_TESTS_RMTEST_H

#include <stdio.h>
#include <string.h>

struct rm_test {
	const char *name;
	void (*run)(void);
	struct rm_test *next;
};

static struct rm_test *rm_test_first, **rm_test_last = &rm_test_first;
static int rm_test_failed_checks;

#define RM_TEST_CAT_(a, b) a##b
#define RM_TEST_CAT(a, b) RM_TEST_CAT_(a, b)
#define RM_TEST(title) RM_TEST_AT(title, __LINE__)
#define RM_TEST_AT(title, line)                                                                \
	static void RM_TEST_CAT(test_, line)(void);                                            \
	__attribute__((constructor)) static void RM_TEST_CAT(add_, line)(void)                 \
	{                                                                                      \
		static struct rm_test t = { title, RM_TEST_CAT(test_, line), NULL };           \
		*rm_test_last = &t;                                                            \
		rm_test_last = &t.next;                                                        \
	}                                                                                      \
	static void RM_TEST_CAT(test_, line)(void)

#define RM_CHECK(condition)                                                                    \
	do {                                                                                   \
		if (!(condition)) {                                                            \
			printf("# %s:%d: %s\n", __FILE__, __LINE__, #condition);               \
			rm_test_failed_checks++;                                               \
		}                                                                              \
	} while (0)

#define RM_CHECK_STR(s, text)                                                                  \
	do {                                                                                   \
		struct rm_str rm_got_ = (s);                                                   \
		if (rm_got_.n != strlen(text) || (rm_got_.n && memcmp(rm_got_.p, text, rm_got_.n))) { \
			printf("# %s:%d: got '%.*s', want '%s'\n", __FILE__, __LINE__,         \
			       (int)rm_got_.n, rm_got_.p ? rm_got_.p : "", text);              \
			rm_test_failed_checks++;                                               \
		}                                                                              \
	} while (0)

int main(void)
{
	int number = 0, failed = 0;

	for (struct rm_test *t = rm_test_first; t; t = t->next) {
		int before = rm_test_failed_checks;

		t->run();
		number++;
		if (rm_test_failed_checks != before)
			failed++;
		printf("%sok %d - %s\n", rm_test_failed_checks != before ? "not " : "", number, t->name);
		fflush(stdout);
	}
	printf("1..%d\n", number);
	return failed != 0;
}

#endif
