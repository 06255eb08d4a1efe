/*
 * Requests of client libraries: how they get a header. What a library gives to its lower layers is changed, not the
 * program's own object; where there is one only, it is copied.
 * Context: app, on threads of the JVM, called by Remora.java.
 */
#include "adapters/java/objects.h"
#include "agent/adapter_api.h"

enum { FIELDS_MAX = RM_JAVA_FIELDS_MAX, BYTES_MAX = RM_JAVA_HEAD_BYTES_MAX };

bool rm_java_failed(rm_jenv e)
{
	if (!rm_jni_exception(e))
		return false;
	rm_jni_exception_clear(e);
	return true;
}

/* What a method of the object gives; NULL: null, or it has no such method. */
rm_jref rm_java_ask(rm_jenv e, rm_jref object, const char *name, const char *signature, rm_jref given)
{
	union rm_jvalue arguments[1] = { { .l = given } };
	rm_jmethod m = object ? rm_jni_method(e, rm_jni_class_of(e, object), name, signature) : NULL;
	rm_jref ret;

	if (!m) {
		rm_java_failed(e);
		return NULL;
	}
	ret = rm_jni_call_object(e, object, m, arguments);
	return rm_java_failed(e) ? NULL : ret;
}

/* The request that a MultiExchange begins with. */
static rm_jref request_in(rm_jenv e, rm_jref exchange)
{
	rm_jfield f = rm_jni_field(e, rm_jni_class_of(e, exchange), "currentreq",
				   "Ljdk/internal/net/http/HttpRequestImpl;");

	return rm_java_failed(e) || !f ? NULL : rm_jni_get_object(e, exchange, f);
}

rm_jref rm_java_headers_of(rm_jenv e, rm_jref class, rm_jref exchange, int32_t kind)
{
	rm_jref headers, ret;

	if (rm_jni_push_frame(e, RM_JAVA_REFERENCES_MAX) != 0) {
		rm_java_failed(e);
		return NULL;
	}
	headers = rm_java_ask(e, request_in(e, exchange), "headers", "()Ljava/net/http/HttpHeaders;", NULL);
	ret = rm_java_ask(e, headers, "map", "()Ljava/util/Map;", NULL);
	return rm_jni_pop_frame(e, ret);
}

/* ---- headers of one's own, in the JDK's client ---- */

/* The program's request does not show it. */
static rm_jref set_jdk(rm_jenv e, rm_jref exchange, rm_jref name, rm_jref text)
{
	union rm_jvalue arguments[2] = { { .l = name }, { .l = text } };
	rm_jref request = request_in(e, exchange);
	rm_jmethod m = request ? rm_jni_method(e, rm_jni_class_of(e, request), "setSystemHeader",
					       "(Ljava/lang/String;Ljava/lang/String;)V") : NULL;

	if (!rm_java_failed(e) && m)
		rm_jni_call_void(e, request, m, arguments);
	return NULL;
}

/* ---- of Apache's clients, each a copy that the client made ---- */

static int32_t chars(rm_jenv e, rm_jref text)
{
	return text ? rm_jni_string_chars(e, text) + 2 : 0;
}

/* Is the head small enough for one line more? `fields`: an array of what has a name and a value. */
static bool has_room(rm_jenv e, rm_jref fields)
{
	int32_t count = fields ? rm_jni_array_length(e, fields) : FIELDS_MAX, bytes = 0;

	if (count >= FIELDS_MAX)
		return false;
	for (int32_t i = 0; i < count && bytes < BYTES_MAX; i++) {
		rm_jref field, parts[2];

		if (rm_jni_push_frame(e, RM_JAVA_REFERENCES_MAX) != 0)
			return !rm_java_failed(e) && false;
		field = rm_jni_array_at(e, fields, i);
		parts[0] = rm_java_ask(e, field, "getName", "()Ljava/lang/String;", NULL);
		parts[1] = rm_java_ask(e, field, "getValue", "()Ljava/lang/String;", NULL);
		bytes += chars(e, parts[0]) + chars(e, parts[1]);
		rm_jni_pop_frame(e, NULL);
	}
	return bytes < BYTES_MAX;
}

