/* Look-ups of names: agent/lookup.c. */
#include "agent/lookup.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>

#include "agent/local.h"
#include "agent/text.h"
#include "tests/rmtest.h"
#include "tests/unit/agent_stub.h"

static const struct rm_str none;

static void begin_test(void)
{
	static bool started;
	char *all[] = { "REMORA_DNS=all", NULL };

	if (!started)
		stub_start(all);
	started = true;
	stub_config.dns = RM_DNS_ALL;
}

static struct rm_attr attribute(const struct rm_span *span, const char *key)
{
	struct rm_attr_iter it = rm_record_attrs(&span->record);
	struct rm_attr a;

	while (rm_attr_next(&it, &a))
		if (rm_str_eq(a.key, rm_str_c(key)))
			return a;
	return (struct rm_attr){ 0 };
}

RM_TEST("addresses in all their forms, and localhost, are no look-ups")
{
	static const char *const local[] = { "", "127.0.0.1", "1", "127.1", "0x7f000001", "0X7F.0.0.1", "0177.1", "4294967295", "::1",
					     "fe80::1%eth0", "localhost", "LocalHost.", "db.localhost" };
	static const char *const names[] = { "a", "5ac.de", "1.2.3.4.5", "127.0.0.1.", "0x", "0xg1", "3com.com", "localhost.example",
					     "notlocalhost", "1..2", ".", "dead.beef" };

	RM_CHECK(rm_lookup_is_local(NULL));
	for (size_t i = 0; i < sizeof(local) / sizeof(local[0]); i++)
		RM_CHECK(rm_lookup_is_local(local[i]));
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		RM_CHECK(!rm_lookup_is_local(names[i]));
}

RM_TEST("a name that is found is a CLIENT span with each answer once")
{
	struct sockaddr_in four = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0xc0000201) };
	const struct rm_span *span;
	struct rm_answers answers;
	struct rm_attr a;
	struct rm_lookup l;
	struct rm_str rest, value;

	begin_test();
	rm_lookup_begin(&l, "shop.example");
	RM_CHECK(l.ctx && l.outermost && !stub_span());
	rm_answers_init(&answers);
	rm_answers_address(&answers, (struct sockaddr *)&four, sizeof(four));
	rm_answers_address(&answers, (struct sockaddr *)&four, sizeof(four));
	rm_answers_name(&answers, "host.example");
	rm_answers_name(&answers, NULL);
	RM_CHECK(answers.count == 2);
	rm_lookup_end(&l, none, &answers);
	span = stub_span();
	RM_CHECK(span && span->kind == RM_KIND_CLIENT && span->status == RM_STATUS_UNSET);
	RM_CHECK_STR(rm_span_name(span), "DNS lookup shop.example");
	RM_CHECK_STR(attribute(span, "dns.question.name").v.str, "shop.example");
	a = attribute(span, "dns.answers");
	RM_CHECK(a.type == RM_ATTR_STRS);
	rest = a.v.str;
	RM_CHECK(rm_attr_strs_next(&rest, &value));
	RM_CHECK_STR(value, "192.0.2.1");
	RM_CHECK(rm_attr_strs_next(&rest, &value));
	RM_CHECK_STR(value, "host.example");
	RM_CHECK(!rm_attr_strs_next(&rest, &value));
}

RM_TEST("more answers than are told, and names longer than any, are left out")
{
	static char name[400];
	struct rm_answers answers;

	begin_test();
	rm_answers_init(&answers);
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "host%d.example", i);
		rm_answers_name(&answers, name);
	}
	RM_CHECK(answers.count == RM_LOOKUP_ANSWERS);
	memset(name, 'a', sizeof(name) - 1);
	rm_answers_init(&answers);
	for (int i = 0; i < 10; i++) {
		name[0] = (char)('a' + i);
		rm_answers_name(&answers, name);
	}
	RM_CHECK(answers.count == 4 && answers.text.n <= RM_LOOKUP_TEXT_BYTES);
}

