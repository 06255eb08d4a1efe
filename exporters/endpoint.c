/* URLs of backends, by libcurl's parser. Context: worker. Spec: RFC 3986. */
#include "exporters/endpoint.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"

/* Remembers a part of the URL as a secret, and takes it out of the URL. */
static int hide(struct rm_secrets *secrets, CURLU *u, CURLUPart part)
{
	char *text = NULL;
	int err = RM_OK;

	if (curl_url_get(u, part, &text, 0) == CURLUE_OK)
		err = rm_secrets_add(secrets, rm_str_c(text));
	curl_free(text);
	curl_url_set(u, part, NULL, 0);
	return err;
}

static bool append_path(CURLU *u, const char *more)
{
	char *path = NULL, *longer = NULL;
	bool good = curl_url_get(u, CURLUPART_PATH, &path, 0) == CURLUE_OK;

	if (good) {
		const char *slash = path[strlen(path) - 1] == '/' ? "" : "/";

		good = asprintf(&longer, "%s%s%s", path, slash, more) > 0 &&
		       curl_url_set(u, CURLUPART_PATH, longer, 0) == CURLUE_OK;
	}
	curl_free(path);
	free(longer);
	return good;
}

static bool is_http(CURLU *u)
{
	char *scheme = NULL;
	bool good = curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
		    (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0);

	curl_free(scheme);
	return good;
}

/* The whole URL in memory that free() takes. */
static char *get_url(CURLU *u)
{
	char *text = NULL, *ret = NULL;

	if (curl_url_get(u, CURLUPART_URL, &text, 0) == CURLUE_OK)
		ret = strdup(text);
	curl_free(text);
	return ret;
}

static int take_url(CURLU *u, const char *text, const char *path, struct rm_secrets *secrets,
		    struct rm_endpoint *ret)
{
	if (curl_url_set(u, CURLUPART_URL, text, 0) != CURLUE_OK || !is_http(u) ||
	    curl_url_set(u, CURLUPART_FRAGMENT, NULL, 0) != CURLUE_OK || (*path && !append_path(u, path)))
		return RM_E_INVALID;
	ret->url = get_url(u);
	if (hide(secrets, u, CURLUPART_USER) || hide(secrets, u, CURLUPART_PASSWORD) ||
	    hide(secrets, u, CURLUPART_QUERY))
		return RM_E_NOMEM;
	ret->shown = get_url(u);
	return ret->url && ret->shown ? RM_OK : RM_E_NOMEM;
}

int rm_endpoint_parse(struct rm_str text, const char *path, struct rm_secrets *secrets,
		      struct rm_endpoint *ret)
{
	struct rm_str trimmed = rm_str_trim(text);
	char *copy = strndup(trimmed.n > 0 ? trimmed.p : "", trimmed.n);
	struct rm_endpoint e = { 0 };
	CURLU *u = curl_url();
	int err = copy && u ? take_url(u, copy, path, secrets, &e) : RM_E_NOMEM;

	curl_url_cleanup(u);
	free(copy);
	if (err)
		rm_endpoint_free(&e);
	else
		*ret = e;
	return err;
}

void rm_endpoint_warn(const char *name, struct rm_str value, const char *used)
{
	/* A password may be before an '@', a key in a query. */
	if (memchr(value.p, '@', value.n) || memchr(value.p, '?', value.n))
		value = RM_STR("(its value)");
	rm_warn("%s: %S does not begin with http:// or https://; %s is used", name, &value, used);
}

void rm_endpoint_free(struct rm_endpoint *e)
{
	free(e->url);
	free(e->shown);
	*e = (struct rm_endpoint){ 0 };
}
