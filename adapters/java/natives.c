/*
 * The native methods of Remora.java: contexts, and what of requests Java code in java.base may not touch. An
 * object that turns out to be made differently has no header, and stays as it is.
 * Context: app, on threads of the JVM, called by its code. Must leave no exception behind.
 */
#include "adapters/java/kinds.h"
#include "agent/adapter_api.h"

enum { BACK = 0, HANDED_OVER = 1, ENTERED = 2 }; /* as Remora.java has them */

/* The thread belongs to a pool that says when its work is done: what it enters ends there at the latest. */
static __thread bool has_ends __attribute__((tls_model("initial-exec")));

static int64_t attach(rm_jenv e, rm_jref class, int64_t ctx, int32_t how)
{
	rm_ctx was;

	if (how == ENTERED && !has_ends)
		return 0;
	has_ends = true;
	was = rm_ctx_attach((rm_ctx)ctx, how == HANDED_OVER ? RM_SOURCE_HANDOFF : RM_SOURCE_ATTACHED);
	/* A thread that works for somebody, and does something else meanwhile, does it for nobody that is known. */
	if (how == HANDED_OVER && !ctx && was)
		rm_ctx_attach(RM_CTX_NOBODY, RM_SOURCE_HANDOFF);
	return (int64_t)was;
}

static int64_t current(rm_jenv e, rm_jref class)
{
	return (int64_t)rm_ctx_current();
}

static bool failed(rm_jenv e)
{
	if (!rm_jni_exception(e))
		return false;
	rm_jni_exception_clear(e);
	return true;
}

static rm_jref text(rm_jenv e, rm_jref class, int64_t ctx)
{
	char text[RM_CTX_TEXT_BYTES + 1];
	rm_jref ret;

	if (!rm_ctx_to_traceparent((rm_ctx)ctx, text))
		return NULL;
	text[RM_CTX_TEXT_BYTES] = '\0';
	ret = rm_jni_new_string(e, text);
	return failed(e) ? NULL : ret;
}

/* What a method of the object gives; NULL: null, or it has no such method. */
static rm_jref ask(rm_jenv e, rm_jref object, const char *name, const char *signature, rm_jref given)
{
	union rm_jvalue arguments[1] = { { .l = given } };
	rm_jmethod m = object ? rm_jni_method(e, rm_jni_class_of(e, object), name, signature) : NULL;
	rm_jref ret;

	if (!m) {
		failed(e);
		return NULL;
	}
	ret = rm_jni_call_object(e, object, m, arguments);
	return failed(e) ? NULL : ret;
}

/* The context whose text the string is. */
static rm_ctx context_in(rm_jenv e, rm_jref string)
{
	char text[RM_CTX_TEXT_BYTES + 1];

	if (!string || rm_jni_string_chars(e, string) != RM_CTX_TEXT_BYTES ||
	    rm_jni_string_bytes(e, string) != RM_CTX_TEXT_BYTES)
		return 0;
	rm_jni_string_copy(e, string, RM_CTX_TEXT_BYTES, text);
	return failed(e) ? 0 : rm_ctx_from_traceparent(text, RM_CTX_TEXT_BYTES);
}

static rm_jref first_task(rm_jenv e, rm_jref class, rm_jref worker)
{
	rm_jfield f = rm_jni_field(e, rm_jni_class_of(e, worker), "firstTask", "Ljava/lang/Runnable;");

	return failed(e) || !f ? NULL : rm_jni_get_object(e, worker, f);
}

/* How a request is asked for a header: of what it gives by `headers`, or (NULL) of itself. */
static const struct {
	const char *headers, *headers_signature, *get;
} entered[RM_JAVA_ENTER_COUNT] = {
	[RM_JAVA_ENTER_JDK] = { "getRequestHeaders", "()Lcom/sun/net/httpserver/Headers;", "getFirst" },
	[RM_JAVA_ENTER_SERVLET] = { NULL, NULL, "getHeader" },
};

enum { REFERENCES_MAX = 16 }; /* in one call */

static int64_t context_of(rm_jenv e, rm_jref class, rm_jref request, int32_t kind)
{
	rm_jref headers = request, name;
	rm_ctx ret = 0;

	if (kind < 0 || kind >= RM_JAVA_ENTER_COUNT || rm_jni_push_frame(e, REFERENCES_MAX) != 0) {
		failed(e);
		return 0;
	}
	name = rm_jni_new_string(e, "traceparent");
	if (!failed(e)) {
		if (entered[kind].headers)
			headers = ask(e, request, entered[kind].headers, entered[kind].headers_signature, NULL);
		ret = context_in(e, ask(e, headers, entered[kind].get, "(Ljava/lang/String;)Ljava/lang/String;", name));
	}
	rm_jni_pop_frame(e, NULL);
	return (int64_t)ret;
}

/* The request that a MultiExchange begins with. */
static rm_jref request_in(rm_jenv e, rm_jref exchange)
{
	rm_jfield f = rm_jni_field(e, rm_jni_class_of(e, exchange), "currentreq",
				   "Ljdk/internal/net/http/HttpRequestImpl;");

	return failed(e) || !f ? NULL : rm_jni_get_object(e, exchange, f);
}

static rm_jref headers_of(rm_jenv e, rm_jref class, rm_jref exchange, int32_t kind)
{
	rm_jref headers, ret;

	if (rm_jni_push_frame(e, REFERENCES_MAX) != 0) {
		failed(e);
		return NULL;
	}
	headers = ask(e, request_in(e, exchange), "headers", "()Ljava/net/http/HttpHeaders;", NULL);
	ret = ask(e, headers, "map", "()Ljava/util/Map;", NULL);
	return rm_jni_pop_frame(e, ret);
}

/* A header of the client's own: the program's request does not show it. */
static void set_header(rm_jenv e, rm_jref class, rm_jref exchange, rm_jref text, int32_t kind)
{
	union rm_jvalue arguments[2] = { { .l = NULL }, { .l = text } };
	rm_jref request;
	rm_jmethod m;

	if (rm_jni_push_frame(e, REFERENCES_MAX) != 0) {
		failed(e);
		return;
	}
	request = request_in(e, exchange);
	arguments[0].l = rm_jni_new_string(e, "traceparent");
	if (!failed(e) && request) {
		m = rm_jni_method(e, rm_jni_class_of(e, request), "setSystemHeader",
				  "(Ljava/lang/String;Ljava/lang/String;)V");
		if (!failed(e) && m)
			rm_jni_call_void(e, request, m, arguments);
		failed(e);
	}
	rm_jni_pop_frame(e, NULL);
}

bool rm_java_register(rm_jenv e, rm_jref helper)
{
	static const struct rm_jnative natives[] = {
		{ "attach", "(JI)J", attach },
		{ "current", "()J", current },
		{ "text", "(J)Ljava/lang/String;", text },
		{ "firstTask", "(Ljava/lang/Object;)Ljava/lang/Object;", first_task },
		{ "contextOf", "(Ljava/lang/Object;I)J", context_of },
		{ "headersOf", "(Ljava/lang/Object;I)Ljava/util/Map;", headers_of },
		{ "setHeader", "(Ljava/lang/Object;Ljava/lang/String;I)V", set_header },
	};

	return rm_jni_register(e, helper, natives, sizeof(natives) / sizeof(natives[0])) == 0 && !rm_jni_exception(e);
}
