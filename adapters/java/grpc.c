/*
 * The headers of gRPC (io.grpc.Metadata), asked by methods that its own transports use: what names them is typed there, by
 * classes that code of ours cannot find.
 * Context: app, on threads of the JVM. Leaves no exception behind.
 */
#include "adapters/java/objects.h"
#include "base/str.h"

static const char name[] = "traceparent";
enum { NAME_BYTES = sizeof(name) - 1 };

/* Names and values, one after the other, each an array of bytes; NULL: there are none. */
static rm_jref texts_of(rm_jenv e, rm_jref metadata)
{
	return rm_java_ask(e, metadata, "serialize", "()[[B", NULL);
}

/* Copies what the array at a place holds; false: it has another length. */
static bool copy(rm_jenv e, rm_jref texts, int32_t at, int32_t n, char *ret)
{
	rm_jref text = rm_jni_array_at(e, texts, at);
	bool same = text && rm_jni_array_length(e, text) == n;

	if (same)
		rm_jni_get_bytes(e, text, 0, n, ret);
	rm_jni_delete_local(e, text);
	return !rm_java_failed(e) && same;
}

/* Where the traceparent is; -1: there is none. */
static int32_t find(rm_jenv e, rm_jref texts)
{
	int32_t count = texts ? rm_jni_array_length(e, texts) : 0;
	char text[NAME_BYTES];

	for (int32_t i = 0; i + 1 < count; i += 2)
		if (copy(e, texts, i, NAME_BYTES, text) && memcmp(text, name, NAME_BYTES) == 0)
			return i;
	return -1;
}

rm_ctx rm_java_grpc_context(rm_jenv e, rm_jref metadata)
{
	rm_jref texts = texts_of(e, metadata);
	int32_t at = find(e, texts);
	char text[RM_CTX_TEXT_BYTES];

	return at >= 0 && copy(e, texts, at + 1, RM_CTX_TEXT_BYTES, text) ? rm_ctx_from_traceparent(text, RM_CTX_TEXT_BYTES) : 0;
}

static bool has_room(rm_jenv e, rm_jref texts)
{
	int32_t count = texts ? rm_jni_array_length(e, texts) : 0, bytes = 0;

	for (int32_t i = 0; i < count && i < 2 * RM_JAVA_FIELDS_MAX; i++) {
		rm_jref text = rm_jni_array_at(e, texts, i);

		bytes += text ? rm_jni_array_length(e, text) + 2 : 0;
		rm_jni_delete_local(e, text);
	}
	return !rm_java_failed(e) && count < 2 * RM_JAVA_FIELDS_MAX && bytes < RM_JAVA_HEAD_BYTES_MAX;
}

/* Such an array of one name and its value. */
static rm_jref one(rm_jenv e, rm_jref text)
{
	rm_jref bytes = rm_jni_find_class(e, "[B"), ret = bytes ? rm_jni_new_array(e, 2, bytes) : NULL;
	char value[RM_CTX_TEXT_BYTES + 1];
	rm_jref parts[2];

	if (!ret || rm_jni_string_bytes(e, text) != RM_CTX_TEXT_BYTES)
		return NULL;
	rm_jni_string_copy(e, text, RM_CTX_TEXT_BYTES, value);
	parts[0] = rm_jni_new_bytes(e, name, NAME_BYTES);
	parts[1] = parts[0] ? rm_jni_new_bytes(e, value, RM_CTX_TEXT_BYTES) : NULL;
	for (int32_t i = 0; parts[1] && i < 2; i++)
		rm_jni_array_put(e, ret, i, parts[i]);
	return parts[1] ? ret : NULL;
}

/* The program may use its own object again, for another call. */
rm_jref rm_java_grpc_with(rm_jenv e, rm_jref metadata, rm_jref text)
{
	rm_jref texts = texts_of(e, metadata), class, made;
	union rm_jvalue given[1] = { { .l = NULL } };
	rm_jmethod make, merge;

	if (!has_room(e, texts) || find(e, texts) >= 0)
		return NULL;
	given[0].l = one(e, text);
	class = rm_java_failed(e) || !given[0].l ? NULL : rm_jni_class_of(e, metadata);
	make = class ? rm_jni_method(e, class, "<init>", "([[B)V") : NULL;
	merge = make ? rm_jni_method(e, class, "merge", "(Lio/grpc/Metadata;)V") : NULL;
	made = merge ? rm_jni_new_object(e, class, make, given) : NULL;
	if (rm_java_failed(e) || !made)
		return NULL;
	given[0].l = metadata;
	rm_jni_call_void(e, made, merge, given);
	return rm_java_failed(e) ? NULL : made;
}
