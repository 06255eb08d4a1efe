/*
 * Signs what it reads: for each request eight lines, hexadecimal: access key, secret, region, service, seconds, path, body, and
 * headers as "name:value" separated by NUL, in order. Prints a line each. For tests/e2e/sigv4_oracle.py.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exporters/sigv4.h"

enum { FIELDS = 8, FIELD_BYTES = 1 << 16 };

static char line[2 * FIELD_BYTES + 2], field[FIELDS][FIELD_BYTES];
static struct rm_str value[FIELDS];

static bool read_request(void)
{
	for (int i = 0; i < FIELDS; i++) {
		size_t n;

		if (!fgets(line, sizeof(line), stdin))
			return false;
		n = strcspn(line, "\n") / 2;
		if (!rm_hex_decode(line, (uint8_t *)field[i], n))
			exit(1);
		field[i][n] = '\0';
		value[i] = (struct rm_str){ field[i], n };
	}
	return true;
}

int main(void)
{
	while (read_request()) {
		struct rm_sigv4_header header[RM_SIGV4_HEADERS_MAX];
		char date[RM_SIGV4_DATE_BYTES], got[RM_SIGV4_BYTES];
		struct rm_str rest = value[7];
		struct rm_sigv4 s = { .access_key = value[0], .secret = value[1], .region = value[2], .service = value[3],
				      .date = date, .method = RM_STR("POST"), .path = value[5], .body = value[6], .header = header };

		rm_sigv4_date(strtoull(field[4], NULL, 10), date);
		while (rest.n > 0 && s.header_count < RM_SIGV4_HEADERS_MAX) {
			struct rm_str text = rm_str_cut(&rest, '\0'), name = rm_str_cut(&text, ':');

			header[s.header_count++] = (struct rm_sigv4_header){ name, text };
		}
		puts(rm_sigv4_sign(&s, got) ? got : "");
	}
	return 0;
}
