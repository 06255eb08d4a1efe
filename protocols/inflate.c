/*
 * See inflate.h.
 *
 * HEAD --> BLOCK --stored--> STORED_HEAD --> STORED --> BLOCK, or behind the last one TRAILER --> OVER
 *            |---fixed codes--> SYMBOLS --a length--> COPY --> SYMBOLS
 *            `---codes of its own--> CODE_LENGTHS --> LENGTHS --> SYMBOLS --end of block--> BLOCK, TRAILER
 * Whatever breaks the rules leads to BAD, for good. A step is done as a whole, or not at all and again with more input: the
 * longest has 48 bits.
 */
#include "protocols/inflate.h"

enum state { HEAD, BLOCK, STORED_HEAD, STORED, CODE_LENGTHS, LENGTHS, SYMBOLS, COPY, TRAILER, OVER, BAD };
enum kind { COPIED, FIXED_CODES, OWN_CODES }; /* of blocks */
enum step { DONE, STARVED, FULL, WRONG };

enum {
	DEFLATE = 8,
	DICTIONARY = 0x20,
	TRAILER_BITS = 32,
	CODE_LENGTHS_MAX = 19,
	LITERALS_MAX = 286,
	END_OF_BLOCK = 256,
	LENGTH_FIRST = 257,
	REPEAT = 16, ZEROS, MANY_ZEROS,
};

static const uint16_t length_base[] = { 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131,
					163, 195, 227, 258 };
static const uint8_t length_bits[] = { 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0 };
static const uint16_t distance_base[RM_INFLATE_DISTANCES] = { 1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513,
							      769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577 };

void rm_inflate_init(struct rm_inflate *f)
{
	f->bits = 0;
	f->bit_count = f->written = f->told = f->left = f->distance = 0;
	f->state = HEAD;
	f->last = f->wrapped = false;
}

/* ---- bits ---- */

static void refill(struct rm_inflate *f, struct rm_str *in)
{
	while (f->bit_count <= 56 && in->n) {
		f->bits |= (uint64_t)(uint8_t)*in->p << f->bit_count;
		f->bit_count += 8;
		*in = (struct rm_str){ in->p + 1, in->n - 1 };
	}
}

static uint32_t take(struct rm_inflate *f, uint32_t n)
{
	uint32_t value = (uint32_t)(f->bits & ((UINT64_C(1) << n) - 1));

	f->bits >>= n;
	f->bit_count -= n;
	return value;
}

/* ---- codes ---- */

static uint32_t reversed(uint32_t code, uint32_t n)
{
	uint32_t r = 0;

	for (; n; n--, code >>= 1)
		r = r << 1 | (code & 1);
	return r;
}

/* False: more codes than there can be; or fewer, but for none at all, and a single one of one bit. */
static bool is_code(const uint16_t *count, uint32_t n)
{
	int32_t left = 1;

	for (int i = 1; i <= RM_INFLATE_LENGTH_MAX; i++) {
		left = left * 2 - count[i];
		if (left < 0)
			return false;
	}
	return left == 0 || n - count[0] == 0 || (n - count[0] == 1 && count[1] == 1);
}

static bool make_code(struct rm_inflate_code *c, const uint8_t *lengths, uint32_t n)
{
	uint16_t at[RM_INFLATE_LENGTH_MAX + 2] = { 0 }, code[RM_INFLATE_LENGTH_MAX + 2] = { 0 };

	memset(c->count, 0, sizeof(c->count));
	memset(c->quick, 0, sizeof(c->quick));
	for (uint32_t i = 0; i < n; i++)
		c->count[lengths[i]]++;
	if (!is_code(c->count, n))
		return false;
	for (int i = 1; i <= RM_INFLATE_LENGTH_MAX; i++) {
		at[i + 1] = (uint16_t)(at[i] + c->count[i]);
		code[i + 1] = (uint16_t)((code[i] + c->count[i]) << 1);
	}
	for (uint32_t i = 0; i < n; i++) {
		uint32_t length = lengths[i], from;

		if (!length)
			continue;
		c->symbol[at[length]++] = (uint16_t)i;
		from = reversed(code[length]++, length);
		for (; length <= RM_INFLATE_QUICK_BITS && from < 1 << RM_INFLATE_QUICK_BITS; from += 1u << length)
			c->quick[from] = (uint16_t)(i << 4 | length);
	}
	return true;
}

/* The symbol that the bits begin with, and its length. 0: it needs more bits than are here; negative: it is none. */
static int decode(const struct rm_inflate_code *c, uint64_t bits, uint32_t bit_count, uint32_t *ret)
{
	uint32_t entry = c->quick[bits & ((1 << RM_INFLATE_QUICK_BITS) - 1)], code = 0, first = 0, index = 0;

	if (entry) {
		*ret = entry >> 4;
		return (entry & 15) <= bit_count ? (int)(entry & 15) : 0;
	}
	for (uint32_t n = 1; n <= RM_INFLATE_LENGTH_MAX; n++, first <<= 1, code <<= 1, bits >>= 1) {
		if (n > bit_count)
			return 0;
		code |= bits & 1;
		if (code - first < c->count[n]) {
			*ret = c->symbol[index + code - first];
			return (int)n;
		}
		index += c->count[n];
		first += c->count[n];
	}
	return -1;
}