RM_TEST("an error has its word; a long name is cut")
{
	static char name[2000];
	const struct rm_span *span;
	struct rm_lookup l;

	begin_test();
	memset(name, 'x', sizeof(name) - 1);
	rm_lookup_begin(&l, name);
	rm_lookup_end(&l, RM_STR("host_not_found"), NULL);
	span = stub_span();
	RM_CHECK(span && span->status == RM_STATUS_ERROR);
	RM_CHECK_STR(attribute(span, "error.type").v.str, "host_not_found");
	RM_CHECK(attribute(span, "dns.question.name").v.str.n == RM_LOOKUP_NAME_BYTES);
}

RM_TEST("the name of an address")
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6 };
	const struct rm_span *span;
	struct rm_lookup l;

	begin_test();
	inet_pton(AF_INET6, "2001:db8::7", &six.sin6_addr);
	rm_lookup_begin_reverse(&l, (struct sockaddr *)&six, sizeof(six));
	rm_lookup_end(&l, none, NULL);
	span = stub_span();
	RM_CHECK(span != NULL);
	RM_CHECK_STR(rm_span_name(span), "DNS reverse lookup 2001:db8::7");
	rm_lookup_begin_reverse(&l, (struct sockaddr *)&six, 3);
	RM_CHECK(!l.ctx);
	rm_lookup_end(&l, none, NULL);
	inet_pton(AF_INET6, "::1", &six.sin6_addr);
	rm_lookup_begin_reverse(&l, (struct sockaddr *)&six, sizeof(six));
	RM_CHECK(!l.ctx);
	rm_lookup_end(&l, none, NULL);
	rm_lookup_begin_reverse(&l, NULL, sizeof(six));
	RM_CHECK(!l.ctx);
	rm_lookup_end(&l, none, NULL);
	RM_CHECK(!stub_span());
}

static __attribute__((noinline)) void inner(void)
{
	struct rm_lookup l;

	rm_lookup_begin(&l, "inner.example");
	RM_CHECK(!l.ctx && !l.outermost);
	rm_lookup_end(&l, none, NULL);
}

RM_TEST("what a module looks up on the way is part of the outer one, also of one that has no span")
{
	uint32_t before = rm_exchange_live();
	struct rm_lookup l;

	begin_test();
	rm_lookup_begin(&l, "outer.example");
	inner();
	inner();
	RM_CHECK(!stub_span());
	rm_lookup_end(&l, none, NULL);
	RM_CHECK(stub_span() && !stub_span());
	rm_lookup_pass(&l);
	RM_CHECK(l.outermost && !l.ctx);
	inner();
	rm_lookup_drop(&l);
	RM_CHECK(!stub_span() && rm_exchange_live() == before);
}

/* One of its own, further down. */
static __attribute__((noinline)) void deeper(void)
{
	struct rm_lookup l;

	rm_lookup_begin(&l, "deeper.example");
	RM_CHECK(l.ctx && l.outermost);
	inner();
	rm_lookup_end(&l, none, NULL);
}

static __attribute__((noinline)) void left(void)
{
	struct rm_lookup l;

	rm_lookup_begin(&l, "left.example");
	RM_CHECK(l.ctx != 0);
}

RM_TEST("one that was left without its end is counted, and in nobody's way")
{
	uint64_t lost = stub_segment.lost[RM_LOST_EXCHANGE];
	uint32_t before = rm_exchange_live();
	struct rm_lookup l;

	begin_test();
	left();
	rm_lookup_begin(&l, "next.example");
	RM_CHECK(l.ctx && stub_segment.lost[RM_LOST_EXCHANGE] == lost + 1);
	rm_lookup_end(&l, none, NULL);
	RM_CHECK(stub_span() && !stub_span() && rm_exchange_live() == before);
}

