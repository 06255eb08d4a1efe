/* URLs of backends, by libcurl's parser. Context: worker. Spec: RFC 3986. */
#include "exporters/endpoint.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

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

static bool set_path(CURLU *u, const char *more)
{
	char *path = NULL, *longer = NULL;
	bool good;

	if (*more == '/')
		return curl_url_set(u, CURLUPART_PATH, more, 0) == CURLUE_OK;
	good = curl_url_get(u, CURLUPART_PATH, &path, 0) == CURLUE_OK;
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
	    curl_url_set(u, CURLUPART_FRAGMENT, NULL, 0) != CURLUE_OK || (*path && !set_path(u, path)))
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

bool rm_endpoint_is_unix(struct rm_str text)
{
	text = rm_str_trim(text);
	return text.n >= 5 && rm_str_ieq((struct rm_str){ text.p, 5 }, RM_STR("unix:"));
}

int rm_endpoint_parse_unix(struct rm_str text, const char *path, struct rm_endpoint *ret)
{
	struct rm_str name = rm_str_behind(rm_str_trim(text), 5);
	struct rm_endpoint e = { 0 };

	if (rm_str_begins(name, RM_STR("//")))
		name = rm_str_behind(name, 2);
	if (name.n < 2 || name.p[0] != '/' || name.n >= sizeof(((struct sockaddr_un *)0)->sun_path))
		return RM_E_INVALID;
	e.unix_path = strndup(name.p, name.n);
	if (asprintf(&e.url, "http://localhost%s%s", *path == '/' ? "" : "/", path) < 0)
		e.url = NULL;
	if (asprintf(&e.shown, "unix:%.*s", (int)name.n, name.p) < 0)
		e.shown = NULL;
	if (!e.unix_path || !e.url || !e.shown) {
		rm_endpoint_free(&e);
		return RM_E_NOMEM;
	}
	*ret = e;
	return RM_OK;
}

void rm_endpoint_warn(const char *name, struct rm_str value, const char *forms, const char *used)
{
	/* A password may be before an '@', a key in a query. */
	if (memchr(value.p, '@', value.n) || memchr(value.p, '?', value.n))
		value = RM_STR("(its value)");
	rm_warn("%s: %S does not begin with %s; %s is used", name, &value, forms, used);
}

void rm_endpoint_free(struct rm_endpoint *e)
{
	free(e->url);
	free(e->shown);
	free(e->unix_path);
	*e = (struct rm_endpoint){ 0 };
}
