/*
 * The binary protocol of memcached, see memcached.c. A message is a head of 24 bytes and a body, which is stepped over. An
 * answer names the opcode and the number (opaque) of what it answers; between them quiet commands go by unanswered.
 */
#include "base/strbuf.h"
#include "protocols/memcached.h"

enum { RESPONSE = 0x81, HEAD_BYTES = 24, MASK = RM_WAITING_MAX };
enum opcode { GET = 0x00, QUIT = 0x07, STAT = 0x10, QUITQ = 0x17 };

/* Statuses that tell of no failure: found none, found one, not stored, more of a login to come. */
enum status { FINE = 0x00, NOT_FOUND = 0x01, EXISTS = 0x02, NOT_STORED = 0x05, LOGIN_GOES_ON = 0x21 };

enum about { LOUD = 1, QUIET, SILENT, UNTOLD };

/* By opcode; called as the text protocol calls the same. Few wait for the answer of quit. */
static const struct opcode_row {
	char name[12];
	uint8_t about; /* 0: none of memcached's */
} opcodes[] = {
	[0x00] = { "get", LOUD }, [0x01] = { "set", LOUD }, [0x02] = { "add", LOUD }, [0x03] = { "replace", LOUD },
	[0x04] = { "delete", LOUD }, [0x05] = { "incr", LOUD }, [0x06] = { "decr", LOUD }, [QUIT] = { "quit", QUIET },
	[0x08] = { "flush_all", LOUD }, [0x09] = { "get", QUIET }, [0x0a] = { "noop", LOUD },
	[0x0b] = { "version", LOUD }, [0x0c] = { "get", LOUD }, [0x0d] = { "get", QUIET },
	[0x0e] = { "append", LOUD }, [0x0f] = { "prepend", LOUD }, [STAT] = { "stats", LOUD },
	[0x11] = { "set", QUIET }, [0x12] = { "add", QUIET }, [0x13] = { "replace", QUIET },
	[0x14] = { "delete", QUIET }, [0x15] = { "incr", QUIET }, [0x16] = { "decr", QUIET },
	[QUITQ] = { "quit", SILENT }, [0x18] = { "flush_all", QUIET }, [0x19] = { "append", QUIET },
	[0x1a] = { "prepend", QUIET }, [0x1b] = { "verbosity", LOUD }, [0x1c] = { "touch", LOUD },
	[0x1d] = { "gat", LOUD }, [0x1e] = { "gat", QUIET }, [0x20] = { "", UNTOLD }, [0x21] = { "", UNTOLD },
	[0x22] = { "", UNTOLD }, [0x23] = { "gat", LOUD }, [0x24] = { "gat", QUIET },
};

enum { OPCODES = sizeof(opcodes) / sizeof(*opcodes) };

static unsigned about(uint8_t opcode)
{
	return opcode < OPCODES ? opcodes[opcode].about : 0;
}

/* What waits has its opcode for a kind, but 0 is none. */
bool rm_memcached_binary_quiet(const struct rm_waiting *w)
{
	return w->kind != RM_WAITING_PLAIN && about((uint8_t)(w->kind - 1)) == QUIET;
}

static uint32_t key_bytes(const uint8_t *head)
{
	return rm_be16(head + 2);
}

/* Key and extras lie in the body, and there is no other type of data. */
static bool is_sound(const uint8_t *head, uint8_t magic)
{
	return head[0] == magic && about(head[1]) && key_bytes(head) <= RM_MEMCACHED_KEY_BYTES && head[5] == 0 &&
	       key_bytes(head) + head[4] <= rm_be32(head + 8) && rm_be32(head + 8) <= RM_MEMCACHED_VALUE_BYTES;
}

bool rm_memcached_binary_sniff(const uint8_t *p, size_t n)
{
	return n >= HEAD_BYTES && is_sound(p, RM_MEMCACHED_REQUEST) && p[6] == 0 && p[7] == 0;
}

/* ---- requests ---- */