static bool fixed_codes(struct rm_inflate *f)
{
	memset(f->lengths, 8, RM_INFLATE_SYMBOLS);
	memset(f->lengths + 144, 9, 256 - 144);
	memset(f->lengths + 256, 7, 280 - 256);
	if (!make_code(&f->literal, f->lengths, RM_INFLATE_SYMBOLS))
		return false;
	/* 32 codes make it whole, of which two are never used. */
	memset(f->lengths, 5, 32);
	return make_code(&f->distance_code, f->lengths, 32);
}

/* ---- blocks ---- */

static enum step head(struct rm_inflate *f)
{
	uint32_t value;

	if (f->bit_count < 16)
		return STARVED;
	value = take(f, 16);
	f->state = BLOCK;
	value = (value & 0xff) << 8 | value >> 8;
	return (value >> 8 & 15) == DEFLATE && value >> 12 <= 7 && !(value & DICTIONARY) && value % 31 == 0 ? DONE : WRONG;
}

static enum step block(struct rm_inflate *f)
{
	if (f->bit_count < 3 || (f->bit_count < 3 + 5 + 5 + 4 && (f->bits >> 1 & 3) == OWN_CODES))
		return STARVED;
	f->last = take(f, 1);
	switch (take(f, 2)) {
	case COPIED:
		f->state = STORED_HEAD;
		return DONE;
	case FIXED_CODES:
		f->state = SYMBOLS;
		return fixed_codes(f) ? DONE : WRONG;
	case OWN_CODES:
		f->literals = (uint16_t)(take(f, 5) + LENGTH_FIRST);
		f->distances = (uint16_t)(take(f, 5) + 1);
		f->code_lengths = (uint16_t)(take(f, 4) + 4);
		f->lengths_n = 0;
		memset(f->lengths, 0, CODE_LENGTHS_MAX);
		f->state = CODE_LENGTHS;
		return f->literals <= LITERALS_MAX && f->distances <= RM_INFLATE_DISTANCES ? DONE : WRONG;
	}
	return WRONG;
}

static enum step stored_head(struct rm_inflate *f)
{
	uint32_t padding = f->bit_count % 8, n;

	if (f->bit_count - padding < 32)
		return STARVED;
	take(f, padding);
	n = take(f, 16);
	f->left = n;
	f->state = STORED;
	return take(f, 16) == (n ^ 0xffff) ? DONE : WRONG;
}

static void block_over(struct rm_inflate *f)
{
	f->state = f->last ? TRAILER : BLOCK;
}

static enum step code_lengths(struct rm_inflate *f)
{
	static const uint8_t order[CODE_LENGTHS_MAX] = { 16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15 };

	for (; f->lengths_n < f->code_lengths; f->lengths_n++) {
		if (f->bit_count < 3)
			return STARVED;
		f->lengths[order[f->lengths_n]] = (uint8_t)take(f, 3);
	}
	f->lengths_n = 0;
	f->state = LENGTHS;
	/* This one may not be of a single one. */
	return make_code(&f->literal, f->lengths, CODE_LENGTHS_MAX) && f->literal.count[0] != CODE_LENGTHS_MAX - 1 ? DONE : WRONG;
}

static enum step both_codes(struct rm_inflate *f)
{
	f->state = SYMBOLS;
	return f->lengths[END_OF_BLOCK] && make_code(&f->literal, f->lengths, f->literals) &&
	       make_code(&f->distance_code, f->lengths + f->literals, f->distances) ? DONE : WRONG;
}

/* One of the lengths, or several that are the same. */
static enum step lengths(struct rm_inflate *f)
{
	uint32_t all = (uint32_t)f->literals + f->distances, symbol, more, times = 1;
	uint8_t value = 0;
	int n;

	if (f->lengths_n == all)
		return both_codes(f);
	n = decode(&f->literal, f->bits, f->bit_count, &symbol);
	if (n < 0)
		return WRONG;
	more = symbol == REPEAT ? 2 : symbol == ZEROS ? 3 : symbol == MANY_ZEROS ? 7 : 0;
	if (n == 0 || (uint32_t)n + more > f->bit_count)
		return STARVED;
	take(f, (uint32_t)n);
	if (symbol < REPEAT)
		value = (uint8_t)symbol;
	else
		times = take(f, more) + (symbol == MANY_ZEROS ? 11 : 3);
	if (symbol == REPEAT) {
		if (!f->lengths_n)
			return WRONG;
		value = f->lengths[f->lengths_n - 1];
	}
	if (f->lengths_n + times > all)
		return WRONG;
	memset(f->lengths + f->lengths_n, value, times);
	f->lengths_n = (uint16_t)(f->lengths_n + times);
	return DONE;
}

/* ---- data ---- */

static enum step stored(struct rm_inflate *f, struct rm_str *in)
{
	uint32_t room, n;