RM_TEST("what is under way at the end of the process has that for an error; its own end then finds nothing")
{
	const struct rm_span *span;
	struct rm_lookup l;

	begin_test();
	rm_lookup_begin(&l, "late.example");
	rm_local_end_all(rm_thread_self());
	span = stub_span();
	RM_CHECK(span && span->status == RM_STATUS_ERROR);
	RM_CHECK_STR(attribute(span, "error.type").v.str, "process_exit");
	rm_lookup_end(&l, none, NULL);
	RM_CHECK(!stub_span());
}

RM_TEST("one that belongs to nothing has no span by default, nor has any where that is so wished")
{
	struct rm_lookup l;

	begin_test();
	stub_config.dns = RM_DNS_REQUESTS;
	rm_lookup_begin(&l, "nobody.example");
	RM_CHECK(!l.ctx && l.outermost);
	rm_lookup_end(&l, none, NULL);
	stub_config.dns = RM_DNS_NONE;
	rm_lookup_begin(&l, "nobody.example");
	RM_CHECK(!l.ctx);
	rm_lookup_end(&l, none, NULL);
	RM_CHECK(!stub_span());
}

/* A request that is being served. */
static rm_ctx serve(void)
{
	struct rm_exchange *e;
	struct rm_scope s;
	uint32_t x;

	RM_CHECK(rm_enter(&s));
	x = rm_exchange_begin(RM_KIND_SERVER, 1, s.thread);
	e = rm_exchange_at(x);
	e->ctx = (struct rm_spanctx){ .valid = true, .trace_id = { 1 }, .flags = RM_FLAG_SAMPLED };
	rm_exchange_span_id(x, &s.thread->random, e->ctx.span_id);
	atomic_store(&e->phase, RM_PHASE_OPEN);
	rm_leave(&s);
	return rm_exchange_ctx(x);
}

RM_TEST("marked calls of one name find their own request, once, and are called as they were meant to be")
{
	enum { PLACES = 16 };
	int flags[PLACES], plain;
	rm_ctx whose[PLACES];

	begin_test();
	for (int i = 0; i < PLACES; i++) {
		whose[i] = serve();
		flags[i] = rm_ctx_mark_lookup("Many.example", whose[i]);
		RM_CHECK(flags[i]);
	}
	RM_CHECK(!rm_ctx_mark_lookup("many.example", whose[0]));
	RM_CHECK(rm_lookup_marked("many.example", AI_ADDRCONFIG, &plain) == 0 && plain == AI_ADDRCONFIG);
	RM_CHECK(rm_lookup_marked("other.example", flags[3], &plain) == 0 && plain == flags[3]);
	for (int i = PLACES - 1; i >= 0; i--) {
		RM_CHECK(rm_lookup_marked("many.example", flags[i] | AI_ADDRCONFIG, &plain) == whose[i] && plain == AI_ADDRCONFIG);
		RM_CHECK(rm_lookup_marked("many.example", flags[i], &plain) == 0);
	}
	flags[0] = rm_ctx_mark_lookup("many.example", whose[0]);
	rm_ctx_unmark_lookup("many.example", flags[0]);
	RM_CHECK(rm_lookup_marked("many.example", flags[0], &plain) == 0);
	for (int i = 0; i < PLACES; i++)
		rm_exchange_drop((uint32_t)whose[i]);
	RM_CHECK(!rm_ctx_mark_lookup("many.example", whose[0]));
}

RM_TEST("a look-up for another request than the thread's has that one's place, and the thread keeps its own")
{
	rm_ctx mine, other;
	const struct rm_span *span;
	struct rm_spanctx id;
	struct rm_lookup l;

	begin_test();
	mine = serve();
	other = serve();
	id = rm_exchange_at((uint32_t)other)->ctx;
	rm_ctx_attach(mine, RM_SOURCE_ATTACHED);
	rm_lookup_begin_for(&l, "a.example", other);
	RM_CHECK(rm_ctx_current() == mine);
	rm_lookup_end(&l, none, NULL);
	span = stub_span();
	RM_CHECK(span && !memcmp(span->parent_id, id.span_id, sizeof(id.span_id)));
	rm_ctx_attach(0, RM_SOURCE_NONE);
	rm_exchange_drop((uint32_t)mine);
	rm_exchange_drop((uint32_t)other);
}

