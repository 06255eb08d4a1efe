/* The checking sink. See watch.h. */
#include "tests/replay/watch.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "protocols/http2_frame.h"
#include "tests/replay/watch_log.h"

enum { GUARDED_MAX_BYTES = 4 << 20, PAGE = 4096 };

/* Every byte of them can be read, as far as asan looks. */
static void check_fields(const struct rm_head *h)
{
	volatile char sum = 0;

	MUST(h->field_count <= RM_FIELDS_MAX);
	for (uint32_t i = 0; i < h->field_count; i++) {
		MUST(h->fields[i].name.n > 0);
		for (size_t k = 0; k < h->fields[i].name.n; k++)
			sum = (char)(sum ^ h->fields[i].name.p[k]);
		for (size_t k = 0; k < h->fields[i].value.n; k++)
			sum = (char)(sum ^ h->fields[i].value.p[k]);
	}
}

/* The frame that ends the block is what it is said to be, and lies where; so does what it may lose. */
static void check_block(const struct watch *w, const struct rm_block *b, uint32_t end)
{
	struct rm_http2_frame f;
	const uint8_t *p;

	MUST(b->frame_at + b->frame_bytes == end && end <= w->fed_bytes);
	MUST(b->frame_bytes == RM_HTTP2_FRAME_HEAD + b->prefix_bytes + b->fragment.n);
	MUST(b->old_at + b->old_bytes <= b->fragment.n);
	if (b->frame_at < 0)
		return;
	p = (const uint8_t *)w->fed + b->frame_at;
	f = rm_http2_frame_read(p);
	MUST(f.type == b->type && f.flags == b->flags && f.stream == b->stream && f.flags & RM_HTTP2_END_HEADERS);
	MUST(f.bytes == b->prefix_bytes + b->fragment.n + b->pad);
	p += RM_HTTP2_FRAME_HEAD;
	MUST(memcmp(p, b->prefix, b->prefix_bytes) == 0);
	MUST(memcmp(p + b->prefix_bytes, b->fragment.p, b->fragment.n) == 0);
}

/* The value of the traceparent lies where it is said to. */
static void check_gateway(const struct watch *w, const struct rm_head *h, uint32_t end)
{
	int64_t at = h->gateway->traceparent_at;
	const struct rm_field *last = NULL;

	MUST(end <= w->fed_bytes && h->gateway->name);
	for (uint32_t i = 0; i < h->field_count; i++)
		if (rm_str_eq(h->fields[i].name, RM_STR("traceparent")))
			last = &h->fields[i];
	if (at == RM_NOWHERE || !last || at < 0 || h->fields_cut)
		return;
	MUST((size_t)at + last->value.n <= end);
	MUST(last->value.n == 0 || memmem(w->fed + at, end - (size_t)at, last->value.p, last->value.n));
}

static void check_head(const struct watch *w, const struct rm_head *h)
{
	struct rm_str raw = h->raw;

	if (w->fields_anywhere) {
		check_fields(h);
		return;
	}
	MUST(raw.n > 0 && raw.n <= RM_HEAD_MAX_BYTES && raw.p[raw.n - 1] == '\n');
	MUST(h->field_count <= RM_FIELDS_MAX);
	MUST(inside(h->method, raw) && inside(h->target, raw) && inside(h->version, raw) &&
	     inside(h->authority, raw));
	for (uint32_t i = 0; i < h->field_count; i++)
		MUST(inside(h->fields[i].name, raw) && inside(h->fields[i].value, raw));
	MUST(h->fed_from <= raw.n && h->fed_at + (raw.n - h->fed_from) < w->fed_bytes);
	MUST(memcmp(raw.p + h->fed_from, w->fed + h->fed_at, raw.n - h->fed_from) == 0);
	/* In place, or in the stash: nowhere else. */
	if (h->fed_from == 0 && raw.p == w->fed + h->fed_at)
		return;
	MUST(raw.p == w->stash[w->fed_dir] && raw.n <= w->stash_bytes[w->fed_dir]);
}

static void log_fields(struct watch *w, const struct rm_head *h)
{
	if (h->gateway)
		log_part(w, "client", h->gateway->client);
	if (h->scheme.n) {
		fputs("  scheme ", w->log);
		put_escaped(w->log, h->scheme);
		fputc('\n', w->log);
	}
	if (h->authority.n) {
		fputs("  authority ", w->log);
		put_escaped(w->log, h->authority);
		fputc('\n', w->log);
	}
	log_list(w, h->fields, h->field_count);
	if (h->fields_cut)
		fputs("  more fields\n", w->log);
}

