/*
 * The native methods of Remora.java that contexts and scopes are made of, and how a request that comes in is asked for
 * its header: Java code in java.base may not touch it.
 * Context: app, on threads of the JVM, called by its code. Must leave no exception behind.
 */
#include "adapters/java/objects.h"
#include "agent/adapter_api.h"

/* What the thread runs now. */
static void attach(rm_jenv e, rm_jref class, int64_t ctx, uint8_t handed_over)
{
	rm_ctx_attach((rm_ctx)ctx, handed_over ? RM_SOURCE_HANDOFF : RM_SOURCE_ATTACHED);
}

static int64_t current(rm_jenv e, rm_jref class)
{
	return (int64_t)rm_ctx_current();
}

static rm_jref text(rm_jenv e, rm_jref class, int64_t ctx)
{
	char text[RM_CTX_TEXT_BYTES + 1];
	rm_jref ret;

	if (!rm_ctx_to_traceparent((rm_ctx)ctx, text))
		return NULL;
	text[RM_CTX_TEXT_BYTES] = '\0';
	ret = rm_jni_new_string(e, text);
	return rm_java_failed(e) ? NULL : ret;
}

/* The context whose text the string is. */
static rm_ctx context_in(rm_jenv e, rm_jref string)
{
	char text[RM_CTX_TEXT_BYTES + 1];

	if (!string || rm_jni_string_chars(e, string) != RM_CTX_TEXT_BYTES ||
	    rm_jni_string_bytes(e, string) != RM_CTX_TEXT_BYTES)
		return 0;
	rm_jni_string_copy(e, string, RM_CTX_TEXT_BYTES, text);
	return rm_java_failed(e) ? 0 : rm_ctx_from_traceparent(text, RM_CTX_TEXT_BYTES);
}

static rm_jref first_task(rm_jenv e, rm_jref class, rm_jref worker)
{
	rm_jfield f = rm_jni_field(e, rm_jni_class_of(e, worker), "firstTask", "Ljava/lang/Runnable;");

	return rm_java_failed(e) || !f ? NULL : rm_jni_get_object(e, worker, f);
}

/* How a request is asked for a header: of what it gives by `headers`, or (NULL) of itself. */
static const struct {
	const char *headers, *headers_signature, *get;
	bool not_string; /* what it gives is another CharSequence */
} entered[RM_JAVA_ENTER_COUNT] = {
	[RM_JAVA_ENTER_JDK] = { "getRequestHeaders", "()Lcom/sun/net/httpserver/Headers;", "getFirst", false },
	[RM_JAVA_ENTER_SERVLET] = { NULL, NULL, "getHeader", false },
	[RM_JAVA_ENTER_TOMCAT] = { NULL, NULL, "getHeader", false },
	[RM_JAVA_ENTER_UNDERTOW] = { "getRequestHeaders", "()Lio/undertow/util/HeaderMap;", "getFirst", false },
	[RM_JAVA_ENTER_NETTY] = { "headers", "()Lio/netty/handler/codec/http/HttpHeaders;", "get", false },
	[RM_JAVA_ENTER_KTOR] = { "getHeaders", "()Lio/ktor/http/cio/HttpHeadersMap;", "get", true },
};

static int64_t context_of(rm_jenv e, rm_jref class, rm_jref request, int32_t kind)
{
	rm_jref headers = request, name;
	rm_ctx ret = 0;

	if (kind < 0 || kind >= RM_JAVA_ENTER_COUNT || rm_jni_push_frame(e, RM_JAVA_REFERENCES_MAX) != 0) {
		rm_java_failed(e);
		return 0;
	}
	name = kind >= RM_JAVA_ENTER_GRPC ? NULL : rm_jni_new_string(e, "traceparent");
	if (kind >= RM_JAVA_ENTER_GRPC) {
		ret = kind == RM_JAVA_ENTER_GRPC ? rm_java_grpc_context(e, request) : context_in(e, request);
	} else if (!rm_java_failed(e)) {
		if (entered[kind].headers)
			headers = rm_java_ask(e, request, entered[kind].headers, entered[kind].headers_signature, NULL);
		if (entered[kind].not_string)
			name = rm_java_ask(e, rm_java_ask(e, headers, entered[kind].get, "(Ljava/lang/String;)Ljava/lang/CharSequence;", name),
					   "toString", "()Ljava/lang/String;", NULL);
		else
			name = rm_java_ask(e, headers, entered[kind].get, "(Ljava/lang/String;)Ljava/lang/String;", name);
		ret = context_in(e, name);
	}
	rm_jni_pop_frame(e, NULL);
	return (int64_t)ret;
}

bool rm_java_give(rm_jenv e, rm_jref class, const char *name, const char *signature, void *function)
{
	struct rm_jnative native = { name, signature, function };

	return rm_jni_register(e, class, &native, 1) == 0 && !rm_jni_exception(e);
}

bool rm_java_register(rm_jenv e, rm_jref helper)
{
	return rm_java_give(e, helper, "attach", "(JZ)V", (void *)attach) &&
	       rm_java_give(e, helper, "current", "()J", (void *)current) &&
	       rm_java_give(e, helper, "text", "(J)Ljava/lang/String;", (void *)text) &&
	       rm_java_give(e, helper, "firstTask", "(Ljava/lang/Object;)Ljava/lang/Object;", (void *)first_task) &&
	       rm_java_give(e, helper, "contextOf", "(Ljava/lang/Object;I)J", (void *)context_of) &&
	       rm_java_give(e, helper, "headersOf", "(Ljava/lang/Object;I)Ljava/util/Map;", (void *)rm_java_headers_of) &&
	       rm_java_give(e, helper, "setHeader", "(Ljava/lang/Object;Ljava/lang/String;I)Ljava/lang/Object;", (void *)rm_java_set_header) &&
	       rm_java_give(e, helper, "fieldsOf", "(Ljava/lang/Object;)Ljava/lang/Object;", (void *)rm_java_fields_of) &&
	       rm_java_give(e, helper, "putHeader", "(Ljava/lang/Object;Ljava/lang/Object;Ljava/lang/String;)V", (void *)rm_java_put_header);
}
