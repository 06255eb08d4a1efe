/* See dns.h. */
#include "agent/dns.h"

#include <netinet/in.h>
#include <string.h>

#include "agent/context.h"
#include "agent/identity.h"
#include "agent/local.h"
#include "agent/lookup.h"
#include "base/clock.h"

/* False: whom it belongs to says that it has no span. */
static bool find_parent(struct rm_thread *t, struct rm_parent *ret)
{
	const struct rm_config *config = rm_context_config();

	return config && config->dns != RM_DNS_NONE && rm_context_find_here(t, config->dns == RM_DNS_ALL, ret);
}

/* False: it is not sampled, or there is no memory. */
static bool describe(struct rm_thread *t, uint32_t x, const struct rm_parent *parent, const struct rm_dns_asked *asked)
{
	struct rm_exchange *e = rm_exchange_at(x);

	e->operation = true;
	rm_identity_adopt(t, x, e, parent, NULL);
	if (e->ctx.flags & RM_FLAG_SAMPLED)
		rm_semconv_dns_request(e, rm_context_config(), asked, rm_context_shown_source(parent));
	return e->record;
}

rm_ctx rm_dns_begin(struct rm_thread *t, const struct rm_dns_asked *asked, const void *key)
{
	struct rm_parent parent;
	uint32_t x;

	if (!find_parent(t, &parent) || !rm_fork_watch())
		return 0;
	x = rm_exchange_begin(RM_KIND_CLIENT, rm_clock_mono_ns(), t);
	if (!x)
		return 0;
	if (!describe(t, x, &parent, asked)) {
		rm_exchange_drop(x);
		return 0;
	}
	rm_local_keep(t, key, rm_exchange_ctx(x), 0);
	return rm_exchange_ctx(x);
}

bool rm_dns_place(struct rm_thread *t, uint32_t x, const struct rm_dns_message *m, const struct rm_peer *peer)
{
	const char *type = rm_dns_type_name(m->type);
	const struct rm_dns_asked asked = { .name = m->name, .type = type ? rm_str_c(type) : RM_STR(""), .peer = peer, .stream = true };
	struct rm_parent parent;

	return find_parent(t, &parent) && describe(t, x, &parent, &asked);
}

/* What does not fit on a small stack. */
struct work {
	char name[RM_DNS_NAME_BYTES];
	struct rm_answers answers;
};

static void add(void *arg, uint16_t type, const uint8_t *address, struct rm_str name)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6 };
	struct sockaddr_in four = { .sin_family = AF_INET };
	struct work *w = arg;

	if (type == RM_DNS_A) {
		memcpy(&four.sin_addr, address, sizeof(four.sin_addr));
		rm_answers_address(&w->answers, (const struct sockaddr *)&four, sizeof(four));
	} else if (type == RM_DNS_AAAA) {
		memcpy(&six.sin6_addr, address, sizeof(six.sin6_addr));
		rm_answers_address(&w->answers, (const struct sockaddr *)&six, sizeof(six));
	} else {
		rm_answers_text(&w->answers, name);
	}
}

static struct rm_str error_of(uint16_t rcode)
{
	const char *name = rm_dns_rcode_name(rcode);

	return !rcode ? RM_STR("") : name ? rm_str_c(name) : RM_STR("_OTHER");
}

void rm_dns_answered(struct rm_exchange *e, const uint8_t *p, size_t n, struct rm_dns_message *m)
{
	rm_text text = rm_text_get(sizeof(struct work));
	struct work *w = text ? (struct work *)rm_text_at(text) : NULL;
	struct rm_strbuf room;

	if (!w)
		return;
	rm_answers_init(&w->answers);
	rm_strbuf_init(&room, w->name, sizeof(w->name));
	rm_dns_answers(p, n, m, &room, add, w);
	rm_semconv_dns_outcome(e, error_of(m->rcode), w->answers.value, w->answers.count);
	rm_text_put(text);
}

struct rm_exchange *rm_dns_take(const void *key, rm_ctx *ret)
{
	struct rm_exchange *e;
	uint64_t seen_ns;

	*ret = rm_local_take(key, &seen_ns);
	e = *ret ? rm_ctx_exchange(*ret) : NULL;
	if (!e || e->epoch == rm_epoch())
		return e;
	rm_exchange_drop((uint32_t)*ret);
	return NULL;
}

void rm_dns_end(struct rm_thread *t, rm_ctx ctx, struct rm_str error, const struct rm_str *answers, uint32_t count)
{
	rm_semconv_dns_outcome(rm_exchange_at((uint32_t)ctx), error, answers, count);
	rm_exchange_end((uint32_t)ctx, rm_clock_mono_ns(), t);
}