static rm_xid on_request(struct rm_sink *sink, void *conn)
{
	struct watch *w = watch_of(sink);
	uint32_t n = w->exchange_count;

	MUST(conn == w);
	w->exchanges = realloc(w->exchanges, (n + 1) * sizeof(*w->exchanges));
	w->exchanges[n] = (struct watch_exchange){ .received = w->fed_dir == RM_DIR_RESPONSE };
	w->exchange_count = n + 1;
	fprintf(w->log, "request %u\n", n + 1);
	if (!w->unrecorded || n % 3)
		return n + 1;
	w->exchanges[n].over = true;
	return 0;
}

static bool on_request_head(struct rm_sink *sink, rm_xid x, const struct rm_head *h,
			    uint32_t blank_at)
{
	struct watch *w = watch_of(sink);
	struct watch_exchange *e = living(w, x);

	MUST(w->fed_dir == RM_DIR_REQUEST);
	check_head(w, h);
	if (h->block) {
		check_block(w, h->block, blank_at);
	} else if (h->gateway) {
		check_gateway(w, h, blank_at);
	} else {
		MUST(blank_at < w->fed_bytes && (w->fed[blank_at] == '\r' || w->fed[blank_at] == '\n'));
		MUST(h->fed_at + (h->raw.n - h->fed_from) == blank_at);
	}
	MUST(h->method.n && h->target.n && (h->version.n || h->gateway));
	if (e) {
		MUST(!e->head && !e->received);
		e->head = true;
	}
	fprintf(w->log, "request_head %u ", x);
	put_escaped(w->log, h->method);
	fputc(' ', w->log);
	put_escaped(w->log, h->target);
	fputc(' ', w->log);
	put_escaped(w->log, h->version);
	fputc('\n', w->log);
	log_fields(w, h);
	return !w->stop_heads;
}

/* Answers come from the other side, but for an operation that wants none: that is over when it is sent. */
static bool may_answer(const struct watch *w, const struct watch_exchange *e)
{
	return w->fed_dir == RM_DIR_RESPONSE || !e || (e->operation && e->request_over);
}

static bool on_shows(struct rm_sink *sink, rm_xid x)
{
	const struct watch_exchange *e = living(watch_of(sink), x);

	MUST(watch_of(sink)->fed_dir == RM_DIR_REQUEST && (!e || (!e->head && !e->received)));
	return e;
}

static void on_operation(struct rm_sink *sink, rm_xid x, const struct rm_operation *op)
{
	struct watch *w = watch_of(sink);
	struct watch_exchange *e = living(w, x);

	MUST(w->fed_dir == RM_DIR_REQUEST && op->system.n);
	if (e) {
		MUST(!e->head && !e->received);
		e->head = e->operation = true;
	}
	fprintf(w->log, "operation %u ", x);
	put_escaped(w->log, op->system);
	fputc(' ', w->log);
	put_escaped(w->log, op->name);
	fputc('\n', w->log);
	log_part(w, "collection", op->collection);
	log_part(w, "procedure", op->procedure);
	log_part(w, "space", op->space);
	log_part(w, "summary", op->summary);
	log_part(w, "query", op->query);
	if (op->batch)
		fprintf(w->log, "  batch %u\n", op->batch);
}

/* A comment makes a message longer by what it is, and by what holds it, or cannot be. */
static bool on_query(struct rm_sink *sink, rm_xid x, const struct rm_envelope *e, uint32_t end)
{
	const size_t room = e->head.n + 2 + e->extra_bytes;
	struct watch *w = watch_of(sink);
	char *text = malloc(room);
	struct rm_strbuf out;

	living(w, x);
	MUST(w->fed_dir == RM_DIR_REQUEST && e->at >= 0 && (uint64_t)e->at + e->head.n == end && end <= w->fed_bytes);
	rm_strbuf_init(&out, text, room);
	if (e->write(e, RM_STR("ab"), &out)) {
		MUST(!out.truncated && out.n == e->head.n + sizeof(" /*ab*/") - 1);
		MUST(memmem(out.p, out.n, " /*ab*/", sizeof(" /*ab*/") - 1) != NULL);
	}
	free(text);
	return !w->stop_heads;
}

