/*
 * Objects of servers and clients, asked by the names of their methods: one that turns out to be made differently
 * gives nothing, and stays as it is. Context: app, on threads of the JVM. Leaves no exception behind.
 */
#ifndef RM_ADAPTERS_JAVA_OBJECTS_H
#define RM_ADAPTERS_JAVA_OBJECTS_H

#include "adapters/java/kinds.h"
#include "agent/adapter_api.h"

enum {
	RM_JAVA_REFERENCES_MAX = 32, /* in one call */

	/* A head that is larger stays as it is: servers have limits. */
	RM_JAVA_FIELDS_MAX = 90,
	RM_JAVA_HEAD_BYTES_MAX = 3500,
};

/* True: there was an exception, and is none now. */
bool rm_java_failed(rm_jenv e);

/* What a method of the object gives; NULL: null, or it has no such method. `given` is its argument, if it has one. */
rm_jref rm_java_ask(rm_jenv e, rm_jref object, const char *name, const char *signature, rm_jref given);

/* Native methods of Remora.java, which call these of requests that go out: see clients.c. */
rm_jref rm_java_headers_of(rm_jenv e, rm_jref class, rm_jref exchange, int32_t kind);
rm_jref rm_java_set_header(rm_jenv e, rm_jref class, rm_jref request, rm_jref text, int32_t kind);
rm_jref rm_java_fields_of(rm_jenv e, rm_jref class, rm_jref message);
void rm_java_put_header(rm_jenv e, rm_jref class, rm_jref fields, rm_jref buffer, rm_jref text);

/* Of gRPC's headers (grpc.c): the context that they carry, 0: none; and a copy of them with this one, or NULL. */
rm_ctx rm_java_grpc_context(rm_jenv e, rm_jref metadata);
rm_jref rm_java_grpc_with(rm_jenv e, rm_jref metadata, rm_jref text);

#endif
