/* Scans over blocks of bytes, against the same byte by byte. */
#include "base/bytes.h"
#include "protocols/http1_scan.h"
#include "tests/rmtest.h"

enum { LENGTH_MAX = 40 };

/* Ends where the page of a sanitizer's guard begins, so that reading on would be seen. */
static char *text_of(char *memory, size_t n)
{
	char *p = memory + LENGTH_MAX - n;

	memset(p, 'x', n);
	return p;
}

RM_TEST("the first byte below a limit is found at each place of each length")
{
	char memory[LENGTH_MAX];

	for (size_t n = 0; n <= LENGTH_MAX; n++) {
		for (size_t at = 0; at < n; at++) {
			for (unsigned c = 0; c < 256; c++) {
				char *p = text_of(memory, n);

				p[at] = (char)c;
				RM_CHECK(rm_scan_below(p, p + n, ' ') == p + (c < ' ' ? at : n));
				RM_CHECK(rm_scan_below(p, p + n, ' ' + 1) == p + (c <= ' ' ? at : n));
			}
		}
	}
}

RM_TEST("the last bytes are looked at by those before them, and hit alone")
{
	char memory[RM_BLOCK + LENGTH_MAX];
	const char *end = memory + sizeof(memory);

	for (size_t n = 0; n <= LENGTH_MAX; n++) {
		const char *p = end - n;

		memset(memory, '\n', sizeof(memory)); /* what stands before counts for nothing */
		memset(memory + sizeof(memory) - n, 'x', n);
		RM_CHECK(rm_scan_below_back(p, end, ' ') == end);
		for (size_t at = 0; at < n; at++) {
			memory[sizeof(memory) - n + at] = '\t';
			RM_CHECK(rm_scan_below_back(p, end, ' ') == p + at);
			RM_CHECK(rm_scan_below_back(p + at, end, ' ' + 1) == p + at);
			memory[sizeof(memory) - n + at] = 'x';
		}
	}
}

RM_TEST("what equals among the last bytes is found, whatever stands before")
{
	char memory[LENGTH_MAX];

	for (size_t all = 1; all <= LENGTH_MAX; all++) {
		for (size_t n = 0; n < RM_BLOCK && n <= all; n++) {
			const char *from = memory + LENGTH_MAX - all, *end = memory + LENGTH_MAX, *p = end - n;

			memset(memory, '=', sizeof(memory));
			memset(memory + LENGTH_MAX - n, 'x', n);
			RM_CHECK(!rm_block_rest_equal(from, p, end, '='));
			for (size_t at = 0; at < n; at++) {
				memory[LENGTH_MAX - n + at] = '=';
				RM_CHECK(rm_block_first(rm_block_rest_equal(from, p, end, '=')) == at);
				memory[LENGTH_MAX - n + at] = 'x';
			}
		}
	}
}

RM_TEST("the end of a name is a colon, white space or a control, and the first one counts")
{
	char memory[LENGTH_MAX];

	for (size_t n = 0; n <= LENGTH_MAX; n++) {
		for (size_t at = 0; at < n; at++) {
			for (unsigned c = 0; c < 256; c++) {
				char *p = text_of(memory, n);

				p[at] = (char)c;
				RM_CHECK(rm_scan_name(p, p + n) == p + (c <= ' ' || c == ':' ? at : n));
				p[n - 1] = ':';
				RM_CHECK(rm_scan_name(p, p + n) ==
					 p + (c <= ' ' && at < n - 1 ? at : c == ':' ? at : n - 1));
			}
		}
	}
}

/* Each length that the loops of one block and of four end at in another way. Both end where a guard would begin. */
RM_TEST("bytes are the same when each is, and no others are looked at")
{
	enum { MOST = 9 * RM_BLOCK };
	char memory[2][MOST + 1];

	for (size_t n = RM_BLOCK; n <= MOST; n++) {
		char *p = memory[0] + sizeof(memory[0]) - n, *q = memory[1] + sizeof(memory[1]) - n;

		memset(memory[0], 'a', sizeof(memory[0])); /* what stands before counts for nothing */
		memset(memory[1], 'b', sizeof(memory[1]));
		for (size_t i = 0; i < n; i++)
			p[i] = q[i] = (char)i;
		RM_CHECK(rm_bytes_same(p, q, n));
		for (size_t at = 0; at < n; at++) {
			q[at] ^= 1 << at % 8;
			RM_CHECK(!rm_bytes_same(p, q, n));
			RM_CHECK(at < RM_BLOCK || rm_bytes_same(p, q, at));
			q[at] = p[at];
		}
	}
}

RM_TEST("names are compared without case over their whole length")
{
	static const char name[] = "transfer-encoding";
	char text[sizeof(name)];

	for (size_t n = 8; n < sizeof(name); n++) {
		for (size_t at = 0; at < n; at++) {
			for (unsigned c = ' '; c < 256; c++) {
				memcpy(text, name, sizeof(text));
				text[at] = (char)c;
				RM_CHECK(rm_bytes_are(text, name, n) == ((c | 0x20) == (unsigned)name[at]));
			}
		}
	}
}
