/* Functions in stacks that were written without them: found again by the exporter, and nothing else of a record changes. */
#include "exporters/places.h"

#include <stdlib.h>

#include "agent/record.h"
#include "base/random.h"
#include "stack/registers.h"
#include "stack/stack.h"
#include "tests/rmtest.h"

static struct rm_stack stack;
static char bare[8192];
static volatile int calls;

/* The text of this stack without functions. */
__attribute__((noinline)) static struct rm_str taken(void)
{
	struct rm_strbuf out;
	ucontext_t here;

	rm_registers_here(&here);
	rm_strbuf_init(&out, bare, sizeof(bare));
	/* Of an object that is none of the stack's. */
	if (rm_stack_take_near(&stack, &here, (uintptr_t)printf))
		rm_stack_write(&stack, 0, &out);
	calls++;
	return (struct rm_str){ bare, out.n };
}

__attribute__((noinline)) static struct rm_str caller(void)
{
	struct rm_str text = taken();

	calls++;
	return text;
}

static bool has(struct rm_str text, const char *part)
{
	return memmem(text.p, text.n, part, strlen(part)) != NULL;
}

/* A span with a stack of its own, and one in an event that stands between others. */
static void make(char *memory, uint32_t cap, struct rm_str text, uint8_t bits)
{
	struct rm_span head = { .kind = RM_KIND_SERVER, .bits = bits, .trace_id = { 1 }, .span_id = { 2 } };
	struct rm_builder b = { .max_attrs = 128 }, e = { .max_attrs = 128 };
	static char event[16384];

	rm_builder_span(&b, memory, cap, &head, RM_STR("GET"), RM_STR("a=b"));
	rm_builder_i64(&b, RM_KEY_HTTP_RESPONSE_STATUS_CODE, 200);
	rm_builder_named_str(&b, RM_STR("a.key"), RM_STR("a value"));
	if (bits)
		rm_builder_str(&b, RM_KEY_CODE_STACKTRACE, text);
	rm_builder_event(&e, event, sizeof(event), RM_STR("exception"), 7);
	rm_builder_str(&e, RM_KEY_EXCEPTION_TYPE, RM_STR("int"));
	rm_builder_str(&e, RM_KEY_EXCEPTION_STACKTRACE, text);
	rm_builder_i64(&e, RM_KEY_THREAD_ID, 42);
	rm_builder_end(&e);
	rm_builder_add_event(&b, (const struct rm_event *)event, 8);
	rm_builder_str(&b, RM_KEY_URL_PATH, RM_STR("/"));
	rm_builder_end(&b);
}

static const struct rm_event *event_of(const struct rm_record *r)
{
	struct rm_attr_iter it = rm_record_attrs(r);
	const struct rm_event *e = NULL;

	return rm_event_next(&it, &e) ? e : NULL;
}

static struct rm_str find(const struct rm_record *r, const char *key)
{
	struct rm_str found = RM_STR("");

	rm_record_find_str(r, key, &found);
	return found;
}

/* A record may take 50 ms, no more: what a busy machine does not come to is looked up the next time. NULL: never. */
static struct rm_record *name_all(struct rm_places *p, const struct rm_record *r)
{
	static const char *const functions[] = { "    at caller+0x", "    at main+0x", "    at taken+0x" };

	for (int i = 0; i < 100; i++) {
		struct rm_record *named = rm_places_name(p, r);
		unsigned found = 0;

		if (!named)
			return NULL;
		for (size_t k = 0; k < 3; k++)
			found += memmem(named, named->bytes, functions[k], strlen(functions[k])) != NULL;
		if (found == 3)
			return named;
		free(named);
	}
	return NULL;
}

RM_TEST("stacks in a span and in its events get their functions; all else stays as it is")
{
	static _Alignas(8) char memory[65536];
	struct rm_record *r = (struct rm_record *)memory, *named;
	static struct rm_places places;
	struct rm_str text = caller();

	RM_CHECK(has(text, "    at ?? (/") && !has(text, "caller") && has(text, "\nbuild id of /"));
	make(memory, sizeof(memory), text, RM_SPAN_HAS_STACK);
	for (int i = 0; i < 2; i++) { /* the second time it is remembered */
		const struct rm_event *e;

		named = name_all(&places, r);
		RM_CHECK(named && rm_record_valid(named, named->bytes));
		if (!named)
			return;
		e = event_of(named);
		RM_CHECK(has(find(named, "code.stacktrace"), "    at caller+0x") && has(find(named, "code.stacktrace"), "    at main+0x"));
		RM_CHECK(has(find(&e->record, "exception.stacktrace"), "    at taken+0x") && e->time_ns == 7);
		RM_CHECK_STR(find(&e->record, "exception.type"), "int");
		RM_CHECK_STR(rm_event_name(e), "exception");
		RM_CHECK_STR(find(named, "a.key"), "a value");
		RM_CHECK_STR(find(named, "url.path"), "/");
		RM_CHECK_STR(rm_span_name((const struct rm_span *)named), "GET");
		RM_CHECK(((const struct rm_span *)named)->event_count == 1 && named->attr_count == r->attr_count);
		free(named);
	}
	rm_places_fini(&places);
}

RM_TEST("a record without stacks, or with functions already, is left as it is")
{
	static _Alignas(8) char memory[65536];
	static struct rm_places places;

	make(memory, sizeof(memory), RM_STR("    at main+0x1 (/bin/true+0x1)\n"), 0);
	RM_CHECK(rm_places_name(&places, (struct rm_record *)memory) == NULL);
	rm_places_fini(&places);
}

RM_TEST("a place whose build id is another file's, or that is none, keeps its line")
{
	static const char *const lines[] = {
		"    at ?? (/bin/sh+0x10)\nbuild id of /bin/sh: 0123456789abcdef0123456789abcdef01234567\n",
		"    at ?? (/bin/sh+0x10)\n",
		"    at ?? (/dev/null+0x10)\nbuild id of /dev/null: 01\n",
		"    at ?? (/nowhere+0x10)\nbuild id of /nowhere: 0g\n",
		"    at ?? (/+0x)\nbuild id of /: 01\n",
		"    at ?? (/a+0x123456789012345678)\nbuild id of /a: 01\n",
		"    at ?? (/a",
		"    at ?? (/",
	};
	static _Alignas(8) char memory[65536];
	static struct rm_places places;

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct rm_record *named;

		make(memory, sizeof(memory), rm_str_c(lines[i]), 0);
		named = rm_places_name(&places, (struct rm_record *)memory);
		RM_CHECK(named && named->bytes == ((struct rm_record *)memory)->bytes && memcmp(named, memory, named->bytes) == 0);
		free(named);
	}
	rm_places_fini(&places);
}

RM_TEST("texts with any byte changed are read inside their length")
{
	static _Alignas(8) char memory[65536];
	static char text[8192];
	static struct rm_places places;
	struct rm_random random = { { 1, 2, 3, 4 } };
	struct rm_str whole = caller();

	for (int i = 0; i < 2000; i++) {
		struct rm_record *named;

		memcpy(text, whole.p, whole.n);
		for (int k = 0; k < 8; k++)
			text[rm_random_u64(&random) % whole.n] = "/+()x0:\n ?9"[rm_random_u64(&random) % 11];
		make(memory, sizeof(memory), (struct rm_str){ text, whole.n - rm_random_u64(&random) % 16 }, 0);
		named = rm_places_name(&places, (struct rm_record *)memory);
		RM_CHECK(!named || rm_record_valid(named, named->bytes));
		free(named);
	}
	rm_places_fini(&places);
}
