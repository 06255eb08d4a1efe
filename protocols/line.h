/*
 * Protocols of lines: cuts one direction at LF, or CR LF. Context: hook, connection locked.
 */
#ifndef RM_PROTOCOLS_LINE_H
#define RM_PROTOCOLS_LINE_H

#include "protocols/proto.h"

struct rm_line {
	uint16_t kept; /* bytes of a line that is not whole yet, in the stash of its direction */
	bool cut;      /* more bytes of the line than the caller wants went by */
	bool over;     /* the line was given to the caller */
};

enum rm_line_step { RM_LINE_MORE, RM_LINE_WHOLE, RM_LINE_NO_MEMORY };

/*
 * Goes on at p[*at] to the end of a line, or to the end of the bytes. `ret` is the line without its end, valid until the
 * next call; of one that is longer than `most` bytes the beginning, and `cut` says so.
 */
enum rm_line_step rm_line_next(struct rm_line *l, enum rm_dir dir, struct rm_str bytes, size_t *at, uint16_t most,
			       struct rm_sink *sink, struct rm_str *ret);

/* Gives back what is kept. */
void rm_line_forget(struct rm_line *l, enum rm_dir dir, struct rm_sink *sink);

#endif
