/*
 * The rewrite of messages on their way out, agent/tx.c and agent/edit.c. The input is a conversation, see fuzz_wire.h: what
 * the client sends in it goes through the agent, what the server sends is read. What must hold for any input:
 *   - whatever the kernel takes of each call, the server gets the same bytes as from a kernel that takes everything;
 *   - the parser tells the same of these as of what the program sent, but for fields that carry our context.
 */
#include "tests/fuzz/fuzz_wire.h"
#include "tests/fuzz/inject.h"
#include "tests/replay/watch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { INPUT_MAX = 1 << 16, SENT_MAX = 1 << 22 };

static char rooms[2][SENT_MAX]; /* for what was sent by each of two runs */
static uint32_t dice; /* 0: the kernel takes everything */

static uint32_t roll(void)
{
	dice = dice * 1664525 + 1013904223;
	dice += !dice;
	return dice >> 8;
}

static ssize_t kernel(int fd, const struct msghdr *m, int flags)
{
	(void)fd, (void)flags;
	return take_of(m, !dice || roll() % 3 == 0 ? INJECT_ALL : roll() % 80);
}

/* As in the agent, but for what depends on how many there were before: both runs shall have the same. */
void __wrap_rm_exchange_span_id(uint32_t x, struct rm_random *random, uint8_t ret[8]);
void __wrap_rm_exchange_span_id(uint32_t x, struct rm_random *random, uint8_t ret[8])
{
	uint64_t id = rm_random_u64(random);

	(void)x;
	memcpy(ret, &id, sizeof(id));
}

/* Until all of it is sent, the program comes back with the rest. */
static void send_all(const char *p, size_t n)
{
	while (n > 0) {
		ssize_t taken = send_piece(p, n);

		check(taken != 0 && taken <= (ssize_t)n);
		p += taken > 0 ? taken : 0;
		n -= taken > 0 ? (size_t)taken : 0;
	}
}

static void receive(const char *p, size_t n)
{
	static char room[INPUT_MAX];
	struct iovec iov = { room, n };
	struct rm_rx rx;

	rm_rx_begin(&rx, INJECT_FD, n, 0);
	memcpy(room, p, n);
	rm_rx_done(&rx, &iov, 1, (ssize_t)n);
}

/* One record after the other; each of the client's is a call. Where `watched`, what went out of it is fed to the watch. */
static void play(const uint8_t *data, size_t n, char *to, struct watch *program, struct watch *watched)
{
	const uint8_t *end = data + n;

	sent = to;
	sent_room = SENT_MAX;
	sent_bytes = 0;
	rm_thread_self()->random = (struct rm_random){ { 1, 2, 3, 4 } };
	connection(true, -1);
	while (end - data >= 3) {
		bool answer = data[0] == FUZZ_RESPONSE || data[0] == FUZZ_SKIP_RESPONSE || data[0] == FUZZ_END_RESPONSE;
		size_t bytes = data[1] | (size_t)data[2] << 8, before = sent_bytes;
		const char *p = (const char *)data + 3;

		bytes = bytes < (size_t)(end - data) - 3 ? bytes : (size_t)(end - data) - 3;
		if (answer)
			receive(p, bytes);
		else
			send_all(p, bytes);
		if (watched && bytes) {
			enum rm_dir dir = answer ? RM_DIR_RESPONSE : RM_DIR_REQUEST;

			watch_feed(program, dir, p, bytes);
			watch_feed(watched, dir, answer ? p : to + before, answer ? bytes : sent_bytes - before);
		}
		data += 3 + bytes;
	}
	connection(false, -1);
	while (stub_span())
		;
}

/* Which protocol the agent takes it for; the conversation's first bytes tell. */
static const struct rm_proto *proto_of(const uint8_t *data, size_t n)
{
	size_t bytes = n >= 3 ? data[1] | (size_t)data[2] << 8 : 0;
	bool answer = n >= 3 && data[0] == FUZZ_RESPONSE;

	bytes = n < 3 || bytes > n - 3 ? 0 : bytes;
	for (int i = 0; bytes && rm_protocols[i]; i++) {
		const struct rm_proto *proto = rm_protocols[i];

		if (answer ? proto->greets && proto->greets(data + 3, bytes) : proto->sniff(data + 3, bytes) != RM_SNIFF_NO)
			return proto;
	}
	return NULL;
}

/* Takes out of a log what fields of ours, and room for them, make of it. */
static char *plain(const struct watch *w)
{
	static const char *const ours[] = { "  room ", "  becomes ", "  stays", "  traceparent: ", "batched " };
	char *text = malloc(w->text_bytes + 1), *out = text;

	for (const char *line = w->text; *line;) {
		const char *next = strchr(line, '\n') + 1;
		bool left_out = false;

		for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
			left_out = left_out || strncmp(line, ours[i], strlen(ours[i])) == 0;
		if (!left_out)
			out = mempcpy(out, line, (size_t)(next - line));
		line = next;
	}
	*out = '\0';
	return text;
}

static void compare(struct watch *program, struct watch *watched)
{
	char *a, *b;

	watch_close(program);
	watch_close(watched);
	a = plain(program);
	b = plain(watched);
	if (strcmp(a, b) != 0) {
		fprintf(stderr, "program:\n%s\nserver:\n%s\n", a, b);
		abort();
	}
	free(a);
	free(b);
	watch_free(program);
	watch_free(watched);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char *environment[] = { "REMORA_SQLCOMMENTER=true", NULL };
	struct watch program, watched;
	const struct rm_proto *proto;
	static bool started;
	size_t all;

	if (!started)
		stub_start(environment);
	started = true;
	proto = n > 1 && n < INPUT_MAX ? proto_of(data + 1, n - 1) : NULL;
	if (!proto || !proto->client_only)
		return 0;
	watch_open(&program, proto);
	watch_open(&watched, proto);
	dice = 0;
	play(data + 1, n - 1, rooms[0], &program, &watched);
	compare(&program, &watched);
	all = sent_bytes;
	dice = 1 + *data;
	play(data + 1, n - 1, rooms[1], NULL, NULL);
	check(all == sent_bytes && memcmp(rooms[0], rooms[1], all) == 0);
	return 0;
}
