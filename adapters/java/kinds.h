/* The requests of servers and clients that the rules name (rules.c) and natives.c knows how to ask. */
#ifndef RM_ADAPTERS_JAVA_KINDS_H
#define RM_ADAPTERS_JAVA_KINDS_H

#include <stdbool.h>

#include "adapters/java/jvm.h"

enum rm_java_enter {
	RM_JAVA_ENTER_JDK,     /* com.sun.net.httpserver.HttpExchange */
	RM_JAVA_ENTER_SERVLET, /* HttpServletRequest, of javax and jakarta */
	RM_JAVA_ENTER_COUNT,
};

enum rm_java_send {
	RM_JAVA_SEND_JDK, /* jdk.internal.net.http.MultiExchange */
};

/* Gives the helper class its native methods. False: an exception is pending. Context: app, on a thread of the JVM. */
bool rm_java_register(rm_jenv e, rm_jref helper);

#endif
