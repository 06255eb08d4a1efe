/*
 * Reads what zlib compressed, piece by piece: what protocols carry compressed, of which only little is wanted, but which
 * has to be read to be stepped over. No memory but the struct, which may lie in a stash; each call takes as long as the bytes that it
 * reads and gives, which the program has to inflate, too. The checksum behind the data is not looked at: whoever is to have the
 * data does that.
 * Context: any, signal-safe. Spec: RFC 1950, RFC 1951.
 */
#ifndef RM_PROTOCOLS_INFLATE_H
#define RM_PROTOCOLS_INFLATE_H

#include "base/str.h"

enum {
	RM_INFLATE_WINDOW_BYTES = 32768,
	RM_INFLATE_SYMBOLS = 288,
	RM_INFLATE_DISTANCES = 30,
	RM_INFLATE_LENGTH_MAX = 15,  /* bits of a code */
	RM_INFLATE_QUICK_BITS = 10,  /* codes up to that length are found at once */
};

/* A canonical Huffman code. */
struct rm_inflate_code {
	uint16_t quick[1 << RM_INFLATE_QUICK_BITS]; /* by the next bits: symbol << 4 | length; 0: longer, or none */
	uint16_t count[RM_INFLATE_LENGTH_MAX + 1];  /* codes of each length */
	uint16_t symbol[RM_INFLATE_SYMBOLS];        /* in the order of codes */
};

struct rm_inflate {
	uint64_t bits;       /* read, but not used yet */
	uint32_t bit_count;
	uint32_t written;    /* of the window, from its beginning on */
	uint32_t told;       /* of that */
	uint32_t left;       /* of a stored block, or of a copy */
	uint32_t distance;   /* of that */
	uint16_t lengths_n, literals, distances, code_lengths; /* of a block's codes: how many are read, and to be read */
	uint8_t state;
	bool last;           /* this block is */
	bool wrapped;        /* all of the window was written */
	uint8_t lengths[RM_INFLATE_SYMBOLS + 32];
	struct rm_inflate_code literal, distance_code;
	uint8_t window[RM_INFLATE_WINDOW_BYTES];
};

enum rm_inflate_event {
	RM_INFLATE_MORE, /* all of the input is used up */
	RM_INFLATE_SOME, /* here are more of the plain bytes */
	RM_INFLATE_OVER, /* the data are at their end; what is left of the input is not theirs */
	RM_INFLATE_BAD,
};

void rm_inflate_init(struct rm_inflate *f);

/* Goes on with *in, which is shortened by what was used. `ret` is set at SOME, and valid until the next call. */
enum rm_inflate_event rm_inflate_next(struct rm_inflate *f, struct rm_str *in, struct rm_str *ret);

#endif