static bool on_message(struct rm_sink *sink, rm_xid x, const struct rm_message *m, uint32_t end)
{
	struct watch *w = watch_of(sink);
	struct watch_exchange *e = living(w, x);

	MUST(m->received == (w->fed_dir == RM_DIR_RESPONSE) && m->system.n && m->operation.n && end <= w->fed_bytes);
	MUST(!m->envelope || !m->received);
	if (e) {
		MUST(!e->head && e->received == m->received);
		e->head = e->operation = true;
	}
	fprintf(w->log, "message %u ", x);
	put_escaped(w->log, m->system);
	fputc(' ', w->log);
	put_escaped(w->log, m->operation);
	fputc('\n', w->log);
	log_message(w, m);
	log_list(w, m->fields, m->field_count);
	if (m->envelope)
		check_envelope(w, m->envelope, end);
	return m->received || !w->stop_heads;
}

#include "tests/replay/watch_dns.h"

static void on_batched(struct rm_sink *sink, rm_xid x, const struct rm_field *fields, uint32_t count)
{
	struct watch *w = watch_of(sink);
	struct watch_exchange *e = living(w, x);

	MUST(w->fed_dir == RM_DIR_RESPONSE && (!e || (e->head && e->received && !e->response_head)));
	fprintf(w->log, "batched %u\n", x);
	log_list(w, fields, count);
}

static void on_outcome(struct rm_sink *sink, rm_xid x, const struct rm_outcome *o)
{
	struct watch *w = watch_of(sink);
	struct watch_exchange *e = living(w, x);

	MUST(may_answer(w, e) && (o->failed || !o->status.n));
	if (e) {
		MUST(e->head && e->response && !e->response_head);
		e->response_head = true;
	}
	fprintf(w->log, "outcome %u %s", x, o->failed ? "failed " : "ok");
	put_escaped(w->log, o->status);
	fputc('\n', w->log);
	log_part(w, "space", o->space);
	if (o->batch)
		fprintf(w->log, "  batch %u\n", o->batch);
}

static void on_request_end(struct rm_sink *sink, rm_xid x, uint64_t body_bytes)
{
	struct watch *w = watch_of(sink);
	struct watch_exchange *e = living(w, x);

	if (e) {
		MUST(e->head && !e->request_over && (!e->asked || e->asked_bytes == body_bytes));
		e->request_over = true;
	}
	fprintf(w->log, "request_end %u body %lu\n", x, (unsigned long)body_bytes);
}

static void on_response(struct rm_sink *sink, rm_xid x)
{
	struct watch *w = watch_of(sink);
	struct watch_exchange *e = living(w, x);

	MUST(may_answer(w, e));
	if (e) {
		MUST(!e->response_head);
		e->response = true;
	}
	fprintf(w->log, "response %u\n", x);
}

/* Content that says it is gRPC-Web is read as such; of other exchanges of HTTP each second one is only counted. */
static bool wants_content(struct watch_exchange *e, rm_xid x, const struct rm_head *h)
{
	struct rm_str web = RM_STR("application/grpc-web"), text = RM_STR("application/grpc-web-text");

	for (uint32_t i = 0; i < h->field_count && !e->rpc; i++) {
		struct rm_str value = h->fields[i].value;

		if (!rm_str_ieq(h->fields[i].name, RM_STR("content-type")) || value.n < web.n ||
		    memcmp(value.p, web.p, web.n) != 0)
			continue;
		rm_grpc_body_start(&e->web, value.n >= text.n && memcmp(value.p, text.p, text.n) == 0);
		e->rpc = true;
	}
	e->shown = e->rpc || x % 2;
	return e->shown;
}

static bool on_response_head(struct rm_sink *sink, rm_xid x, const struct rm_head *h)
{
	struct watch *w = watch_of(sink);
	struct watch_exchange *e = living(w, x);

	MUST(w->fed_dir == RM_DIR_RESPONSE);
	check_head(w, h);
	if (h->block)
		check_block(w, h->block, (uint32_t)(h->block->frame_at + h->block->frame_bytes));
	MUST(h->status == 101 || (h->status >= 200 && h->status <= 999));
	if (e) {
		MUST(e->response && !e->response_head);
		e->response_head = true;
	}
	fprintf(w->log, "response_head %u %d ", x, h->status);
	put_escaped(w->log, h->version);
	fputc('\n', w->log);
	log_fields(w, h);
	return e && w->has_content && wants_content(e, x, h);
}

static void on_response_content(struct rm_sink *sink, rm_xid x, const char *p, uint64_t n)
{
	struct watch *w = watch_of(sink);
	struct watch_exchange *e = living(w, x);

	MUST(e && e->response_head && e->shown && n);
	MUST(!p || (w->fed_dir == RM_DIR_RESPONSE && inside((struct rm_str){ p, n }, (struct rm_str){ w->fed, w->fed_bytes })));
	e->content_bytes += n;
	if (e->rpc)
		rm_grpc_body_feed(&e->web, p, n);
}

