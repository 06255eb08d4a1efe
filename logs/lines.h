/*
 * From the pieces that a program writes to a stream to entries: lines, put together again where a line came in
 * several pieces, and kept together where several lines are one thing. Knows text only: no clock, no memory of
 * its own, no I/O. Context of all: any, signal-safe.
 */
#ifndef RM_LOGS_LINES_H
#define RM_LOGS_LINES_H

#include "base/str.h"
#include "logs/shape.h"

/* Which span something belongs to; zero: none that is known. */
struct rm_log_trace {
	uint8_t trace_id[16];
	uint8_t span_id[8];
	uint8_t flags;
};

/* What one call wrote, or a part of it. Pieces are fed in the order in which they were written. */
struct rm_piece {
	struct rm_str text;
	uint64_t time_ns;
	struct rm_log_trace trace;
	uint32_t lost_bytes; /* which the call wrote behind it, and nobody has */
	bool begins;	     /* a call begins with it; else it goes on with the last one's */
	bool shared;	     /* may hold what was printed for others */
};

/* A log record in the making. Slices are valid during the call that gives it. */
struct rm_entry {
	struct rm_str text; /* without the end of its last line */
	uint64_t time_ns;   /* when it began */
	struct rm_log_trace trace;
	uint64_t lost_bytes; /* of it: more than there is room for, or never seen */
};

typedef void (*rm_entry_fn)(void *arg, const struct rm_entry *entry);

enum { RM_ENTRY_MAX_BYTES = 64 * 1024 };

/* Whom something belongs to, as far as it came. */
struct rm_lines_part {
	uint64_t time_ns; /* when it began */
	struct rm_log_trace trace;
	uint64_t lost_bytes;
	bool doubtful; /* it belongs to nobody: parts of it are others', or nobody knows whose */
	bool touched;  /* the call that is being fed has a part in it */
};

/*
 * A stream. Zeroed but for `text` and `cap` (or `grow`) at its beginning. `text` has the lines of the entry that
 * is being made, up to `whole`; behind them the line that has no end yet.
 */
struct rm_lines {
	char *text;
	size_t cap;
	/* Makes `cap` at least `need`, which is RM_ENTRY_MAX_BYTES at most; false: it stays. NULL: never. */
	bool (*grow)(struct rm_lines *l, size_t need);
	size_t n, whole;
	struct rm_lines_part entry, line;
	bool together; /* one call has a part in both */
	bool broken;   /* the call that is being fed has parts that nobody saw */
	bool blank;    /* the last whole line is blank */
	struct rm_shape shape;
	uint64_t skipped; /* bytes of entries that are no text */
};

/* Takes a piece; gives the entries that it ends. */
void rm_lines_feed(struct rm_lines *l, const struct rm_piece *piece, rm_entry_fn emit, void *arg);

/* Pieces are missing here: nothing before belongs to what follows. */
void rm_lines_gap(struct rm_lines *l, rm_entry_fn emit, void *arg);

/* Nothing came for a while: gives the entry, if its last line has an end. */
void rm_lines_rest(struct rm_lines *l, rm_entry_fn emit, void *arg);

/* Nothing more will come: gives what there is. */
void rm_lines_end(struct rm_lines *l, rm_entry_fn emit, void *arg);

/* True when rm_lines_rest has something to give. */
bool rm_lines_waits(const struct rm_lines *l);

#endif
