/*
 * The hash is OpenSSL's plain function, which takes no lock, reads no configuration and starts nothing: a process that was
 * forked in the middle of OpenSSL, or speaks plain http, signs all the same. Context: worker.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "exporters/sigv4.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <time.h>

#include "base/log.h"
#include "base/strbuf.h"

enum { HASH_BYTES = SHA256_DIGEST_LENGTH, BLOCK_BYTES = SHA256_CBLOCK, SCOPE_BYTES = 256, SECRET_BYTES = 256 };

void rm_sigv4_date(uint64_t unix_s, char ret[RM_SIGV4_DATE_BYTES])
{
	time_t seconds = (time_t)unix_s;
	struct tm tm = { 0 };

	gmtime_r(&seconds, &tm);
	strftime(ret, RM_SIGV4_DATE_BYTES, "%Y%m%dT%H%M%SZ", &tm);
}

static void hash(struct rm_str s, uint8_t ret[HASH_BYTES])
{
	SHA256_CTX c;

	SHA256_Init(&c);
	SHA256_Update(&c, s.p, s.n);
	SHA256_Final(ret, &c);
}

/* HMAC (RFC 2104); `ret` may be the key. */
static void hmac(struct rm_str key, struct rm_str text, uint8_t ret[HASH_BYTES])
{
	uint8_t pad[BLOCK_BYTES] = { 0 }, inner[HASH_BYTES];
	SHA256_CTX c;

	if (key.n > sizeof(pad))
		hash(key, pad);
	else if (key.n > 0)
		memcpy(pad, key.p, key.n);
	for (size_t i = 0; i < sizeof(pad); i++)
		pad[i] ^= 0x36;
	SHA256_Init(&c);
	SHA256_Update(&c, pad, sizeof(pad));
	SHA256_Update(&c, text.p, text.n);
	SHA256_Final(inner, &c);
	for (size_t i = 0; i < sizeof(pad); i++)
		pad[i] ^= 0x36 ^ 0x5c;
	SHA256_Init(&c);
	SHA256_Update(&c, pad, sizeof(pad));
	SHA256_Update(&c, inner, sizeof(inner));
	SHA256_Final(ret, &c);
}

/* ---- the canonical request, which is hashed as it is made ---- */

static void add(SHA256_CTX *c, struct rm_str s)
{
	if (s.n > 0)
		SHA256_Update(c, s.p, s.n);
}

/* Encoded as it is, once more: what is "%20" on the way is signed as "%2520". */
static void add_path(SHA256_CTX *c, struct rm_str path)
{
	static const char digits[] = "0123456789ABCDEF";

	if (path.n == 0)
		add(c, RM_STR("/"));
	for (size_t i = 0; i < path.n; i++) {
		unsigned char b = (unsigned char)path.p[i];
		char code[3] = { '%', digits[b >> 4], digits[b & 15] };
		bool is_plain = (b >= 'a' && b <= 'z') || (b >= 'A' && b <= 'Z') || (b >= '0' && b <= '9') ||
				(b && strchr("-_.~/", b));

		add(c, is_plain ? (struct rm_str){ path.p + i, 1 } : (struct rm_str){ code, 3 });
	}
}

/* Without blanks around it; several inside it are one. */
static void add_value(SHA256_CTX *c, struct rm_str value)
{
	value = rm_str_trim(value);
	for (size_t i = 0; i < value.n; i++)
		if (value.p[i] != ' ' || value.p[i - 1] != ' ')
			add(c, (struct rm_str){ value.p + i, 1 });
}

static void add_names(SHA256_CTX *c, struct rm_strbuf *b, const struct rm_sigv4 *s)
{
	for (uint32_t i = 0; i < s->header_count; i++) {
		if (i > 0) {
			add(c, RM_STR(";"));
			rm_strbuf_char(b, ';');
		}
		add(c, s->header[i].name);
		rm_strbuf_str(b, s->header[i].name);
	}
}

