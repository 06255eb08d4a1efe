/* See mongodb_packed.h. Not unpacked is what zstd compressed. */
#include "protocols/mongodb_packed.h"

#include "protocols/frame.h"
#include "protocols/inflate.h"
#include "protocols/snappy.h"

enum compressor { NOOP, SNAPPY, ZLIB };
enum { HEAD_BYTES = 9 };

/* The beginning of it lies in the window, as long as that has not come round. */
static bool inflate(struct rm_inflate *f, struct rm_str in, uint32_t most, uint32_t size, bool whole, struct rm_str *ret)
{
	enum rm_inflate_event event = RM_INFLATE_MORE;
	uint32_t n = 0;
	struct rm_str some;

	rm_inflate_init(f);
	while (n < most && (event = rm_inflate_next(f, &in, &some)) == RM_INFLATE_SOME) {
		if (some.n > size - n)
			return false;
		n += (uint32_t)some.n;
	}
	*ret = (struct rm_str){ (const char *)f->window, n < most ? n : most };
	if (n >= most)
		return true;
	return event == RM_INFLATE_OVER ? whole && n == size : event == RM_INFLATE_MORE && !whole;
}

static bool unsnap(char *out, struct rm_str in, uint32_t most, uint32_t size, bool whole, struct rm_str *ret)
{
	uint32_t in_all = 0;
	int64_t n = rm_snappy_begin(in, out, most, &in_all);

	if (n < 0 || in_all != size)
		return false;
	*ret = (struct rm_str){ out, (size_t)n };
	return !whole || n == (size < most ? size : most);
}

bool rm_mongodb_unpack(struct rm_sink *sink, uint32_t bytes, uint32_t most, struct rm_str *text, uint32_t *ret_code)
{
	const uint8_t *head = (const uint8_t *)text->p;
	bool whole = text->n == bytes;
	struct rm_str packed;
	uint32_t size;
	void *room;

	if (text->n < HEAD_BYTES || most > RM_INFLATE_WINDOW_BYTES)
		return false;
	*ret_code = rm_le32(head);
	size = rm_le32(head + 4);
	packed = rm_str_behind(*text, HEAD_BYTES);
	if (head[8] == NOOP) {
		*text = packed;
		return size == bytes - HEAD_BYTES;
	}
	if (head[8] != SNAPPY && head[8] != ZLIB)
		return false;
	room = sink->on->scratch(sink, sizeof(struct rm_inflate));
	if (!room)
		return false;
	return head[8] == ZLIB ? inflate(room, packed, most, size, whole, text) : unsnap(room, packed, most, size, whole, text);
}
