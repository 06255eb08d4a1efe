/* gRPC: frames, deadlines, and what answers mean, as they stand in the head and trailers that HTTP brought. */
#include <stdlib.h>
#include <zlib.h>

#include "base/log.h"
#include "exporters/grpc.h"
#include "tests/rmtest.h"

#define DETAILS "grpc-status-details-bin: "
#define SECOND_NS 1000000000ull

static struct rm_grpc_answer answer_to(int status, const char *head, struct rm_str body)
{
	struct rm_http_answer http = { .status = status, .is_http2 = true, .head = rm_str_c(head), .body = body };
	struct rm_grpc_answer a;

	rm_grpc_answer(&http, &a);
	return a;
}

static struct rm_grpc_answer answer(const char *head)
{
	struct rm_grpc_answer a = answer_to(200, head, RM_STR(""));

	rm_grpc_answer_free(&a);
	return a;
}

RM_TEST("the frame of a message says its length, and whether it is compressed")
{
	uint8_t frame[RM_GRPC_FRAME_BYTES];

	rm_grpc_frame(frame, 0x01020304, true);
	RM_CHECK(memcmp(frame, "\1\1\2\3\4", 5) == 0);
	rm_grpc_frame(frame, 7, false);
	RM_CHECK(memcmp(frame, "\0\0\0\0\7", 5) == 0);
}

RM_TEST("a deadline has eight digits at most, and is never 0")
{
	static const struct {
		uint64_t ns;
		const char *text;
	} rows[] = {
		{ 0, "grpc-timeout: 1m" },
		{ 999999, "grpc-timeout: 1m" },
		{ 10 * SECOND_NS, "grpc-timeout: 10000m" },
		{ 99999999000000, "grpc-timeout: 99999999m" },
		{ 100000000000000, "grpc-timeout: 100000S" },
		{ UINT64_MAX, "grpc-timeout: 99999999S" },
	};
	char text[48];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		rm_grpc_timeout(rows[i].ns, text, sizeof(text));
		RM_CHECK_STR(rm_str_c(text), rows[i].text);
	}
}

RM_TEST("the status is the last one that is said, in trailers or without a body")
{
	struct rm_grpc_answer a = answer("HTTP/2 200 \r\ncontent-type: application/grpc\r\n\r\n"
					 "grpc-status: 14\r\ngrpc-message: over%20there\r\n\r\n");

	RM_CHECK(a.is_grpc && a.code == RM_GRPC_UNAVAILABLE && !a.has_retry_info);
	RM_CHECK_STR(rm_str_c(a.text), "over there");
	a = answer("Grpc-Status: 1\r\ngrpc-status:16\r\n");
	RM_CHECK(a.is_grpc && a.code == RM_GRPC_UNAUTHENTICATED && !a.text[0]);
}

RM_TEST("a message that is not escaped, or cut in an escape, is shown as it came")
{
	static char head[2048] = "grpc-status: 3\r\ngrpc-message: ";
	struct rm_grpc_answer a = answer("grpc-status: 3\r\ngrpc-message: 100% of it\r\n");

	RM_CHECK_STR(rm_str_c(a.text), "100% of it");
	for (int i = 0; i < 400; i++)
		strcat(head, "%20");
	a = answer(strcat(head, "\r\n"));
	RM_CHECK(a.code == 3 && strlen(a.text) == sizeof(a.text) - 1);
}