RM_TEST("behind a jump out of one the next is a new one, also from further down; the one that was left is counted")
{
	uint64_t lost = stub_segment.lost[RM_LOST_EXCHANGE];
	uint32_t before = rm_exchange_live();
	struct rm_lookup l;

	begin_test();
	rm_lookup_jumps();
	rm_lookup_begin(&l, "outer.example");
	inner();
	rm_lookup_jumps();
	deeper();
	RM_CHECK(stub_span() && !stub_span());
	RM_CHECK(stub_segment.lost[RM_LOST_EXCHANGE] == lost + 1 && rm_exchange_live() == before);
}

RM_TEST("a jump within one, behind which nothing is looked up, costs it nothing")
{
	struct rm_lookup l;

	begin_test();
	rm_lookup_begin(&l, "outer.example");
	rm_lookup_jumps();
	rm_lookup_end(&l, none, NULL);
	RM_CHECK(stub_span() && !stub_span());
	rm_lookup_begin(&l, "next.example");
	inner();
	rm_lookup_end(&l, none, NULL);
	RM_CHECK(stub_span() && !stub_span());
}

static void *leave(void *arg)
{
	left();
	return arg;
}

RM_TEST("what threads left that are no more is given back by later ones, and counted")
{
	enum { THREADS = 40, LATER = 16 };
	uint64_t lost = stub_segment.lost[RM_LOST_EXCHANGE];
	uint32_t exchanges = rm_exchange_live(), texts = rm_text_live();
	struct rm_lookup l;
	pthread_t thread;

	begin_test();
	for (int i = 0; i < THREADS; i++)
		RM_CHECK(pthread_create(&thread, NULL, leave, NULL) == 0 && pthread_join(thread, NULL) == 0);
	for (int i = 0; i < LATER; i++) {
		rm_lookup_begin(&l, "later.example");
		rm_lookup_end(&l, none, NULL);
		RM_CHECK(stub_span() != NULL);
	}
	RM_CHECK(rm_exchange_live() == exchanges && rm_text_live() == texts);
	RM_CHECK(stub_segment.lost[RM_LOST_EXCHANGE] == lost + THREADS);
}

RM_TEST("a question to the DNS has its type, and its answer says how it went")
{
	static const uint8_t question[] = "\0\7\1\0\0\1\0\0\0\0\0\0\4shop\7example\0\0\1\0\1";
	static uint8_t answer[] = "\0\7\x81\x80\0\1\0\1\0\0\0\0\4shop\7example\0\0\1\0\1\xc0\x0c\0\1\0\1\0\0\0\0\0\4\xc0\0\2\1";
	const struct rm_span *span;
	struct rm_lookup l;
	struct rm_str rest, value;

	begin_test();
	rm_lookup_begin_question(&l, "shop.example.", 1, 15);
	rm_lookup_end(&l, RM_STR("no_data"), NULL);
	span = stub_span();
	RM_CHECK(span != NULL);
	RM_CHECK_STR(rm_span_name(span), "DNS lookup shop.example");
	RM_CHECK_STR(attribute(span, "dns.question.type").v.str, "MX");
	rm_lookup_begin_question(&l, "", 1, 1);
	rm_lookup_end(&l, none, NULL);
	span = stub_span();
	RM_CHECK(span != NULL);
	RM_CHECK_STR(rm_span_name(span), "DNS lookup .");
	/* Another class is not the Internet's names. */
	rm_lookup_begin_question(&l, "version.bind", 3, 16);
	RM_CHECK(!l.ctx && l.outermost);
	rm_lookup_drop(&l);
	rm_lookup_begin_message(&l, question, sizeof(question) - 1);
	rm_lookup_end_message(&l, answer, sizeof(answer) - 1);
	span = stub_span();
	RM_CHECK(span && span->status == RM_STATUS_UNSET);
	RM_CHECK_STR(attribute(span, "dns.question.type").v.str, "A");
	rest = attribute(span, "dns.answers").v.str;
	RM_CHECK(rm_attr_strs_next(&rest, &value));
	RM_CHECK_STR(value, "192.0.2.1");
	answer[3] = 0x83;
	rm_lookup_begin_message(&l, question, sizeof(question) - 1);
	rm_lookup_end_message(&l, answer, sizeof(answer) - 1);
	span = stub_span();
	RM_CHECK(span && span->status == RM_STATUS_ERROR);
	RM_CHECK_STR(attribute(span, "error.type").v.str, "NXDOMAIN");
	rm_lookup_begin_message(&l, question, 5);
	RM_CHECK(!l.ctx && l.outermost);
	rm_lookup_end_message(&l, NULL, 0);
	RM_CHECK(!stub_span());
}

