/*
 * Answers of a backend, exporters/otlp_answer.c. The input is one byte of circumstances and the body.
 * What must hold for any input: the message ends where it must, an empty body says nothing, and no
 * more spans are rejected than a number can hold.
 */
#include <stdlib.h>
#include <string.h>

#include "exporters/otlp_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct rm_otlp_answer answer;
	char *body;

	if (n < 1)
		return 0;
	body = malloc(n); /* of exactly this size */
	memcpy(body, data + 1, n - 1);
	memset(&answer, 0xee, sizeof(answer));
	rm_otlp_answer((struct rm_str){ body, n - 1 }, data[0] & 1, data[0] & 2, &answer);
	if (!memchr(answer.message, '\0', sizeof(answer.message)) || (n == 1 && (answer.message[0] || answer.rejected)))
		abort();
	if (!(data[0] & 2) && answer.rejected)
		abort();
	free(body);
	return 0;
}
