/*
 * THE table of what rides on HTTP and is told apart there, and of what is seen without a connection: it makes the kinds that the
 * agent knows, gives databases their db.system.name, and feeds `remora list protocols`. Rows are (id, name, help), of RM_INSIDE
 * (name, help). Who includes it defines those it wants; all are undefined at the end.
 */
#ifndef RM_OVER_RPC /* known by the head of a request */
#define RM_OVER_RPC(id, name, help)
#endif
#ifndef RM_OVER_CALL /* by its body */
#define RM_OVER_CALL(id, name, help)
#endif
#ifndef RM_OVER_SERVICE /* by what the request, or its answer, proves */
#define RM_OVER_SERVICE(id, name, help)
#endif
#ifndef RM_INSIDE
#define RM_INSIDE(name, help)
#endif
RM_OVER_RPC(GRPC, "grpc", "gRPC over HTTP/2: calls that are sent and served")
RM_OVER_RPC(WEB, "grpc-web", "gRPC-Web over HTTP: calls that are sent and served")
RM_OVER_CALL(GRAPHQL, "graphql", "GraphQL over HTTP: operations that are sent and served")
RM_OVER_CALL(JSONRPC, "jsonrpc", "JSON-RPC 2.0 over HTTP: calls that are sent and served")
RM_OVER_SERVICE(AWS, "aws", "services of AWS over HTTP (DynamoDB, S3, SQS ...): what clients ask")
RM_OVER_SERVICE(CLICKHOUSE, "clickhouse", "ClickHouse over HTTP: what clients ask")
RM_OVER_SERVICE(ELASTICSEARCH, "elasticsearch", "Elasticsearch over HTTP: what clients ask")
RM_OVER_SERVICE(OPENSEARCH, "opensearch", "OpenSearch over HTTP: what clients ask")
RM_INSIDE("http3", "HTTP/3 of clients, where nghttp3 is a library")
RM_INSIDE("sqlite", "SQLite as a shared library: what is executed")
RM_INSIDE("lookups", "look-ups of names by libc, and what a program asks the DNS over UDP")
#undef RM_OVER_RPC
#undef RM_OVER_CALL
#undef RM_OVER_SERVICE
#undef RM_INSIDE
