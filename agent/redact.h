/*
 * Takes secrets out of URLs before they become attributes. Keys are compared exactly, as bytes; a
 * percent-encoded key is another key. Output that does not fit is cut (ret->truncated), never
 * unredacted. Spec: semantic conventions, docs/registry/attributes/url.md. Context of all: any.
 */
#ifndef RM_AGENT_REDACT_H
#define RM_AGENT_REDACT_H

#include "agent/config.h"
#include "base/strbuf.h"

/*
 * False: the query, or the URL (its path and query alone will do), has nothing to hide and need not be
 * copied. Most are like that.
 */
bool rm_redact_query_needed(const struct rm_config *c, struct rm_str query);
bool rm_redact_url_needed(const struct rm_config *c, struct rm_str url);

/* Appends a query (without "?") with the values of the settings' keys replaced by REDACTED. */
void rm_redact_query(const struct rm_config *c, struct rm_str query, struct rm_strbuf *ret);

/* Appends a URL: its user information becomes REDACTED:REDACTED, its query as above. */
void rm_redact_url_full(const struct rm_config *c, struct rm_str url, struct rm_strbuf *ret);

#endif
