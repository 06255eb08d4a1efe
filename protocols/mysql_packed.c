/*
 * The compressed protocol of MySQL and MariaDB: behind the login, frames carry the packets of both directions, which may be cut
 * anywhere. A frame is as it is, or one stream of zlib's. It is all inflated, into a window in the stash, for packets to be stepped over.
 *
 * HEAD --7 bytes--> PLAIN, or ZLIB --its last byte--> HEAD
 *
 * Frames are numbered as packets are without: 0 begins a command, and both sides go on counting. The numbers of the packets in them
 * are set to those of frames by whoever flushes, so that they jump within an answer, and within a query of more than 16 MiB: they
 * say only whether a command begins.
 * What breaks the rules, and what is compressed in another way (zstd), mutes.
 * Context: hook, connection locked.
 * Spec: MySQL, "Compression"; MariaDB, "0-packet", "Compressed packet".
 */
#include "protocols/inflate.h"
#include "protocols/mysql.h"

static enum rm_stash stash_of(enum rm_dir dir)
{
	return dir == RM_DIR_REQUEST ? RM_STASH_REQUEST_UNPACKED : RM_STASH_RESPONSE_UNPACKED;
}

bool rm_mysql_pack(struct rm_mysql *s)
{
	s->packs = false;
	s->packed = true;
	return rm_frame_between(&s->way[RM_DIR_REQUEST].frame) && rm_frame_between(&s->way[RM_DIR_RESPONSE].frame);
}

static bool in_order(const struct rm_mysql *s, enum rm_dir dir, uint8_t before)
{
	uint8_t now = s->pack[dir].seq, next = (uint8_t)(before + 1);

	if (dir == RM_DIR_RESPONSE)
		return now == next || now == 1 || now == (uint8_t)(s->pack[RM_DIR_REQUEST].seq + 1);
	return now == 0 || now == next || now == (uint8_t)(s->pack[RM_DIR_RESPONSE].seq + 1);
}

/* A whole head. False: left alone. */
static bool begin(struct rm_mysql *s, enum rm_dir dir, struct rm_sink *sink)
{
	struct rm_mysql_pack *p = &s->pack[dir];
	uint8_t before = p->seq;
	struct rm_inflate *f;

	p->left = rm_le24(p->head);
	p->plain = rm_le24(p->head + 4);
	p->seq = p->head[3];
	if (!in_order(s, dir, before))
		return false;
	if (!p->plain) {
		p->head_n = p->left ? p->head_n : 0;
		return true;
	}
	f = (void *)sink->on->stash(sink, stash_of(dir), sizeof(*f));
	if (!f || !p->left)
		return false;
	rm_inflate_init(f);
	return true;
}

static void over(struct rm_mysql_pack *p, enum rm_dir dir, struct rm_sink *sink)
{
	if (p->plain)
		sink->on->unstash(sink, stash_of(dir));
	p->head_n = 0;
}

/* A piece of what zlib compressed. *ret_whole: its end was seen. False: left alone. */
static bool inflate(struct rm_mysql *s, enum rm_dir dir, struct rm_str piece, struct rm_sink *sink, void *conn)
{
	struct rm_inflate *f = (void *)sink->on->stash(sink, stash_of(dir), sizeof(*f));
	struct rm_mysql_pack *p = &s->pack[dir];
	struct rm_str plain;

	p->left -= (uint32_t)piece.n;
	while (f)
		switch (rm_inflate_next(f, &piece, &plain)) {
		case RM_INFLATE_SOME:
			if (plain.n > p->plain - p->given || !rm_mysql_packets(s, dir, plain, sink, conn))
				return false;
			p->given += (uint32_t)plain.n;
			break;
		case RM_INFLATE_MORE:
			return p->left;
		case RM_INFLATE_OVER:
			return !p->left && !piece.n && p->given == p->plain;
		case RM_INFLATE_BAD:
			return false;
		}
	return false;
}

bool rm_mysql_unpack(struct rm_mysql *s, enum rm_dir dir, struct rm_str bytes, struct rm_sink *sink, void *conn)
{
	struct rm_mysql_pack *p = &s->pack[dir];

	while (bytes.n) {
		bool heads = p->head_n < RM_MYSQL_PACK_HEAD_BYTES;
		size_t missing = heads ? (size_t)(RM_MYSQL_PACK_HEAD_BYTES - p->head_n) : p->left;
		struct rm_str piece = { bytes.p, bytes.n < missing ? bytes.n : missing };
		bool ok = true;

		if (heads) {
			memcpy(p->head + p->head_n, piece.p, piece.n);
			p->head_n += (uint8_t)piece.n;
			p->given = 0;
			ok = p->head_n < RM_MYSQL_PACK_HEAD_BYTES || begin(s, dir, sink);
		} else if (p->plain) {
			ok = inflate(s, dir, piece, sink, conn);
		} else {
			p->left -= (uint32_t)piece.n;
			ok = rm_mysql_packets(s, dir, piece, sink, conn);
		}
		if (!ok)
			return false;
		if (!heads && !p->left)
			over(p, dir, sink);
		bytes = rm_str_behind(bytes, piece.n);
	}
	return true;
}
