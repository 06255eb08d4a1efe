/*
 * What the answer of an HTTP backend means for a batch. Context: worker.
 * Spec: opentelemetry-proto docs/specification.md, "OTLP/HTTP Response"; others are read the same way.
 */
#ifndef RM_EXPORTERS_BACKEND_H
#define RM_EXPORTERS_BACKEND_H

#include "agent/exporter.h"
#include "exporters/endpoint.h"
#include "exporters/http.h"

struct rm_backend {
	const struct rm_endpoint *endpoint;
	const struct rm_secrets *secrets;
	const char *what; /* is exported, in messages: "spans" */
	bool has_warned; /* of a backend that will not have us: once */
};

/*
 * Fills *ret but for `rejected`: retried is exactly 429, 502, 503, 504 and no answer at all; any 2xx is
 * done; 413 asks for smaller batches; everything else is refused for good. `said` is what the backend says
 * itself, shown only if it repeats no secret. Answers that only a wrong setting gives are told the user once.
 */
void rm_backend_judge(struct rm_backend *b, const struct rm_http_answer *http, struct rm_str said,
		      struct rm_export_result *ret);

/* Tells the user, once, that a backend will never take what we send as things are set. */
void rm_backend_warn(struct rm_backend *b, const char *message);

#endif