RM_TEST("without a status of gRPC it is made from HTTP's")
{
	static const struct {
		int status, code;
	} rows[] = { { 400, RM_GRPC_INTERNAL }, { 401, RM_GRPC_UNAUTHENTICATED }, { 403, RM_GRPC_PERMISSION_DENIED },
		     { 404, RM_GRPC_UNIMPLEMENTED }, { 429, RM_GRPC_UNAVAILABLE }, { 502, RM_GRPC_UNAVAILABLE },
		     { 503, RM_GRPC_UNAVAILABLE }, { 504, RM_GRPC_UNAVAILABLE }, { 500, RM_GRPC_UNKNOWN },
		     { 200, RM_GRPC_UNKNOWN }, { 0, RM_GRPC_NO_ANSWER } };
	struct rm_http_answer http = { .is_http2 = true };
	struct rm_grpc_answer a;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		http.status = rows[i].status;
		rm_grpc_answer(&http, &a);
		RM_CHECK(!a.is_grpc && a.code == rows[i].code);
	}
	/* What is said over HTTP/1 is no gRPC. */
	http = (struct rm_http_answer){ .status = 200, .head = RM_STR("grpc-status: 0\r\n") };
	rm_grpc_answer(&http, &a);
	RM_CHECK(!a.is_grpc && a.code == RM_GRPC_UNKNOWN);
	http.head = RM_STR("grpc-status: -1\r\n");
	http.is_http2 = true;
	rm_grpc_answer(&http, &a);
	RM_CHECK(!a.is_grpc && a.code == RM_GRPC_UNKNOWN);
	/* A stream that was reset before its trailers. */
	http.is_cut = true;
	rm_grpc_answer(&http, &a);
	RM_CHECK(a.code == RM_GRPC_NO_ANSWER);
}

/* What Python's google.rpc makes of Status{8, "wait", details}. */
RM_TEST("RetryInfo says when, in details of whatever padding")
{
	struct rm_grpc_answer a;

	a = answer("grpc-status: 8\r\n" DETAILS "CAgSBHdhaXQaNgoodHlwZS5nb29nbGVhcGlzLmNvbS9nb29nbGUucnBjLlJldHJ5SW5mbxIKCggIAhCAyrXuAQ==\r\n");
	RM_CHECK(a.has_retry_info && a.retry_after_ns == 2500000000);
	a = answer("grpc-status: 8\r\n" DETAILS "CAgSBHdhaXQaLwoodHlwZS5nb29nbGVhcGlzLmNvbS9nb29nbGUucnBjLkVycm9ySW5mbxIDCgF4GjYKKHR5cGUuZ29vZ2xlYXBpcy5jb20vZ29vZ2xlLnJwYy5SZXRyeUluZm8SCgoICAIQgMq17gE\r\n");
	RM_CHECK(a.has_retry_info && a.retry_after_ns == 2500000000);
	a = answer("grpc-status: 8\r\n" DETAILS "CAgSBHdhaXQaKgoodHlwZS5nb29nbGVhcGlzLmNvbS9nb29nbGUucnBjLlJldHJ5SW5mbw==\r\n");
	RM_CHECK(a.has_retry_info && a.retry_after_ns == 0);
	a = answer("grpc-status: 8\r\n" DETAILS "CAgSBHdhaXQaMAoodHlwZS5nb29nbGVhcGlzLmNvbS9nb29nbGUucnBjLkVycm9ySW5mbxIECgJ4eQ==\r\n");
	RM_CHECK(!a.has_retry_info && a.retry_after_ns == 0);
	a = answer("grpc-status: 8\r\n" DETAILS "CAgSBHdhaXQaNAoodHlwZS5nb29nbGVhcGlzLmNvbS9nb29nbGUucnBjLlJldHJ5SW5mbxIICgYIgJTr3AM=\r\n");
	RM_CHECK(a.has_retry_info && a.retry_after_ns == 24 * 3600 * SECOND_NS);
	a = answer("grpc-status: 8\r\n" DETAILS "CAgSBHdhaXQaRAoodHlwZS5nb29nbGVhcGlzLmNvbS9nb29nbGUucnBjLlJldHJ5SW5mbxIYChYI+///////////ARD9//////////8B\r\n");
	RM_CHECK(a.has_retry_info && a.retry_after_ns == 0);
}

