/* Remembers secrets of the settings to keep them out of messages. Context: worker. */
#include "exporters/secrets.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"

enum { TOLD_MIN_BYTES = 4 }; /* shorter ones are found everywhere */

int rm_secrets_add(struct rm_secrets *s, struct rm_str text)
{
	char *copy = s->count < RM_SECRETS_MAX ? strndup(text.n > 0 ? text.p : "", text.n) : NULL;

	if (!copy)
		return RM_E_NOMEM;
	s->text[s->count++] = copy;
	return RM_OK;
}

bool rm_secrets_are_told(const struct rm_secrets *s, struct rm_str text)
{
	for (uint32_t i = 0; i < s->count; i++) {
		const char *blank = strrchr(s->text[i], ' ');
		const char *key = blank ? blank + 1 : s->text[i]; /* of "Bearer KEY" */
		size_t n = strlen(key);

		if (n >= TOLD_MIN_BYTES && rm_str_find(text, (struct rm_str){ key, n }))
			return true;
	}
	return false;
}

void rm_secrets_free(struct rm_secrets *s)
{
	for (uint32_t i = 0; i < s->count; i++)
		free(s->text[i]);
	*s = (struct rm_secrets){ 0 };
}
