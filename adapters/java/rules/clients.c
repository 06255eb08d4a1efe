/*
 * Clients of HTTP/1 that are not the JDK's.
 * Context: any.
 */
#include "adapters/embedded.h"
#include "adapters/java/kinds.h"
#include "adapters/java/rules/tables.h"
#include "adapters/java/rules/write.h"

#define APACHE5 "org/apache/hc/"
#define JETTY_OLD "org/eclipse/jetty/client/"
#define JETTY_CLIENT "org/eclipse/jetty/client/transport/"

RM_EMBEDDED const struct rm_java_rule rm_java_rules_clients[] = {
	SENDS("org/apache/http/protocol/HttpRequestExecutor", "execute",
	      "(Lorg/apache/http/HttpRequest;Lorg/apache/http/HttpClientConnection;Lorg/apache/http/protocol/HttpContext;)"
	      "Lorg/apache/http/HttpResponse;", "1", APACHE4),
	SENDS("org/apache/http/impl/nio/client/InternalState", "setMainRequest",
	      "(Lorg/apache/http/client/methods/HttpRequestWrapper;)V", "1", APACHE4),
	SENDS(APACHE5 "core5/http/impl/io/HttpRequestExecutor", "execute",
	      "(L" APACHE5 "core5/http/ClassicHttpRequest;L" APACHE5 "core5/http/io/HttpClientConnection;"
	      "L" APACHE5 "core5/http/io/HttpResponseInformationCallback;L" APACHE5 "core5/http/protocol/HttpContext;)"
	      "L" APACHE5 "core5/http/ClassicHttpResponse;", "1", APACHE5),
	SENDS(APACHE5 "client5/http/impl/async/AsyncProtocolExec", "execute",
	      "(L" APACHE5 "core5/http/HttpRequest;L" APACHE5 "core5/http/nio/AsyncEntityProducer;"
	      "L" APACHE5 "client5/http/async/AsyncExecChain$Scope;L" APACHE5 "client5/http/async/AsyncExecChain;"
	      "L" APACHE5 "client5/http/async/AsyncExecCallback;)V", "1", APACHE5),

	CLAIMS("okhttp3/Dispatcher", "enqueue$okhttp", "(Lokhttp3/internal/connection/RealCall$AsyncCall;)V", "1"),
	CLAIMS("okhttp3/Dispatcher", "enqueue", "(Lokhttp3/RealCall$AsyncCall;)V", "1"), /* before 4 */
	GIVES("okhttp3/internal/connection/Exchange", "writeRequestHeaders", "(Lokhttp3/Request;)V", "1", "okhttp3/Request", OKHTTP),
	GIVES("okhttp3/internal/http1/Http1Codec", "writeRequestHeaders", "(Lokhttp3/Request;)V", "1", "okhttp3/Request", OKHTTP), /* before 3.14 */
	GIVES("okhttp3/internal/http2/Http2Codec", "writeRequestHeaders", "(Lokhttp3/Request;)V", "1", "okhttp3/Request", OKHTTP),

	CLAIMS(JETTY_CLIENT "HttpDestination", "send", "(L" JETTY_CLIENT "HttpExchange;)V", "1"),
	SCOPE(JETTY_CLIENT "HttpDestination", "send",
	      "(L" JETTY_CLIENT "IConnection;L" JETTY_CLIENT "HttpExchange;)L" JETTY_CLIENT "SendFailure;", "2", "only"),
	SENDS(JETTY_CLIENT "HttpConnection", "normalizeRequest", "(L" JETTY_CLIENT "HttpRequest;)V", "1", JETTY),

	/* Of 10 and 11, and of 9. */
	CLAIMS(JETTY_OLD "HttpDestination", "send", "(L" JETTY_OLD "HttpExchange;)V", "1"),
	SCOPE(JETTY_OLD "HttpDestination", "send",
	      "(L" JETTY_OLD "IConnection;L" JETTY_OLD "HttpExchange;)L" JETTY_OLD "SendFailure;", "2", "only"),
	SENDS(JETTY_OLD "HttpConnection", "normalizeRequest", "(L" JETTY_OLD "HttpRequest;)V", "1", JETTY),
	SENDS(JETTY_OLD "HttpConnection", "normalizeRequest", "(L" JETTY_OLD "api/Request;)V", "1", JETTY),
	SCOPE(JETTY_OLD "http/HttpDestinationOverHTTP", "send",
	      "(L" JETTY_OLD "api/Connection;L" JETTY_OLD "HttpExchange;)L" JETTY_OLD "SendFailure;", "2", "only"),
	RULES_END,
};
