/*
 * What the settings hold and nobody else is to read: keys, passwords. A backend's words are shown to
 * the user only when they repeat none of it. Context: worker.
 */
#ifndef RM_EXPORTERS_SECRETS_H
#define RM_EXPORTERS_SECRETS_H

#include "base/str.h"

enum { RM_SECRETS_MAX = 40 };

/* Zeroed is empty. Strings are owned; rm_secrets_free gives them back. */
struct rm_secrets {
	char *text[RM_SECRETS_MAX];
	uint32_t count;
};

/* Copies one in. Errors: RM_E_NOMEM, also when there are RM_SECRETS_MAX. */
int rm_secrets_add(struct rm_secrets *s, struct rm_str text);

/* True when `text`, a backend's say, repeats one of them. */
bool rm_secrets_are_told(const struct rm_secrets *s, struct rm_str text);

void rm_secrets_free(struct rm_secrets *s);

#endif