static bool request_head(struct rm_memcached_feed *f, const uint8_t *head)
{
	struct rm_memcached_question q = { .kind = (uint8_t)(head[1] + 1), .n = rm_be32(head + 12) & MASK };

	if (!is_sound(head, RM_MEMCACHED_REQUEST))
		return false;
	q.name = opcodes[head[1]].name;
	q.quiet = about(head[1]) == QUIET;
	q.silent = about(head[1]) == SILENT;
	q.untold = about(head[1]) == UNTOLD;
	rm_frame_body(&f->s->frame[RM_DIR_REQUEST], rm_be32(head + 8), 0);
	return rm_memcached_asked(f, &q);
}

/* ---- answers ---- */

/* Is it the answer of the one that waits at `i`? */
static bool answered_at(struct rm_memcached_feed *f, const uint8_t *head, uint32_t i)
{
	const struct rm_waiting *w = rm_waiting_at(&f->s->queue, f->sink, i);

	if (!w)
		return false;
	if (w->kind == RM_WAITING_PLAIN)
		return about(head[1]) != QUIET;
	return w->kind == head[1] + 1 && w->n == (rm_be32(head + 12) & MASK);
}

/*
 * How many quiet ones went by before the one that this answers; -1: it is nobody's. Two that failed under one number
 * cannot be told apart.
 */
static int64_t gone_by(struct rm_memcached_feed *f, const uint8_t *head, bool failed)
{
	uint32_t last = rm_memcached_quiet(f), i = 0;

	while (i <= last && !answered_at(f, head, i))
		i++;
	if (i > last || (failed && i < last && answered_at(f, head, i + 1)))
		return -1;
	return i;
}

/* Of statistics each is a message, and one without a name ends them. */
static bool is_last(const uint8_t *head)
{
	return head[1] != STAT || key_bytes(head) == 0 || head[6] || head[7];
}

static bool answer_over(struct rm_memcached_feed *f, const uint8_t *head)
{
	uint32_t status = rm_be16(head + 6);
	struct rm_outcome outcome = { .failed = status != FINE && status != NOT_FOUND && status != EXISTS &&
					       status != NOT_STORED && status != LOGIN_GOES_ON };
	char room[2 + 4] = "0x";
	int64_t n;

	if (!is_last(head))
		return true;
	n = gone_by(f, head, outcome.failed);
	if (n < 0)
		return f->s->forgot && about(head[1]) == QUIET;
	if (outcome.failed) {
		rm_hex_encode(head + 6, 2, room + 2);
		outcome.status = (struct rm_str){ room, sizeof(room) };
	}
	rm_memcached_pass(f, (uint32_t)n);
	rm_memcached_answered(f, &outcome);
	return true;
}

/* ---- messages ---- */

static bool messages(struct rm_memcached_feed *f, enum rm_dir dir)
{
	struct rm_frame *frame = &f->s->frame[dir];
	struct rm_str text;

	for (;;) {
		bool ok = true;

		switch (rm_frame_next(frame, dir, f->bytes, &f->at, f->sink, &text)) {
		case RM_FRAME_MORE:
			return true;
		case RM_FRAME_HEAD:
			if (dir == RM_DIR_REQUEST)
				ok = request_head(f, frame->head);
			else if ((ok = is_sound(frame->head, RESPONSE)))
				rm_frame_body(frame, rm_be32(frame->head + 8), 0);
			break;
		case RM_FRAME_TEXT:
			break;
		case RM_FRAME_OVER:
			if (dir == RM_DIR_REQUEST)
				rm_memcached_sent(f);
			else
				ok = answer_over(f, frame->head);
			break;
		case RM_FRAME_BAD:
			return false;
		}
		if (!ok)
			return false;
	}
}

bool rm_memcached_binary_requests(struct rm_memcached_feed *f)
{
	return messages(f, RM_DIR_REQUEST);
}

bool rm_memcached_binary_answers(struct rm_memcached_feed *f)
{
	return messages(f, RM_DIR_RESPONSE);
}
