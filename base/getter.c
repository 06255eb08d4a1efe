/*
 * Reads functions of the form `return &table;` in machine code: one instruction that makes the address,
 * amid the marks and frames that compilers put around it, then a return. Must never read further than
 * RM_GETTER_BYTES, nor take anything for known that it does not know.
 */
#include "base/getter.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__x86_64__)
static int64_t operand(const uint8_t *p, size_t bytes)
{
	int32_t narrow;
	int64_t wide = 0;

	if (bytes == sizeof(narrow)) {
		memcpy(&narrow, p, sizeof(narrow));
		return narrow;
	}
	memcpy(&wide, p, sizeof(wide));
	return wide;
}

static const struct step {
	uint8_t code[4], bytes;
	uint8_t operand; /* its bytes behind the code; 0: the instruction gives nothing */
	enum { NOTHING, RELATIVE, UNSIGNED, SIGNED } gives;
} steps[] = {
	{ { 0xf3, 0x0f, 0x1e, 0xfa }, 4, 0, NOTHING }, /* endbr64 */
	{ { 0x48, 0x89, 0xe5 }, 3, 0, NOTHING },       /* mov %rsp, %rbp */
	{ { 0x55 }, 1, 0, NOTHING },		       /* push %rbp */
	{ { 0x5d }, 1, 0, NOTHING },		       /* pop %rbp */
	{ { 0x48, 0x8d, 0x05 }, 3, 4, RELATIVE },      /* lea table(%rip), %rax */
	{ { 0xb8 }, 1, 4, UNSIGNED },		       /* mov $table, %eax */
	{ { 0x48, 0xc7, 0xc0 }, 3, 4, SIGNED },	       /* mov $table, %rax */
	{ { 0x48, 0xb8 }, 2, 8, SIGNED },	       /* movabs $table, %rax */
};

static const struct step *step_at(const uint8_t *p, size_t left)
{
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		if ((size_t)steps[i].bytes + steps[i].operand <= left && memcmp(p, steps[i].code, steps[i].bytes) == 0)
			return &steps[i];
	return NULL;
}

const void *rm_getter_value(const void *code)
{
	const uint8_t *p = code, *end = p + RM_GETTER_BYTES;
	uintptr_t value = 0;

	while (p < end && *p != 0xc3) { /* ret */
		const struct step *s = step_at(p, (size_t)(end - p));
		int64_t n;

		if (!s)
			return NULL;
		p += s->bytes;
		if (s->gives == NOTHING)
			continue;
		n = operand(p, s->operand);
		p += s->operand;
		if (value)
			return NULL;
		value = s->gives == RELATIVE ? (uintptr_t)p + (uintptr_t)n
			: s->gives == UNSIGNED ? (uint32_t)n : (uintptr_t)n;
	}
	return p < end ? (const void *)value : NULL;
}

#elif defined(__aarch64__)
enum { BTI_C = 0xd503245f, PACIASP = 0xd503233f, AUTIASP = 0xd50323bf, RET = 0xd65f03c0 };

/* adrp x0: the page, from the word at `at`. */
static uintptr_t page_of(uint32_t word, uintptr_t at)
{
	int64_t pages = (int64_t)(((uint64_t)(word >> 5 & 0x7ffff) << 2 | (word >> 29 & 3)) << 43) >> 43;

	return (at & ~(uintptr_t)4095) + (uintptr_t)(pages * 4096);
}

const void *rm_getter_value(const void *code)
{
	const uint32_t *p = code;
	uintptr_t page = 0, value = 0;

	for (size_t i = 0; i < RM_GETTER_BYTES / sizeof(*p); i++) {
		uint32_t word = p[i];

		if (word == RET)
			return (const void *)value;
		if (word == BTI_C || word == PACIASP || word == AUTIASP)
			continue;
		if ((word & 0x9f00001f) == 0x90000000 && !page)
			page = page_of(word, (uintptr_t)&p[i]);
		else if ((word & 0xffc003ff) == 0x91000000 && page && !value) /* add x0, x0, #low */
			value = page + (word >> 10 & 0xfff);
		else
			return NULL;
	}
	return NULL;
}
#endif