	while (f->left && f->bit_count && f->written < RM_INFLATE_WINDOW_BYTES) {
		f->window[f->written++] = (uint8_t)take(f, 8);
		f->left--;
	}
	room = RM_INFLATE_WINDOW_BYTES - f->written;
	n = f->left < room ? f->left : room;
	n = n < in->n ? n : (uint32_t)in->n;
	if (n) {
		memcpy(f->window + f->written, in->p, n);
		*in = (struct rm_str){ in->p + n, in->n - n };
		f->written += n;
		f->left -= n;
	}
	if (!f->left)
		block_over(f);
	return f->written == RM_INFLATE_WINDOW_BYTES ? FULL : f->left ? STARVED : DONE;
}

static enum step copy(struct rm_inflate *f)
{
	uint32_t to = f->written, room = RM_INFLATE_WINDOW_BYTES - to, n = f->left < room ? f->left : room;

	f->left -= n;
	f->written += n;
	for (uint32_t from = to - f->distance; n; n--, to++, from++)
		f->window[to] = f->window[from & (RM_INFLATE_WINDOW_BYTES - 1)];
	if (!f->left)
		f->state = SYMBOLS;
	return f->written == RM_INFLATE_WINDOW_BYTES ? FULL : DONE;
}

/* Behind the code of a length, `used` bits of what is here: the rest of it, and the distance. */
static enum step match(struct rm_inflate *f, uint32_t symbol, uint32_t used)
{
	uint32_t length, more, distance = 0;
	int n;

	symbol -= LENGTH_FIRST;
	if (symbol >= sizeof(length_bits))
		return WRONG;
	more = length_bits[symbol];
	length = length_base[symbol] + (uint32_t)(f->bits >> used & ((1u << more) - 1));
	used += more;
	if (used > f->bit_count)
		return STARVED;
	n = decode(&f->distance_code, f->bits >> used, f->bit_count - used, &distance);
	if (n < 0 || (n && distance >= RM_INFLATE_DISTANCES))
		return WRONG;
	more = distance < 4 ? 0 : distance / 2 - 1;
	if (n == 0 || used + (uint32_t)n + more > f->bit_count)
		return STARVED;
	take(f, used + (uint32_t)n);
	f->distance = distance_base[distance] + take(f, more);
	f->left = length;
	f->state = COPY;
	return f->wrapped || f->distance <= f->written ? DONE : WRONG;
}

static enum step symbols(struct rm_inflate *f, struct rm_str *in)
{
	uint32_t symbol = 0;
	int n;

	while (f->written < RM_INFLATE_WINDOW_BYTES) {
		refill(f, in);
		n = decode(&f->literal, f->bits, f->bit_count, &symbol);
		if (n <= 0)
			return n ? WRONG : STARVED;
		if (symbol > END_OF_BLOCK)
			return match(f, symbol, (uint32_t)n);
		take(f, (uint32_t)n);
		if (symbol == END_OF_BLOCK) {
			block_over(f);
			return DONE;
		}
		f->window[f->written++] = (uint8_t)symbol;
	}
	return FULL;
}

static enum step trailer(struct rm_inflate *f)
{
	uint32_t padding = f->bit_count % 8;

	if (f->bit_count - padding < TRAILER_BITS)
		return STARVED;
	take(f, padding);
	take(f, TRAILER_BITS);
	f->state = OVER;
	return f->bit_count ? WRONG : DONE;
}

/* ---- steps ---- */

static enum step step(struct rm_inflate *f, struct rm_str *in)
{
	if (f->state != STORED)
		refill(f, in);
	switch ((enum state)f->state) {
	case HEAD:
		return head(f);
	case BLOCK:
		return block(f);
	case STORED_HEAD:
		return stored_head(f);
	case STORED:
		return stored(f, in);
	case CODE_LENGTHS:
		return code_lengths(f);
	case LENGTHS:
		return lengths(f);
	case SYMBOLS:
		return symbols(f, in);
	case COPY:
		return copy(f);
	case TRAILER:
		return trailer(f);
	case OVER:
	case BAD:
		break;
	}
	return WRONG;
}

/* What was written and not told. */
static bool tell(struct rm_inflate *f, struct rm_str *ret)
{
	if (f->written == f->told)
		return false;
	*ret = (struct rm_str){ (const char *)f->window + f->told, f->written - f->told };
	f->told = f->written;
	if (f->written == RM_INFLATE_WINDOW_BYTES) {
		f->written = f->told = 0;
		f->wrapped = true;
	}
	return true;
}

enum rm_inflate_event rm_inflate_next(struct rm_inflate *f, struct rm_str *in, struct rm_str *ret)
{
	enum step done = DONE;

	while (done == DONE && f->state != OVER && f->state != BAD)
		done = step(f, in);
	if (done == WRONG)
		f->state = BAD;
	/* First what stands before the fault: so it is told wherever the input is cut. */
	if (tell(f, ret))
		return RM_INFLATE_SOME;
	return f->state == BAD ? RM_INFLATE_BAD : f->state == OVER ? RM_INFLATE_OVER : RM_INFLATE_MORE;
}