static void on_response_trailers(struct rm_sink *sink, rm_xid x, const struct rm_head *h)
{
	struct watch *w = watch_of(sink);
	struct watch_exchange *e = living(w, x);

	MUST(w->fed_dir == RM_DIR_RESPONSE);
	check_head(w, h);
	if (e)
		MUST(e->response_head);
	fprintf(w->log, "response_trailers %u\n", x);
	log_fields(w, h);
}

static void on_response_end(struct rm_sink *sink, rm_xid x, uint64_t body_bytes)
{
	struct watch *w = watch_of(sink);
	struct watch_exchange *e = living(w, x);

	if (e) {
		MUST(e->response_head);
		MUST(!e->shown || e->content_bytes == body_bytes);
		e->over = true;
	}
	fprintf(w->log, "response_end %u body %lu\n", x, (unsigned long)body_bytes);
	if (e && e->rpc)
		fprintf(w->log, "  grpc-web status %d%s\n", e->web.status, rm_grpc_body_lacks(&e->web) ? " lacks" : "");
}

static void on_broken(struct rm_sink *sink, rm_xid x, struct rm_str error)
{
	struct watch *w = watch_of(sink);
	struct watch_exchange *e = living(w, x);

	if (e) {
		MUST(error.n == 0 || e->head || e->response);
		MUST(error.n > 0 || !e->head);
		e->over = true;
	}
	fprintf(w->log, "broken %u %.*s\n", x, error.n ? (int)error.n : 9,
		error.n ? error.p : "forgotten");
}

static void on_hand_over(struct rm_sink *sink, rm_xid x, const char *proto)
{
	struct watch *w = watch_of(sink);

	living(w, x);
	for (size_t i = 0; rm_protocols[i]; i++)
		if (strcmp(rm_protocols[i]->name, proto) == 0)
			w->next = rm_protocols[i];
	MUST(w->next);
	w->handed_over = x;
	fprintf(w->log, "hand_over %u %s\n", x, proto);
}

static void on_system(struct rm_sink *sink, const char *name)
{
	fprintf(watch_of(sink)->log, "system %s\n", name);
}

/* Exactly as large as asked, and moved each time: stale pointers and overruns show under asan. */
static char *on_stash(struct rm_sink *sink, enum rm_stash which, uint32_t bytes)
{
	struct watch *w = watch_of(sink);
	char *grown;

	MUST(which >= RM_STASH_REQUEST_TABLE || which == (enum rm_stash)w->fed_dir);
	MUST(bytes >= w->stash_bytes[which]);
	if (bytes > RM_HEAD_MAX_BYTES)
		return NULL;
	grown = malloc(bytes);
	if (w->stash[which])
		memcpy(grown, w->stash[which], w->stash_bytes[which]);
	free(w->stash[which]);
	w->stash[which] = grown;
	w->stash_bytes[which] = bytes;
	return grown;
}

static void on_unstash(struct rm_sink *sink, enum rm_stash which)
{
	struct watch *w = watch_of(sink);

	MUST(w->stash[which]);
	free(w->stash[which]);
	w->stash[which] = NULL;
	w->stash_bytes[which] = 0;
}

/* Fresh each time and exactly as large as asked, so that asan sees what is read from an earlier one. */
static void *on_scratch(struct rm_sink *sink, uint32_t bytes)
{
	struct watch *w = watch_of(sink);

	MUST(!w->scratch || bytes == w->scratch_bytes);
	if (!w->scratch)
		w->scratch = malloc(bytes);
	w->scratch_bytes = bytes;
	return w->scratch;
}

static bool on_secured(struct rm_sink *sink, const uint8_t random[RM_TLS_RANDOM_BYTES])
{
	struct watch *w = watch_of(sink);

	fputs("secured ", w->log);
	for (int i = 0; i < RM_TLS_RANDOM_BYTES; i++)
		fprintf(w->log, "%02x", random[i]);
	fputc('\n', w->log);
	return true;
}

static void on_handshaken(struct rm_sink *sink, const uint8_t random[RM_TLS_RANDOM_BYTES], uint8_t minor, bool over)
{
	fprintf(watch_of(sink)->log, "handshake %02x... TLS 1.%d%s\n", random[0], minor - 1, over ? ", over" : "");
}

static void open_proto(struct watch *w, const struct rm_proto *proto)
{
	free(w->state);
	w->proto = proto;
	w->state = calloc(1, proto->state_bytes);
	proto->open(w->state, RM_ROLE_SERVER);
	/* Only heads of lines lie as a whole where they came. */
	w->fields_anywhere = strcmp(proto->name, "http1") != 0;
	w->has_content = strcmp(proto->name, "http1") == 0 || strcmp(proto->name, "http2") == 0;
}

