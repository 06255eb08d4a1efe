/* Reads the answers of HTTP backends. Context: worker. Spec: OTLP/HTTP. */
#include "exporters/backend.h"

#include <string.h>

#include "base/log.h"

static enum rm_export_code judge(int status)
{
	if (status == 0 || status == 429 || status == 502 || status == 503 || status == 504)
		return RM_EXPORT_RETRY;
	if (status >= 200 && status < 300)
		return RM_EXPORT_DONE;
	return status == 413 ? RM_EXPORT_TOO_LARGE : RM_EXPORT_REFUSED;
}

void rm_backend_warn(struct rm_backend *b, const char *message)
{
	if (!b->has_warned)
		rm_warn("%s cannot be exported to %s: %s", b->what, b->endpoint->shown, message);
	b->has_warned = true;
}

void rm_backend_judge(struct rm_backend *b, const struct rm_http_answer *http, struct rm_str said,
		      struct rm_export_result *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->code = judge(http->status);
	ret->retry_after_ns = http->retry_after_ns;
	if (http->status == 0) {
		rm_format(ret->message, sizeof(ret->message), "%s", http->error);
		if (http->fault == RM_HTTP_UNTRUSTED)
			rm_backend_warn(b, ret->message);
		return;
	}
	if (rm_secrets_are_told(b->secrets, http->body) || rm_secrets_are_told(b->secrets, said))
		said = RM_STR("(what it says is not shown: it repeats a key)");
	if (ret->code == RM_EXPORT_DONE) {
		rm_format(ret->message, sizeof(ret->message), "%S", &said);
		return;
	}
	rm_format(ret->message, sizeof(ret->message), "HTTP %d%s%S", http->status, said.n > 0 ? ": " : "",
		  &said);
	if (http->status == 401 || http->status == 403 || http->status == 404 || http->status == 415)
		rm_backend_warn(b, ret->message);
}
