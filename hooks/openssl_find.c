/*
 * Finds OpenSSL's tables of functions (struct ssl_method_st, which is not public) by what is public:
 * TLS_method(), TLS_client_method() and TLS_server_method() give three of them. These are equal but
 * for two neighbouring slots: the client's table cannot accept, the server's cannot connect, both by
 * the same function. What follows is read, peek, write and shutdown; in front of the two stand what
 * clears a session and what gives it back, or makes it ready for another version. The tables of single
 * versions, to which a session goes over once that is negotiated, have no public getter any more: they
 * lie around those three, and hold the same functions. Tables of DTLS do too, but for the version.
 *
 * All of that must hold, and all functions must lie in code of the same object, or the object is left
 * alone. OpenSSL 1.1.0, whose slots take other arguments, has no SSL_read_ex; BoringSSL, AWS-LC and
 * LibreSSL, whose tables are others, have no SSL_waiting_for_async. (LibreSSL's accepting slot is at
 * the same place as OpenSSL 1.1.1's, with other functions behind it.)
 *
 * The tables lie in memory that is read-only once the loader has filled it in. Where it still can be
 * written to, another thread is loading the object: it is looked at again later.
 *
 * Runs in hooks, with the loader's list held still. Must never write to anything but those slots.
 */
#include "hooks/openssl.h"

#include <sys/mman.h>

#include "base/getter.h"
#include "base/log.h"
#include "base/str.h"
#include "base/sys.h"
#include "hooks/bystanders.h"

#if defined(__x86_64__)
enum { ENTRY_IS_WHOLE = true };
#elif defined(__aarch64__)
enum { ENTRY_IS_WHOLE = false };
#endif

enum {
	ANY_TLS = 0x10000, SSL_3 = 0x300, TLS_1_3 = 0x304, /* versions of tables */
	WORDS = 26,              /* of a table, at least */
	ACCEPT_OLD = 5,          /* where the accepting slot is: OpenSSL 1.1.1 to 3.1 ... */
	ACCEPT_NEW = 8,          /* ... and since 3.2 */
	SLOTS = sizeof(struct rm_openssl_slots) / sizeof(void *),
	AROUND_BYTES = 16384,    /* in front of and behind the known tables, where the others are */
	TABLES_MAX = 32,
	RETRIES_MAX = 16,
};

struct copy {
	const struct rm_object *object;
	const uintptr_t *any, *client, *server;
	unsigned accept;
	const ElfW(Phdr) *segment;
	uintptr_t *tables[TABLES_MAX]; /* the slots of each, as struct rm_openssl_slots has them */
	unsigned count;
};

static uint64_t scanned_changes;
static int retries;

/* ---- recognising ---- */

static bool is_code(const struct rm_object *o, uintptr_t at)
{
	const ElfW(Phdr) *s = rm_object_segment(o, at, 1);

	return s && s->p_flags & PF_X;
}

/* Read, not called: a program may have functions of its own under these names. */
static const uintptr_t *given_by(const struct rm_object *o, const char *name)
{
	const void *getter = rm_object_function(o, name);
	const ElfW(Phdr) *s = getter ? rm_object_segment(o, (uintptr_t)getter, RM_GETTER_BYTES) : NULL;

	return s && s->p_flags & PF_X ? rm_getter_value(getter) : NULL;
}

/* Where the accepting slot is; 0: these are not the three tables. */
static unsigned find_accept(const struct copy *c)
{
	for (unsigned k = ACCEPT_OLD; k <= ACCEPT_NEW; k++) {
		const uintptr_t *a = c->any + k, *b = c->client + k, *d = c->server + k;

		if (a[0] == b[0])
			continue;
		if (a[0] != d[0] || a[1] != b[1] || a[1] == d[1] || b[0] != d[1])
			return 0;
		return k == ACCEPT_OLD || k == ACCEPT_NEW ? k : 0;
	}
	return 0;
}

/* All but the two slots are the same in the three tables, and those we want are code of this object. */
static bool fits(const struct copy *c)
{
	unsigned first = c->accept - 2, end = first + SLOTS;

	for (unsigned i = 2; i < end; i++)
		if (i - c->accept > 1 && (c->any[i] != c->client[i] || c->any[i] != c->server[i]))
			return false;
	for (unsigned i = first; i < end; i++)
		if (!is_code(c->object, c->any[i]))
			return false;
	return true;
}

static bool is_tls_version(uintptr_t word)
{
	int version = (int)word;

	return version == ANY_TLS || (version >= SSL_3 && version <= TLS_1_3);
}

/* Notes the table at `t` if it is one of TLS with the same functions. */
static void consider(struct copy *c, const uintptr_t *t)
{
	unsigned first = c->accept - 2;

	for (unsigned i = c->accept + 2; i < first + SLOTS; i++)
		if (t[i] != c->any[i])
			return;
	if (is_tls_version(t[0]) && c->count < TABLES_MAX)
		c->tables[c->count++] = (uintptr_t *)t + first;
}

