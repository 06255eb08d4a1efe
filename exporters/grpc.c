/*
 * Reads answers of gRPC servers: the status stands in trailers, or in the head of an answer without a
 * body; without one (a proxy answered, the stream was reset) it is made from the status of HTTP.
 * Context: worker. Spec: gRPC over HTTP/2 (PROTOCOL-HTTP2.md, http-grpc-status-mapping.md).
 */
#include "exporters/grpc.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/endian.h"
#include "base/env.h"
#include "base/log.h"
#include "rpc_status.pb-c.h"

enum { DETAILS_MAX_BYTES = 8192, UNPACKED_MAX_BYTES = 64 * 1024, RETRY_AFTER_MAX_S = 24 * 60 * 60 };
#define SECOND_NS 1000000000ull
#define MS_NS	  1000000ull

void rm_grpc_frame(uint8_t ret[RM_GRPC_FRAME_BYTES], size_t n, bool is_compressed)
{
	ret[0] = is_compressed;
	ret[1] = (uint8_t)(n >> 24);
	ret[2] = (uint8_t)(n >> 16);
	ret[3] = (uint8_t)(n >> 8);
	ret[4] = (uint8_t)n;
}

void rm_grpc_timeout(uint64_t ns, char *ret, size_t cap)
{
	uint64_t ms = ns / MS_NS, s = ms / 1000;

	if (ms <= 99999999)
		rm_format(ret, cap, "grpc-timeout: %lum", ms > 0 ? ms : 1);
	else
		rm_format(ret, cap, "grpc-timeout: %luS", s <= 99999999 ? s : 99999999);
}

/* ---- the code ---- */

static int code_of_status(int status)
{
	switch (status) {
	case 400:
		return RM_GRPC_INTERNAL;
	case 401:
		return RM_GRPC_UNAUTHENTICATED;
	case 403:
		return RM_GRPC_PERMISSION_DENIED;
	case 404:
		return RM_GRPC_UNIMPLEMENTED;
	case 429:
	case 502:
	case 503:
	case 504:
		return RM_GRPC_UNAVAILABLE;
	default:
		return RM_GRPC_UNKNOWN;
	}
}

const char *rm_grpc_code_name(int code, char buffer[16])
{
	static const char *const names[] = {
		"OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND",
		"ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED",
		"OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
	};

	if (code >= 0 && (size_t)code < sizeof(names) / sizeof(names[0]))
		return names[code];
	rm_format(buffer, 16, "code %d", code);
	return buffer;
}

/* ---- details ---- */

/* Base64, padded or not, into `ret` of DETAILS_MAX_BYTES. Returns the length, or -1. */
static int decode_base64(struct rm_str s, uint8_t *ret)
{
	char padded[DETAILS_MAX_BYTES + 4];
	size_t n = s.n, pad;
	int bytes;

	while (n > 0 && s.p[n - 1] == '=')
		n--;
	if (n == 0 || n > DETAILS_MAX_BYTES || n % 4 == 1)
		return -1;
	pad = (4 - n % 4) % 4;
	memcpy(padded, s.p, n);
	memset(padded + n, '=', pad);
	bytes = EVP_DecodeBlock(ret, (const unsigned char *)padded, (int)(n + pad));
	return bytes < (int)pad ? -1 : bytes - (int)pad;
}

static bool is_retry_info(const char *type_url)
{
	const char *slash = strrchr(type_url, '/');

	return strcmp(slash ? slash + 1 : type_url, "google.rpc.RetryInfo") == 0;
}

static void read_retry_info(const Rpc__Any *any, struct rm_grpc_answer *a)
{
	Rpc__RetryInfo *info = rpc__retry_info__unpack(NULL, any->value.len, any->value.data);
	int64_t seconds, nanos;

	if (!info)
		return;
	a->has_retry_info = true;
	seconds = info->retry_delay ? info->retry_delay->seconds : 0;
	nanos = info->retry_delay ? info->retry_delay->nanos : 0;
	if (seconds > RETRY_AFTER_MAX_S)
		seconds = RETRY_AFTER_MAX_S;
	if (seconds >= 0 && nanos >= 0)
		a->retry_after_ns = (uint64_t)seconds * SECOND_NS + (uint64_t)nanos % SECOND_NS;
	rpc__retry_info__free_unpacked(info, NULL);
}