static const struct rm_sink_calls calls = {
	.request = on_request,
	.request_head = on_request_head,
	.shows = on_shows,
	.operation = on_operation,
	.query = on_query,
	.message = on_message,
	.batched = on_batched,
	.question = on_question,
	.answered = on_answered,
	.reads_request = on_reads_request,
	.request_content = on_request_content,
	.request_end = on_request_end,
	.response = on_response,
	.response_head = on_response_head,
	.adds_to_responses = true,
	.response_content = on_response_content,
	.outcome = on_outcome,
	.response_trailers = on_response_trailers,
	.response_end = on_response_end,
	.broken = on_broken,
	.hand_over = on_hand_over,
	.system = on_system,
	.stash = on_stash,
	.unstash = on_unstash,
	.scratch = on_scratch,
	.secured = on_secured,
	.handshaken = on_handshaken,
	.untold = on_untold,
	.set_topic = on_set_topic,
	.topic = on_topic,
	.set_greeting = on_set_greeting,
	.greeting = on_greeting,
};

void watch_open(struct watch *w, const struct rm_proto *proto)
{
	*w = (struct watch){ .sink = { &calls } };
	open_proto(w, proto);
	w->log = open_memstream(&w->text, &w->text_bytes);
	w->guarded_bytes = GUARDED_MAX_BYTES;
	w->guarded = mmap(NULL, w->guarded_bytes + PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	MUST(w->guarded != MAP_FAILED);
	mprotect(w->guarded + w->guarded_bytes, PAGE, PROT_NONE);
}

void watch_join(struct watch *w, const char *bytes, size_t n)
{
	const uint8_t *p = (const uint8_t *)bytes;

	if (w->proto->join && w->proto->sniff(p, n) == RM_SNIFF_NO && w->proto->join(w->state, p, n) == RM_SNIFF_YES)
		fputs("join\n", w->log);
}

static void note_mute(struct watch *w)
{
	if (!w->muted)
		fputs("mute\n", w->log);
	w->muted = true;
}

void watch_feed(struct watch *w, enum rm_dir dir, const char *bytes, size_t n)
{
	while (n && !w->muted) {
		const uint8_t *p;
		int64_t used;

		MUST(n <= w->guarded_bytes);
		w->fed = memcpy(w->guarded + w->guarded_bytes - n, bytes, n);
		w->fed_bytes = n;
		w->fed_dir = dir;
		p = (const uint8_t *)w->fed;
		used = w->proto->feed(w->state, dir, p, n, &w->sink, w);
		free(w->scratch);
		w->scratch = NULL;
		if (used == RM_FEED_MUTE) {
			note_mute(w);
			MUST(w->proto->feed(w->state, dir, p, n, &w->sink, w) == RM_FEED_MUTE);
			return;
		}
		MUST(used >= 0 && (size_t)used <= n);
		MUST((size_t)used == n || w->stop_heads || w->next);
		if (w->next) {
			open_proto(w, w->next);
			w->next = NULL;
			MUST(w->proto->adopt(w->state, &w->sink, w->handed_over));
		}
		bytes += used;
		n -= (size_t)used;
	}
}

void watch_skip(struct watch *w, enum rm_dir dir, uint64_t n)
{
	if (!w->muted && w->proto->skip(w->state, dir, n, &w->sink, w) == RM_FEED_MUTE)
		note_mute(w);
}

void watch_end(struct watch *w, enum rm_dir dir, bool reset)
{
	if (!w->muted)
		w->proto->end(w->state, dir, reset, &w->sink, w);
}

void watch_close(struct watch *w)
{
	w->proto->end(w->state, RM_DIR_RESPONSE, w->muted, &w->sink, w);
	MUST(!w->stash[RM_STASH_REQUEST_HEAD] && !w->stash[RM_STASH_RESPONSE_HEAD]);
	for (int i = RM_STASH_REQUEST_TABLE; i < RM_STASHES; i++) {
		free(w->stash[i]);
		w->stash[i] = NULL;
	}
	for (uint32_t i = 0; i < w->exchange_count; i++)
		MUST(w->exchanges[i].over);
	fclose(w->log);
	w->log = NULL;
}

void watch_free(struct watch *w)
{
	munmap(w->guarded, w->guarded_bytes + PAGE);
	free(w->state);
	free(w->exchanges);
	free(w->text);
	*w = (struct watch){ 0 };
}
