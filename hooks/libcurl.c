/*
 * Hook of libcurl: within one curl_easy_perform there is one request, and what else is sent is that request again
 * (agent/resend.c). Requests themselves are seen at the socket, or inside TLS. A curl_multi has many, and is left alone.
 * What libcurl calls inside of itself goes by no slot.
 * Context: app.
 */
#include "agent/hookapi.h"
#include "hooks/imports.h"
#include "hooks/libcurl_api.h"

RM_LIBRARY libcurl = { .name = "libcurl", .anchor = "curl_easy_perform" };

RM_IMPORT(libcurl, curl_easy_perform);
static CURLcode hook_curl_easy_perform(CURL *handle)
{
	struct rm_scope s;
	bool told = rm_enter(&s);
	CURLcode result;

	if (told) {
		rm_resend_call(&s, __builtin_frame_address(0));
		rm_leave(&s);
	}
	result = real_curl_easy_perform(handle);
	if (told && rm_enter(&s)) {
		rm_resend_call_over(&s);
		rm_leave(&s);
	}
	return result;
}
