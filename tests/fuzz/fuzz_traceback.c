/*
 * Stacks that programs print or report, exporters/traceback.c. The input is the text. What must hold for any input: all
 * that is found are slices of it, the frames belong to what was raised, each to one and in order, and there are no more of either
 * than there is room for, which is said.
 */
#include <stdlib.h>
#include <string.h>

#include "exporters/traceback.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check(bool condition)
{
	if (!condition)
		abort();
}

static void check_slice(struct rm_str s, struct rm_str text)
{
	check(s.n == 0 || (s.p >= text.p && s.n <= text.n && s.p <= text.p + text.n - s.n));
	check(s.n == 0 || !memchr(s.p, '\n', s.n));
}

static void check_found(const struct rm_traceback *t, struct rm_str text)
{
	uint32_t frames = 0;

	check(t->language && t->frame_count > 0 && t->frame_count <= RM_TRACEBACK_FRAMES);
	check(t->raised_count > 0 && t->raised_count <= RM_TRACEBACK_RAISED);
	for (uint32_t i = 0; i < t->raised_count; i++) {
		const struct rm_traceback_raised *r = &t->raised[i];

		check(r->count <= t->frame_count && r->first <= t->frame_count - r->count);
		check_slice(r->type, text);
		check_slice(r->message, text);
		frames += r->count;
	}
	check(frames == t->frame_count);
	for (uint32_t i = 0; i < t->frame_count; i++) {
		check_slice(t->frame[i].path, text);
		check_slice(t->frame[i].function, text);
		check_slice(t->frame[i].code, text);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct rm_traceback t;
	char *copy = malloc(n); /* of exactly this size */
	struct rm_str text = { n ? memcpy(copy, data, n) : NULL, n };

	memset(&t, 0xee, sizeof(t));
	if (rm_traceback_read(text, &t))
		check_found(&t, text);
	free(copy);
	return 0;
}
