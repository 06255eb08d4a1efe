/* The checks that there are, and what those of HTTP backends have in common. Context of everything here: worker. */
#ifndef RM_EXPORTERS_CHECK_CHECKS_H
#define RM_EXPORTERS_CHECK_CHECKS_H

#include "exporters/check/check.h"
#include "exporters/endpoint.h"
#include "exporters/http.h"

void rm_check_otlp(struct rm_checkup *c);
void rm_check_otlp_file(struct rm_checkup *c);
void rm_check_zipkin(struct rm_checkup *c);
void rm_check_xray(struct rm_checkup *c);
void rm_check_cloudwatch(struct rm_checkup *c);
void rm_check_rollbar(struct rm_checkup *c);
void rm_check_console(struct rm_checkup *c);

/* A backend that is spoken to over HTTP. Strings are borrowed. */
struct rm_http_backend {
	const struct rm_endpoint *endpoint;
	const char *variable; /* that names the endpoint */
	bool is_default;      /* it does not: the endpoint is the default */
	struct rm_http_options options;
};

/*
 * Sends one request within ten seconds. Ownership: `*ret_http`, which holds the answer, is given back with
 * rm_http_free. False: there is no client, which was said.
 */
bool rm_check_ask(struct rm_checkup *c, const struct rm_http_options *options, const struct rm_http_request *request,
		  struct rm_http **ret_http, struct rm_http_answer *ret);

/* Says why there was no answer, and what to do. `as` is what should speak there: "HTTP", "gRPC". */
void rm_check_say_fault(struct rm_checkup *c, const struct rm_http_backend *b, const struct rm_http_answer *a,
			const char *as);

/* Says so where the backend's clock and ours differ. */
void rm_check_clock(struct rm_checkup *c, const struct rm_http_answer *a);

/*
 * Honeycomb's own answer to what a key is: asked where the endpoint, or a header, is Honeycomb's. False: it is no
 * good, which was said.
 */
struct rm_otlp_config;
bool rm_check_honeycomb(struct rm_checkup *c, const struct rm_http_backend *b, const struct rm_otlp_config *config);

#endif