static void find_tables(struct copy *c)
{
	uintptr_t low = c->object->base + c->segment->p_vaddr, high = low + c->segment->p_filesz;
	uintptr_t from = (uintptr_t)c->any < (uintptr_t)c->client ? (uintptr_t)c->any : (uintptr_t)c->client;
	uintptr_t to = (uintptr_t)c->any + (uintptr_t)c->client - from;

	from = (uintptr_t)c->server < from ? (uintptr_t)c->server : from;
	to = (uintptr_t)c->server > to ? (uintptr_t)c->server : to;
	from = from - low > AROUND_BYTES ? from - AROUND_BYTES : low;
	from = (from + sizeof(uintptr_t) - 1) & ~(sizeof(uintptr_t) - 1);
	to = high - to > AROUND_BYTES ? to + AROUND_BYTES : high;
	for (uintptr_t at = from; at + WORDS * sizeof(uintptr_t) <= to; at += sizeof(uintptr_t))
		consider(c, (const uintptr_t *)at);
}

/* ---- writing ---- */

/* Only what is as it must be in an object that is loaded completely. */
static bool is_finished(const struct copy *c)
{
	bool data = c->segment->p_flags & PF_W &&
		    !rm_object_is_relro(c->object, (uintptr_t)c->any, WORDS * sizeof(uintptr_t));

	return rm_word_is_writable(&c->any[c->accept]) == data;
}

static bool write_slots(const struct copy *c, const struct rm_openssl_slots *ours)
{
	uintptr_t page = rm_page_bytes(), low = (uintptr_t)c->tables[0] & ~(page - 1);
	uintptr_t high = (uintptr_t)(c->tables[c->count - 1] + SLOTS);
	int before = PROT_READ | (c->segment->p_flags & PF_X ? PROT_EXEC : 0);
	bool data = rm_word_is_writable(c->tables[0]);

	/* Code on the same page is being run by other threads: it stays what it is. */
	if (!data && rm_sys3(__NR_mprotect, low, high - low, before | PROT_WRITE) != 0)
		return false;
	for (unsigned i = 0; i < c->count; i++) {
		const uintptr_t *slot = (const uintptr_t *)ours;

		for (unsigned s = 0; s < SLOTS; s++)
			if (slot[s])
				__atomic_store_n(&c->tables[i][s], slot[s], __ATOMIC_RELEASE);
	}
	if (!data)
		rm_sys3(__NR_mprotect, low, high - low, before);
	return true;
}

/* ---- objects ---- */

/* The word in which an object keeps the address of a function of another one; NULL: it calls none. */
static const uintptr_t *import_of(const struct rm_object *o, const char *name)
{
	const ElfW(Rela) *lists[] = { o->jumps, o->relocations };
	size_t counts[] = { o->jump_count, o->relocation_count };

	for (int i = 0; i < 2; i++)
		for (size_t r = 0; r < counts[i]; r++) {
			const ElfW(Rela) *at = &lists[i][r];
			const ElfW(Sym) *s = &o->symbols[ELF64_R_SYM(at->r_info)];

			if (ELF64_R_SYM(at->r_info) && s->st_shndx == SHN_UNDEF && !at->r_addend &&
			    rm_str_eq(rm_str_c(o->strings + s->st_name), rm_str_c(name)))
				return (const uintptr_t *)(o->base + at->r_offset);
		}
	return NULL;
}

struct definer {
	const char *name;
	void *function;
	unsigned count;
};

static bool note_definer(const struct rm_object *o, void *arg)
{
	struct definer *d = arg;
	void *function = rm_object_function(o, d->name);

	d->function = function ? function : d->function;
	d->count += function != NULL;
	return false;
}

/*
 * A function of the library below, which this object holds too or calls. One that it has not called yet
 * may not be bound: its word leads into the object's own linkage table then. Several copies may be
 * loaded; x86-64's table binds whoever comes to where such a word leads, AArch64's wants a register set.
 */
static void *find_below(const struct rm_object *o, const char *name)
{
	struct definer d = { .name = name, .function = rm_object_function(o, name) };
	const uintptr_t *word;

	if (d.function)
		return d.function;
	word = import_of(o, name);
	if (!word)
		return NULL;
	if (*word && !is_code(o, *word))
		return (void *)*word;
	rm_objects_each(note_definer, &d);
	if (d.count == 1)
		return d.function;
	return ENTRY_IS_WHOLE ? (void *)*word : NULL;
}