RM_TEST("details that are none say nothing")
{
	static const char *const rows[] = { "", "=", "A", "A===", "!!!!", "AAAAA", "/////w==" };
	static char head[20000];
	struct rm_grpc_answer a;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(head, sizeof(head), "grpc-status: 8\r\n" DETAILS "%s\r\n", rows[i]);
		a = answer(head);
		RM_CHECK(a.code == RM_GRPC_RESOURCE_EXHAUSTED && !a.has_retry_info);
	}
	strcpy(head, "grpc-status: 8\r\n" DETAILS);
	memset(head + strlen(head), 'A', 10000);
	strcat(head, "\r\n");
	RM_CHECK(!answer(head).has_retry_info);
}

RM_TEST("the message of an answer, as it is, packed and in pieces that are none")
{
	struct rm_grpc_answer a = answer_to(200, "grpc-status: 0\r\n", RM_STR("\0\0\0\0\2\x0a\0"));
	static char packed[256];
	z_stream z = { .next_in = (Bytef *)"\x0a\x02\x08\x05", .avail_in = 4, .next_out = (Bytef *)packed + 5,
		       .avail_out = sizeof(packed) - 5 };

	RM_CHECK(a.code == 0 && a.message_bytes == 2 && memcmp(a.message, "\x0a\0", 2) == 0);
	rm_grpc_answer_free(&a);
	deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
	RM_CHECK(deflate(&z, Z_FINISH) == Z_STREAM_END);
	deflateEnd(&z);
	packed[0] = 1;
	packed[4] = (char)z.total_out;
	a = answer_to(200, "grpc-status: 0\r\n", (struct rm_str){ packed, z.total_out + 5 });
	RM_CHECK(a.message_bytes == 4 && memcmp(a.message, "\x0a\x02\x08\x05", 4) == 0);
	rm_grpc_answer_free(&a);
	packed[5 + z.total_out - 8] ^= 0x55; /* the checksum */
	a = answer_to(200, "grpc-status: 0\r\n", (struct rm_str){ packed, z.total_out + 5 });
	RM_CHECK(a.code == 0 && !a.message);
	a = answer_to(200, "grpc-status: 0\r\n", RM_STR("\0\0\0\0\3\x0a\0"));
	RM_CHECK(a.code == 0 && !a.message);
	a = answer_to(200, "grpc-status: 0\r\n", RM_STR("\0\0\0"));
	RM_CHECK(a.code == 0 && !a.message);
	/* After an error there is none to read. */
	a = answer_to(200, "grpc-status: 13\r\n", RM_STR("\0\0\0\0\2\x0a\0"));
	RM_CHECK(a.code == 13 && !a.message);
}

RM_TEST("a message that is short when packed only is not unpacked further than it may be")
{
	enum { LONG = 1 << 20 };
	char *zeros = calloc(1, LONG), *packed = malloc(LONG);
	z_stream z = { .next_in = (Bytef *)zeros, .avail_in = LONG, .next_out = (Bytef *)packed + 5,
		       .avail_out = LONG - 5 };
	struct rm_grpc_answer a;

	deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
	RM_CHECK(deflate(&z, Z_FINISH) == Z_STREAM_END);
	deflateEnd(&z);
	rm_grpc_frame((uint8_t *)packed, z.total_out, true);
	a = answer_to(200, "grpc-status: 0\r\n", (struct rm_str){ packed, z.total_out + 5 });
	RM_CHECK(a.code == 0 && !a.message);
	free(zeros);
	free(packed);
}

RM_TEST("codes have names")
{
	char buffer[16];

	RM_CHECK_STR(rm_str_c(rm_grpc_code_name(14, buffer)), "UNAVAILABLE");
	RM_CHECK_STR(rm_str_c(rm_grpc_code_name(16, buffer)), "UNAUTHENTICATED");
	RM_CHECK_STR(rm_str_c(rm_grpc_code_name(77, buffer)), "code 77");
}