RM_TEST("one that another thread makes is known by what it was asked with, until it is over")
{
	uint32_t before = rm_exchange_live();
	struct rm_answers answers;
	static int keys[3];
	uint64_t lost;

	begin_test();
	rm_answers_init(&answers);
	rm_lookup_order(&keys[0], "first.example");
	rm_lookup_order(&keys[1], "second.example");
	rm_lookup_order(&keys[2], "127.0.0.1");
	RM_CHECK(rm_lookup_is_ordered(&keys[0]) && rm_lookup_is_ordered(&keys[1]) && !rm_lookup_is_ordered(&keys[2]));
	rm_lookup_deliver(&keys[1], RM_STR("host_not_found"), &answers);
	RM_CHECK_STR(rm_span_name(stub_span()), "DNS lookup second.example");
	rm_lookup_deliver(&keys[1], none, &answers);
	lost = atomic_load(&stub_segment.lost[RM_LOST_EXCHANGE]);
	rm_lookup_withdraw(&keys[0]);
	RM_CHECK(!stub_span() && rm_exchange_live() == before && atomic_load(&stub_segment.lost[RM_LOST_EXCHANGE]) == lost);
	rm_lookup_order(&keys[0], "first.example");
	rm_lookup_lose(&keys[0]);
	rm_lookup_lose(&keys[0]);
	rm_lookup_lose(&keys[2]);
	RM_CHECK(!stub_span() && rm_exchange_live() == before && atomic_load(&stub_segment.lost[RM_LOST_EXCHANGE]) == lost + 1);
	/* Asked again before anybody looked at what became of it. */
	rm_lookup_order(&keys[0], "first.example");
	rm_lookup_order(&keys[0], "third.example");
	rm_lookup_deliver(&keys[0], none, &answers);
	RM_CHECK_STR(rm_span_name(stub_span()), "DNS lookup third.example");
	RM_CHECK(!stub_span() && rm_exchange_live() == before);
}

RM_TEST("a name within a domain is one name; what is longer than any is none")
{
	char longest[RM_LOOKUP_NAME_BYTES + 1];
	struct rm_lookup l;

	begin_test();
	rm_lookup_begin_joined(&l, "db", "shop.example", 1, 1);
	rm_lookup_end(&l, none, NULL);
	RM_CHECK_STR(rm_span_name(stub_span()), "DNS lookup db.shop.example");
	rm_lookup_begin_joined(&l, "db.", NULL, 1, 1);
	rm_lookup_end(&l, none, NULL);
	RM_CHECK_STR(rm_span_name(stub_span()), "DNS lookup db");
	memset(longest, 'a', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	rm_lookup_begin_joined(&l, longest, "a", 1, 1);
	RM_CHECK(!l.ctx && l.outermost);
	rm_lookup_end(&l, none, NULL);
	rm_lookup_begin_joined(&l, NULL, "a", 1, 1);
	RM_CHECK(!l.ctx);
	rm_lookup_end(&l, none, NULL);
	RM_CHECK(!stub_span());
}