static bool find_calls(const struct rm_object *o, struct rm_openssl_calls *ret)
{
	const struct {
		const char *name;
		void *to;
	} wanted[] = {
		{ "SSL_is_init_finished", &ret->is_init_finished },
		{ "SSL_in_init", &ret->in_init },
		{ "SSL_do_handshake", &ret->do_handshake },
		{ "SSL_is_server", &ret->is_server },
		{ "SSL_get_error", &ret->get_error },
		{ "SSL_get_early_data_status", &ret->get_early_data_status },
		{ "SSL_get_fd", &ret->get_fd },
		{ "SSL_pending", &ret->pending },
		{ "SSL_want", &ret->want },
		{ "SSL_get_client_random", &ret->get_client_random },
		{ "SSL_ctrl", &ret->ctrl },
		{ "SSL_get0_alpn_selected", &ret->get0_alpn_selected },
		{ "SSL_get_rbio", &ret->get_rbio },
		{ "SSL_get_wbio", &ret->get_wbio },
		{ "SSL_get_ex_data", &ret->get_ex_data },
		{ "SSL_set_ex_data", &ret->set_ex_data },
	};

	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		if (!(*(void **)wanted[i].to = rm_object_function(o, wanted[i].name)))
			return false;
	ret->get_ex_new_index = find_below(o, "CRYPTO_get_ex_new_index");
	ret->bio_ctrl = find_below(o, "BIO_ctrl");
	ret->has_ktls = rm_object_function(o, "SSL_sendfile") != NULL;
	return rm_object_function(o, RM_OPENSSL_ANCHOR) && ret->get_ex_new_index && ret->bio_ctrl;
}

enum verdict { NONE, OURS, LATER, FOUND };

/* What is in an object; OURS: led to us already, *ret_place is where. */
static enum verdict look(struct copy *c, const struct rm_object *o, int *ret_place)
{
	const uintptr_t **tables[] = { &c->any, &c->client, &c->server };
	static const char getters[][24] = { "TLS_method", "TLS_client_method", "TLS_server_method" };

	*c = (struct copy){ .object = o };
	/* 1.1.0 lacks the one, what descends from OpenSSL the other, and may have tables that look alike. */
	if (!rm_object_function(o, RM_OPENSSL_ANCHOR) || !rm_object_function(o, "SSL_waiting_for_async") ||
	    !rm_object_function(o, "SSL_CTX_new"))
		return NONE;
	for (int i = 0; i < 3; i++) {
		*tables[i] = given_by(o, getters[i]);
		if (!*tables[i] || !(c->segment = rm_object_segment(o, (uintptr_t)*tables[i], WORDS * sizeof(uintptr_t))))
			return NONE;
	}
	for (unsigned k = ACCEPT_OLD; k <= ACCEPT_NEW; k += ACCEPT_NEW - ACCEPT_OLD) {
		*ret_place = rm_openssl_place((void *)c->any[k + 2]);
		if (*ret_place >= 0)
			return OURS;
	}
	if (!is_finished(c))
		return LATER;
	c->accept = find_accept(c);
	if (!c->accept || !fits(c))
		return NONE;
	find_tables(c);
	return c->count ? FOUND : NONE;
}

struct scan {
	uint32_t in_use; /* places whose copy is there */
	bool later;
};

static bool note_ours(const struct rm_object *o, void *arg)
{
	struct scan *scan = arg;
	struct copy c;
	int place;

	if (look(&c, o, &place) == OURS)
		scan->in_use |= 1u << place;
	return false;
}

static bool adopt(const struct rm_object *o, void *arg)
{
	struct scan *scan = arg;
	struct rm_openssl_slots real;
	struct rm_openssl_calls calls;
	const struct rm_openssl_slots *ours;
	struct copy c;
	enum verdict verdict;
	int place;

	verdict = look(&c, o, &place);
	scan->later |= verdict == LATER;
	if (verdict != FOUND)
		return false;
	memcpy(&real, c.any + c.accept - 2, sizeof(real));
	ours = find_calls(o, &calls) ? rm_openssl_adopt(&real, &calls) : NULL;
	if (ours && !write_slots(&c, ours)) {
		rm_openssl_vacate(rm_openssl_place(ours->read));
		ours = NULL;
	}
	rm_debug(RM_LOG_INIT, "%s: OpenSSL, %u tables%s", *o->path ? o->path : "the program", c.count,
		 ours ? "" : ", left alone");
	return false;
}

/* All in one visit to the loader's list, so that what one walk found the next one finds too. */
static bool scan_all(const struct rm_object *first, void *arg)
{
	struct scan *scan = arg;

	(void)first;
	rm_bystanders_note();
	rm_bystanders_definers(note_ours, scan);
	for (int place = 0; place < RM_OPENSSL_MAX; place++)
		if (!(scan->in_use >> place & 1))
			rm_openssl_vacate(place);
	rm_bystanders_definers(adopt, scan);
	return true;
}

void rm_openssl_scan(void)
{
	uint64_t changes = rm_objects_changes();
	struct scan scan = { 0 };

	if (changes && changes == scanned_changes && retries == 0)
		return;
	retries = changes == scanned_changes ? retries - 1 : RETRIES_MAX;
	scanned_changes = changes;
	rm_objects_each(scan_all, &scan);
	if (!scan.later)
		retries = 0;
}
