/*
 * Classes that the JVM adapter rewrites: adapters/java/classfile.c. The input is a class. Whatever it is, with the
 * rules of each class, in memory of just the size that was asked for: nothing else is read or written, what comes
 * out is not larger, and is understood again where the input was; the constants that were there stay as they are.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/java/classfile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { COUNT_AT = 8, CONSTANTS_AT = 10 };

static void check(bool condition)
{
	if (!condition)
		abort();
}

/* In memory of its own, so that a byte outside of it is noticed. */
static uint8_t *rewrite(const uint8_t *bytes, size_t n, const struct rm_java_rule *rule, size_t *ret_n)
{
	size_t room = rm_classfile_room(bytes, n);
	uint8_t *copy = malloc(n), *made = room ? malloc(room) : NULL;

	*ret_n = 0;
	if (copy && made) {
		memcpy(copy, bytes, n);
		*ret_n = rm_classfile_rewrite(copy, n, rule, made);
		check(memcmp(copy, bytes, n) == 0);
		check(*ret_n <= room);
	}
	free(copy);
	return made;
}

static void once(const uint8_t *data, size_t n, const struct rm_java_rule *rule)
{
	size_t made_bytes, again_bytes;
	uint8_t *made = rewrite(data, n, rule, &made_bytes), *again;

	if (made_bytes) {
		check(made_bytes > CONSTANTS_AT && memcmp(made, data, COUNT_AT) == 0);
		check((made[COUNT_AT] << 8 | made[COUNT_AT + 1]) > (data[COUNT_AT] << 8 | data[COUNT_AT + 1]));
		again = rewrite(made, made_bytes, rule, &again_bytes);
		free(again);
		check(rm_classfile_room(made, made_bytes) > made_bytes);
	}
	free(made);
}

/* C lets a text fill its array to the last byte. */
static bool is_ended(const struct rm_java_rule *r)
{
#define ENDS(field) (r->field[sizeof(r->field) - 1] == '\0')
	return ENDS(class) && ENDS(method) && ENDS(signature) && ENDS(load) && ENDS(callee) && ENDS(callee_signature) &&
	       ENDS(helper) && ENDS(helper_signature);
#undef ENDS
}

/* The first rule of its class, which is where they are looked for; the others stand behind it, in the same table. */
static bool is_first(const struct rm_java_rule *table, unsigned i)
{
	const struct rm_java_rule *r = &table[i];
	bool first = rm_java_rules_of(r->class, strlen(r->class)) == r;

	check(first || (i > 0 && strcmp(r[-1].class, r->class) == 0));
	return first;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const struct rm_java_rule *r;

	for (unsigned table = 0; (r = rm_java_rules_in(table)); table++)
		for (unsigned i = 0; r[i].class[0]; i++) {
			check(is_ended(&r[i]));
			if (is_first(r, i))
				once(data, n, &r[i]);
		}
	return 0;
}