/* Also writes the headers' names to `names`. */
static void hash_request(const struct rm_sigv4 *s, struct rm_strbuf *names, char ret_hex[2 * HASH_BYTES])
{
	uint8_t bytes[HASH_BYTES];
	char body[2 * HASH_BYTES];
	SHA256_CTX c;

	hash(s->body, bytes);
	rm_hex_encode(bytes, sizeof(bytes), body);
	SHA256_Init(&c);
	add(&c, s->method);
	add(&c, RM_STR("\n"));
	add_path(&c, s->path);
	add(&c, RM_STR("\n\n")); /* and no query */
	for (uint32_t i = 0; i < s->header_count; i++) {
		add(&c, s->header[i].name);
		add(&c, RM_STR(":"));
		add_value(&c, s->header[i].value);
		add(&c, RM_STR("\n"));
	}
	add(&c, RM_STR("\n"));
	add_names(&c, names, s);
	add(&c, RM_STR("\n"));
	add(&c, (struct rm_str){ body, sizeof(body) });
	SHA256_Final(bytes, &c);
	rm_hex_encode(bytes, sizeof(bytes), ret_hex);
}

/* ---- the signature ---- */

static bool derive_key(const struct rm_sigv4 *s, uint8_t ret[HASH_BYTES])
{
	struct rm_str key = { (const char *)ret, HASH_BYTES };
	char first[4 + SECRET_BYTES] = "AWS4";

	if (s->secret.n > SECRET_BYTES)
		return false;
	if (s->secret.n > 0)
		memcpy(first + 4, s->secret.p, s->secret.n);
	hmac((struct rm_str){ first, 4 + s->secret.n }, (struct rm_str){ s->date, 8 }, ret);
	hmac(key, s->region, ret);
	hmac(key, s->service, ret);
	hmac(key, RM_STR("aws4_request"), ret);
	OPENSSL_cleanse(first, sizeof(first));
	return true;
}

bool rm_sigv4_sign(const struct rm_sigv4 *s, char ret[RM_SIGV4_BYTES])
{
	char scope_memory[SCOPE_BYTES], text_memory[SCOPE_BYTES + 128], names_memory[SCOPE_BYTES], digest[2 * HASH_BYTES];
	struct rm_strbuf scope, text, names, out;
	uint8_t key[HASH_BYTES], signature[HASH_BYTES];

	rm_strbuf_init(&names, names_memory, sizeof(names_memory));
	hash_request(s, &names, digest);
	rm_strbuf_init(&scope, scope_memory, sizeof(scope_memory));
	rm_strbuf_put(&scope, s->date, 8);
	rm_strbuf_char(&scope, '/');
	rm_strbuf_str(&scope, s->region);
	rm_strbuf_char(&scope, '/');
	rm_strbuf_str(&scope, s->service);
	rm_strbuf_c(&scope, "/aws4_request");
	rm_strbuf_init(&text, text_memory, sizeof(text_memory));
	rm_strbuf_c(&text, "AWS4-HMAC-SHA256\n");
	rm_strbuf_c(&text, s->date);
	rm_strbuf_char(&text, '\n');
	rm_strbuf_str(&text, rm_strbuf_view(&scope));
	rm_strbuf_char(&text, '\n');
	rm_strbuf_put(&text, digest, sizeof(digest));
	if (names.truncated || scope.truncated || text.truncated || !derive_key(s, key))
		return false;
	hmac((struct rm_str){ (const char *)key, sizeof(key) }, rm_strbuf_view(&text), signature);
	OPENSSL_cleanse(key, sizeof(key));
	rm_strbuf_init(&out, ret, RM_SIGV4_BYTES);
	rm_strbuf_c(&out, "AWS4-HMAC-SHA256 Credential=");
	rm_strbuf_str(&out, s->access_key);
	rm_strbuf_char(&out, '/');
	rm_strbuf_str(&out, rm_strbuf_view(&scope));
	rm_strbuf_c(&out, ", SignedHeaders=");
	rm_strbuf_str(&out, rm_strbuf_view(&names));
	rm_strbuf_c(&out, ", Signature=");
	rm_strbuf_hex(&out, signature, sizeof(signature));
	rm_strbuf_char(&out, '\0');
	return !out.truncated;
}
