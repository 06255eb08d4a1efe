/* The requests of servers and clients that the rules name (rules/) and natives.c knows how to ask. */
#ifndef RM_ADAPTERS_JAVA_KINDS_H
#define RM_ADAPTERS_JAVA_KINDS_H

#include <stdbool.h>

#include "adapters/java/jvm.h"

enum rm_java_enter {
	RM_JAVA_ENTER_JDK,     /* com.sun.net.httpserver.HttpExchange */
	RM_JAVA_ENTER_SERVLET, /* HttpServletRequest, of javax and jakarta */
	RM_JAVA_ENTER_TOMCAT,  /* org.apache.coyote.Request */
	RM_JAVA_ENTER_UNDERTOW, /* io.undertow.server.HttpServerExchange */
	RM_JAVA_ENTER_NETTY,   /* io.netty.handler.codec.http.HttpRequest; Remora.java knows its number */
	RM_JAVA_ENTER_KTOR,    /* io.ktor.http.cio.Request */
	RM_JAVA_ENTER_GRPC,    /* io.grpc.Metadata */
	RM_JAVA_ENTER_TEXT,    /* the header's value; Remora.java knows this number, too */
	RM_JAVA_ENTER_COUNT,
};

enum rm_java_send {
	RM_JAVA_SEND_JDK,     /* jdk.internal.net.http.MultiExchange */
	RM_JAVA_SEND_APACHE4, /* org.apache.http.HttpRequest */
	RM_JAVA_SEND_APACHE5, /* org.apache.hc.core5.http.HttpRequest */
	RM_JAVA_SEND_OKHTTP,  /* okhttp3.Request */
	RM_JAVA_SEND_JETTY,   /* org.eclipse.jetty.client.transport.HttpRequest */
	RM_JAVA_SEND_GRPC,    /* io.grpc.Metadata */
	RM_JAVA_SEND_KTOR,    /* io.ktor.http.cio.RequestResponseBuilder; Remora.java knows its number */
};

/*
 * Give the helper classes, Remora and RemoraTls, their native methods. False: an exception is pending.
 * Context: app, on a thread of the JVM.
 */
bool rm_java_register(rm_jenv e, rm_jref helper);
bool rm_java_register_tls(rm_jenv e, rm_jref helper);
bool rm_java_give(rm_jenv e, rm_jref class, const char *name, const char *signature, void *function); /* one of them */

#endif