static const struct apache {
	const char *fields, *fields_signature, *set_signature;
} apache[] = {
	{ "getAllHeaders", "()[Lorg/apache/http/Header;", "(Ljava/lang/String;Ljava/lang/String;)V" },
	{ "getHeaders", "()[Lorg/apache/hc/core5/http/Header;", "(Ljava/lang/String;Ljava/lang/Object;)V" },
};

static rm_jref set_apache(rm_jenv e, rm_jref request, rm_jref name, rm_jref text, const struct apache *a)
{
	union rm_jvalue arguments[2] = { { .l = name }, { .l = text } };
	rm_jref class = rm_jni_class_of(e, request);
	rm_jmethod has = rm_jni_method(e, class, "containsHeader", "(Ljava/lang/String;)Z"), set;

	if (rm_java_failed(e) || !has || rm_jni_call_boolean(e, request, has, arguments) || rm_java_failed(e) ||
	    !has_room(e, rm_java_ask(e, request, a->fields, a->fields_signature, NULL)))
		return NULL;
	set = rm_jni_method(e, class, "setHeader", a->set_signature);
	if (!rm_java_failed(e) && set)
		rm_jni_call_void(e, request, set, arguments);
	return NULL;
}

/* ---- of OkHttp, which cannot be changed ---- */

static rm_jref with(rm_jenv e, rm_jref builder, rm_jref name, rm_jref text)
{
	union rm_jvalue arguments[2] = { { .l = name }, { .l = text } };
	rm_jmethod m = builder ? rm_jni_method(e, rm_jni_class_of(e, builder), "header",
					       "(Ljava/lang/String;Ljava/lang/String;)Lokhttp3/Request$Builder;") : NULL;

	if (rm_java_failed(e) || !m)
		return NULL;
	builder = rm_jni_call_object(e, builder, m, arguments);
	return rm_java_failed(e) ? NULL : builder;
}

/* A copy of the request. */
static rm_jref set_okhttp(rm_jenv e, rm_jref request, rm_jref name, rm_jref text)
{
	rm_jref headers = rm_java_ask(e, request, "headers", "()Lokhttp3/Headers;", NULL), builder;
	rm_jmethod bytes = headers ? rm_jni_method(e, rm_jni_class_of(e, headers), "byteCount", "()J") : NULL;

	if (rm_java_failed(e) || !bytes || rm_jni_call_long(e, headers, bytes) > BYTES_MAX || rm_java_failed(e) ||
	    rm_java_ask(e, request, "header", "(Ljava/lang/String;)Ljava/lang/String;", name))
		return NULL;
	builder = rm_java_ask(e, request, "newBuilder", "()Lokhttp3/Request$Builder;", NULL);
	return rm_java_ask(e, with(e, builder, name, text), "build", "()Lokhttp3/Request;", NULL);
}

/* ---- of Jetty's client, which adds headers of its own to it at this time ---- */

static rm_jref set_jetty(rm_jenv e, rm_jref request, rm_jref name, rm_jref text)
{
	union rm_jvalue arguments[2] = { { .l = name }, { .l = text } };
	rm_jref fields = rm_java_ask(e, request, "getHeaders", "()Lorg/eclipse/jetty/http/HttpFields;", NULL), class;
	rm_jmethod has, put;

	if (!fields || rm_java_ask(e, fields, "get", "(Ljava/lang/String;)Ljava/lang/String;", name))
		return NULL;
	class = rm_jni_class_of(e, fields);
	has = rm_jni_method(e, class, "size", "()I");
	if (rm_java_failed(e) || !has || rm_jni_call_int(e, fields, has) >= FIELDS_MAX || rm_java_failed(e))
		return NULL;
	put = rm_jni_method(e, class, "put",
			    "(Ljava/lang/String;Ljava/lang/String;)Lorg/eclipse/jetty/http/HttpFields$Mutable;");
	if (rm_java_failed(e) || !put) { /* of 9 */
		put = rm_jni_method(e, class, "put", "(Ljava/lang/String;Ljava/lang/String;)V");
		if (!rm_java_failed(e) && put)
			rm_jni_call_void(e, fields, put, arguments);
	} else {
		rm_jni_call_object(e, fields, put, arguments);
	}
	rm_java_failed(e);
	return NULL;
}

