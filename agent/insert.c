/* See insert.h. Runs in hooks; writes to the program's memory and nowhere else. */
#include "agent/insert.h"

#include <errno.h>

#include "agent/hookapi.h"

enum { PAGE = 4096 };

void rm_cursor_seek(struct rm_cursor *c, size_t at)
{
	for (c->i = 0; c->i < c->count && at >= c->iov[c->i].iov_len; c->i++)
		at -= c->iov[c->i].iov_len;
	c->off = at;
}

static char *byte_at(const struct iovec *iov, int count, size_t at)
{
	struct rm_cursor c = { .iov = iov, .count = count };

	rm_cursor_seek(&c, at);
	return (char *)iov[c.i].iov_base + c.off;
}

/* Moves the bytes [at, end) up by `by`, last one first. */
static void shift(const struct iovec *iov, int count, size_t at, size_t end, size_t by)
{
	if (count == 1) {
		memmove((char *)iov->iov_base + at + by, (char *)iov->iov_base + at, end - at);
		return;
	}
	while (end-- > at)
		*byte_at(iov, count, end + by) = *byte_at(iov, count, end);
}

static void put(const struct iovec *iov, int count, size_t at, const char *text, size_t n)
{
	struct rm_cursor c = { .iov = iov, .count = count };

	if (count == 1) {
		memcpy((char *)iov->iov_base + at, text, n);
		return;
	}
	for (rm_cursor_seek(&c, at); n > 0; c.i++, c.off = 0) {
		size_t room = iov[c.i].iov_len - c.off, take = n < room ? n : room;

		memcpy((char *)iov[c.i].iov_base + c.off, text, take);
		text += take;
		n -= take;
	}
}

bool rm_insert_grows(const struct rm_visit *v)
{
	for (uint32_t i = 0; i < v->edit_count; i++)
		if (v->edits[i].ins_bytes > v->edits[i].del)
			return true;
	return false;
}

size_t rm_insert_apply(struct rm_visit *v, const struct iovec *iov, int count, size_t filled)
{
	size_t grown = 0;

	for (uint32_t i = v->edit_count; i-- > 0;) {
		const struct rm_edit *e = &v->edits[i];

		if (e->ins_bytes > e->del) {
			shift(iov, count, e->at + e->del, filled + grown, e->ins_bytes - e->del);
			grown += e->ins_bytes - e->del;
		}
		put(iov, count, e->at, e->text ? rm_text_at(e->text) : v->line, e->ins_bytes);
		rm_text_put(e->text);
	}
	v->edit_count = 0;
	v->line_used = false;
	return grown;
}

void rm_insert_drop(struct rm_visit *v)
{
	for (uint32_t i = 0; i < v->edit_count; i++)
		rm_text_put(v->edits[i].text);
	v->edit_count = 0;
	v->line_used = false;
}

bool rm_error_is_fatal(int error)
{
	return error == ECONNRESET || error == EPIPE || error == ETIMEDOUT || error == ECONNABORTED ||
	       error == EHOSTUNREACH || error == ENETUNREACH || error == ECONNREFUSED;
}

uint32_t rm_insert_room(const struct iovec *iov, int count, size_t filled, size_t room)
{
	size_t want = RM_TX_EDITS * RM_INGRESS_RESERVE, left;
	struct rm_cursor c = { .iov = iov, .count = count };
	uintptr_t page;

	want = want < room - filled ? want : room - filled;
	page = ((uintptr_t)iov->iov_base + filled - 1) / PAGE;
	if (count == 1 && ((uintptr_t)iov->iov_base + filled + want - 1) / PAGE == page)
		return (uint32_t)want;
	rm_cursor_seek(&c, filled - 1);
	page = (uintptr_t)((char *)iov[c.i].iov_base + c.off) / PAGE;
	for (left = want, rm_cursor_seek(&c, filled); left > 0; c.i++, c.off = 0) {
		char *p = (char *)iov[c.i].iov_base + c.off;
		size_t n = iov[c.i].iov_len - c.off < left ? iov[c.i].iov_len - c.off : left;
		size_t there = (uintptr_t)p / PAGE == page ? PAGE - (uintptr_t)p % PAGE : 0;

		if (n > there && !rm_may_write(p + there, n - there))
			return 0;
		left -= n;
	}
	return (uint32_t)want;
}