static void read_details(struct rm_str value, struct rm_grpc_answer *a)
{
	uint8_t bytes[DETAILS_MAX_BYTES + 4];
	int n = decode_base64(value, bytes);
	Rpc__Status *s = n >= 0 ? rpc__status__unpack(NULL, (size_t)n, bytes) : NULL;

	if (!s)
		return;
	for (size_t i = 0; i < s->n_details; i++)
		if (is_retry_info(s->details[i]->type_url))
			read_retry_info(s->details[i], a);
	rpc__status__free_unpacked(s, NULL);
}

/* ---- the message ---- */

static bool unpack(const char *p, size_t n, struct rm_grpc_answer *a)
{
	z_stream z = { .next_in = (Bytef *)p, .avail_in = (uInt)n };
	uint8_t *out = malloc(UNPACKED_MAX_BYTES);
	int done = Z_MEM_ERROR;

	z.next_out = out;
	z.avail_out = UNPACKED_MAX_BYTES;
	if (out && inflateInit2(&z, 15 + 32) == Z_OK) {
		done = inflate(&z, Z_FINISH);
		inflateEnd(&z);
	}
	if (done != Z_STREAM_END) {
		free(out);
		return false;
	}
	a->message = out;
	a->message_bytes = z.total_out;
	return true;
}

/* What is no whole message, or too long when unpacked, is left out: it would say what was rejected. */
static void read_message(struct rm_str body, struct rm_grpc_answer *a)
{
	const uint8_t *b = (const uint8_t *)body.p;
	size_t n;

	if (body.n < RM_GRPC_FRAME_BYTES)
		return;
	n = rm_be32(b + 1);
	if (n > body.n - RM_GRPC_FRAME_BYTES)
		return;
	if (b[0]) {
		unpack(body.p + RM_GRPC_FRAME_BYTES, n, a);
		return;
	}
	a->message = malloc(n + 1);
	if (!a->message)
		return;
	memcpy(a->message, b + RM_GRPC_FRAME_BYTES, n);
	a->message_bytes = n;
}

static void read_text(struct rm_str value, struct rm_grpc_answer *a)
{
	size_t cap = sizeof(a->text) - 1;
	int n;

	if (value.n > cap)
		value.n = cap;
	n = rm_percent_decode(value, a->text, cap);
	if (n < 0) { /* cut in an escape, or not escaped at all */
		memcpy(a->text, value.p, value.n);
		n = (int)value.n;
	}
	a->text[n] = '\0';
}

void rm_grpc_answer(const struct rm_http_answer *http, struct rm_grpc_answer *ret)
{
	struct rm_str status;
	uint64_t code;

	*ret = (struct rm_grpc_answer){ .code = RM_GRPC_NO_ANSWER };
	if (http->status == 0)
		return;
	status = rm_http_header(http, "grpc-status");
	ret->is_grpc = http->is_http2 && rm_str_u64(status, &code) && code < 1000;
	if (!ret->is_grpc) {
		/* A stream that was reset says nothing of what became of its request. */
		if (!http->is_cut || http->status != 200)
			ret->code = code_of_status(http->status);
		ret->retry_after_ns = http->retry_after_ns;
		return;
	}
	ret->code = (int)code;
	read_text(rm_http_header(http, "grpc-message"), ret);
	read_details(rm_http_header(http, "grpc-status-details-bin"), ret);
	if (code == RM_GRPC_OK)
		read_message(http->body, ret);
}

void rm_grpc_answer_free(struct rm_grpc_answer *a)
{
	free(a->message);
	a->message = NULL;
	a->message_bytes = 0;
}