/* ---- of Ktor's CIO, while it writes the head ---- */

static rm_jref set_ktor(rm_jenv e, rm_jref builder, rm_jref name, rm_jref text)
{
	union rm_jvalue arguments[2] = { { .l = name }, { .l = text } };
	rm_jmethod m = rm_jni_method(e, rm_jni_class_of(e, builder), "headerLine", "(Ljava/lang/CharSequence;Ljava/lang/CharSequence;)V");

	if (!rm_java_failed(e) && m)
		rm_jni_call_void(e, builder, m, arguments);
	return NULL;
}

/* The request with the header: the same object or another one. */
rm_jref rm_java_set_header(rm_jenv e, rm_jref class, rm_jref request, rm_jref text, int32_t kind)
{
	rm_jref name, made = NULL;

	if (!request || rm_jni_push_frame(e, RM_JAVA_REFERENCES_MAX) != 0) {
		rm_java_failed(e);
		return request;
	}
	name = rm_jni_new_string(e, "traceparent");
	if (!rm_java_failed(e)) {
		if (kind == RM_JAVA_SEND_JDK)
			made = set_jdk(e, request, name, text);
		else if (kind == RM_JAVA_SEND_APACHE4 || kind == RM_JAVA_SEND_APACHE5)
			made = set_apache(e, request, name, text, &apache[kind - RM_JAVA_SEND_APACHE4]);
		else if (kind == RM_JAVA_SEND_OKHTTP)
			made = set_okhttp(e, request, name, text);
		else if (kind == RM_JAVA_SEND_JETTY)
			made = set_jetty(e, request, name, text);
		else if (kind == RM_JAVA_SEND_GRPC)
			made = rm_java_grpc_with(e, request, text);
		else if (kind == RM_JAVA_SEND_KTOR)
			made = set_ktor(e, request, name, text);
		rm_java_failed(e);
	}
	return rm_jni_pop_frame(e, made ? made : request);
}

/* ---- of Netty: the line goes into the buffer that the head is written to ---- */

/* The headers of a message, an object that stays the same. */
rm_jref rm_java_fields_of(rm_jenv e, rm_jref class, rm_jref message)
{
	return rm_java_ask(e, message, "headers", "()Lio/netty/handler/codec/http/HttpHeaders;", NULL);
}

static bool netty_takes_it(rm_jenv e, rm_jref fields, rm_jref buffer, rm_jref name)
{
	union rm_jvalue arguments[1] = { { .l = name } };
	rm_jmethod has = rm_jni_method(e, rm_jni_class_of(e, fields), "contains", "(Ljava/lang/String;)Z");
	rm_jmethod bytes = has ? rm_jni_method(e, rm_jni_class_of(e, buffer), "readableBytes", "()I") : NULL;

	if (rm_java_failed(e) || !bytes || rm_jni_call_boolean(e, fields, has, arguments) || rm_java_failed(e))
		return false;
	return rm_jni_call_int(e, buffer, bytes) < BYTES_MAX && !rm_java_failed(e);
}

void rm_java_put_header(rm_jenv e, rm_jref class, rm_jref fields, rm_jref buffer, rm_jref text)
{
	char line[] = "traceparent: 00-................................-................-..\r\n";
	rm_jref name, bytes;

	if (!buffer || rm_jni_push_frame(e, RM_JAVA_REFERENCES_MAX) != 0) {
		rm_java_failed(e);
		return;
	}
	name = rm_jni_new_string(e, "traceparent");
	if (!rm_java_failed(e) && rm_jni_string_bytes(e, text) == RM_CTX_TEXT_BYTES &&
	    netty_takes_it(e, fields, buffer, name)) {
		rm_jni_string_copy(e, text, RM_CTX_TEXT_BYTES, line + sizeof("traceparent: ") - 1);
		line[sizeof(line) - 3] = '\r'; /* in place of its NUL */
		bytes = rm_jni_new_bytes(e, line, sizeof(line) - 1);
		if (!rm_java_failed(e))
			rm_java_ask(e, buffer, "writeBytes", "([B)Lio/netty/buffer/ByteBuf;", bytes);
	}
	rm_jni_pop_frame(e, NULL);
}
