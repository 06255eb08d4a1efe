/*
 * The JVM's own TLS (JSSE); the helper is RemoraTls.
 * Context: any.
 */
#include "adapters/embedded.h"
#include "adapters/java/rules/tables.h"
#include "adapters/java/rules/write.h"

#define BUFFERS "[Ljava/nio/ByteBuffer;II"
#define PLAINTEXT "L" RM_JAVA_TLS "Plaintext;"
#define CIPHERTEXT "L" RM_JAVA_TLS "Ciphertext;"
#define DECODE "(L" RM_JAVA_TLS "TransportContext;" BUFFERS BUFFERS ")" PLAINTEXT

#define TLS(class, method, signature, parameter, helper, helper_signature)                                              \
	ENTRY(RM_JAVA_TLS class, method, signature, parameter, helper, helper_signature)

RM_EMBEDDED const struct rm_java_rule rm_java_rules_jdk_tls[] = {
	TLS("TransportContext", "finishHandshake", "()Ljavax/net/ssl/SSLEngineResult$HandshakeStatus;", "0", "finished",
	    "(L" RM_JAVA_TLS "TransportContext;)V"),
	TLS("TransportContext", "fatal",
	    "(L" RM_JAVA_TLS "Alert;Ljava/lang/String;ZLjava/lang/Throwable;)Ljavax/net/ssl/SSLException;", "0", "broken",
	    "(L" RM_JAVA_TLS "TransportContext;)V"),
	TLS("InputRecord", "close", "()V", "0", "closes", "(L" RM_JAVA_TLS "InputRecord;)V"),
	TLS("OutputRecord", "close", "()V", "0", "closes", "(L" RM_JAVA_TLS "OutputRecord;)V"),
	TLS("SSLEngineOutputRecord", "close", "()V", "0", "closes", "(L" RM_JAVA_TLS "OutputRecord;)V"),
	CALL(RM_JAVA_TLS "SSLEngineImpl", "decode", "(" BUFFERS BUFFERS ")" PLAINTEXT, "decode", DECODE, "decode", DECODE),
	CALL(RM_JAVA_TLS "SSLEngineImpl", "encode", "(" BUFFERS BUFFERS ")" CIPHERTEXT, "encode", "(" BUFFERS BUFFERS ")" CIPHERTEXT,
	     "encode", "(L" RM_JAVA_TLS "OutputRecord;" BUFFERS BUFFERS ")" CIPHERTEXT),
	CALL(RM_JAVA_TLS "SSLSocketImpl", "decode", "(Ljava/nio/ByteBuffer;)" PLAINTEXT, "decode", DECODE, "decode", DECODE),
	CALL(RM_JAVA_TLS "SSLSocketImpl", "readApplicationRecord", "(Ljava/nio/ByteBuffer;)Ljava/nio/ByteBuffer;", "allocate",
	     "(I)Ljava/nio/ByteBuffer;", "allocate", "(I)Ljava/nio/ByteBuffer;"),
	CALL(RM_JAVA_TLS "SSLSocketImpl$AppOutputStream", "write", "([BII)V", "deliver", "([BII)V", "deliver",
	     "(L" RM_JAVA_TLS "OutputRecord;[BII)V"),
	RULES_END,
};
