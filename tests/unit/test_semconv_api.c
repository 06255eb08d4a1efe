/* Which requests are calls of services that have conventions of their own: agent/api.c, api_names.c, semconv_api.c. */
#include "agent/semconv.h"
#include "agent/semconv_api.h"
#include "tests/rmtest.h"
#include "tests/unit/agent_stub.h"

#define SIGNED(service) "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/eu-west-1/" service "/aws4_request, SignedHeaders=host, Signature=00ff"

static struct rm_field fields[4];
static struct rm_head head;

static struct rm_api ask(const char *method, const char *host, const char *target, const char *name, const char *value)
{
	struct rm_api api;

	fields[0] = (struct rm_field){ RM_STR("User-Agent"), RM_STR("test/1.0") };
	fields[1] = (struct rm_field){ rm_str_c(name), rm_str_c(value) };
	head = (struct rm_head){ .method = rm_str_c(method), .target = rm_str_c(target), .version = RM_STR("1.1"),
				 .authority = rm_str_c(host), .fields = fields, .field_count = 2 };
	rm_api_of(&head, &api);
	return api;
}

/* The same with a field more. */
static struct rm_api ask_more(const char *name, const char *value)
{
	struct rm_api api;

	fields[head.field_count++] = (struct rm_field){ rm_str_c(name), rm_str_c(value) };
	rm_api_of(&head, &api);
	return api;
}

RM_TEST("a signature says which service of AWS is asked, and where")
{
	struct rm_api api = ask("POST", "dynamodb.eu-west-1.amazonaws.com", "/", "Authorization", SIGNED("dynamodb"));

	RM_CHECK(api.kind == RM_API_AWS);
	RM_CHECK_STR(api.service, "DynamoDB");
	RM_CHECK_STR(api.region, "eu-west-1");
	RM_CHECK_STR(api.operation, "");
	RM_CHECK_STR(ask_more("X-Amz-Target", "DynamoDB_20120810.GetItem").operation, "GetItem");
	RM_CHECK_STR(ask("GET", "x", "/?Action=ListUsers&Version=1", "Authorization", SIGNED("iam")).operation, "ListUsers");
	RM_CHECK_STR(ask("GET", "x", "/", "Authorization", SIGNED("new-service")).service, "new-service");
	ask("POST", "x", "/service/GraniteServiceVersion20100801/operation/PutMetricData", "Authorization", SIGNED("monitoring"));
	RM_CHECK_STR(ask_more("smithy-protocol", "rpc-v2-cbor").operation, "PutMetricData");
	api = ask("GET", "x", "/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKID%2F20260101%2Feu-west-1%2Fs3%2Faws4_request&X-Amz-Date=1",
		  "a", "b");
	RM_CHECK(api.kind == RM_API_AWS);
	RM_CHECK_STR(api.service, "S3");
	api = ask("GET", "x", "/", "Authorization",
		  "AWS4-ECDSA-P256-SHA256 Credential=AKIDEXAMPLE/20260101/s3/aws4_request, SignedHeaders=host, Signature=00ff");
	RM_CHECK_STR(api.service, "S3");
	RM_CHECK_STR(api.region, "");
}

RM_TEST("what is no signature says nothing")
{
	RM_CHECK(ask("GET", "s3.amazonaws.com", "/", "Authorization", "Bearer x").kind == RM_API_NONE);
	RM_CHECK(ask("GET", "s3.amazonaws.com", "/bucket/key", "a", "b").kind == RM_API_NONE);
	RM_CHECK(ask("GET", "x", "/", "Authorization", "AWS4-HMAC-SHA256 Credential=A/20260101/eu/s3/other").kind == RM_API_NONE);
	RM_CHECK(ask("GET", "x", "/", "Authorization", "AWS4-HMAC-SHA256 Credential=A/B/20260101/eu/s3/aws4_request").kind == RM_API_NONE);
	RM_CHECK(ask("GET", "x", "/", "Authorization", "AWS4-HMAC-SHA256 Credential=A/20260101/eu/S 3/aws4_request").kind == RM_API_NONE);
	RM_CHECK(ask("GET", "x", "/", "Authorization", "AWS4-HMAC-SHA256 ").kind == RM_API_NONE);
	RM_CHECK(ask("GET", "x", "/", "Authorization", "").kind == RM_API_NONE);
}

RM_TEST("what stands in the place of an operation is shown only if it looks like one")
{
	ask("POST", "x", "/", "Authorization", SIGNED("dynamodb"));
	RM_CHECK_STR(ask_more("X-Amz-Target", "DynamoDB_20120810.Get Item").operation, "");
	RM_CHECK_STR(ask("GET", "x", "/?Action=hunter%202", "Authorization", SIGNED("iam")).operation, "");
}

static struct rm_str s3(const char *method, const char *host, const char *target)
{
	return ask(method, host, target, "Authorization", SIGNED("s3")).operation;
}

RM_TEST("operations of S3 are told by method, bucket, key and parameters")
{
	RM_CHECK_STR(s3("GET", "localhost:9000", "/"), "ListBuckets");
	RM_CHECK_STR(s3("PUT", "127.0.0.1:9000", "/bucket"), "CreateBucket");
	RM_CHECK_STR(s3("GET", "127.0.0.1:9000", "/bucket?list-type=2&prefix=a"), "ListObjectsV2");
	RM_CHECK_STR(s3("GET", "127.0.0.1:9000", "/bucket/?prefix=a"), "ListObjects");
	RM_CHECK_STR(s3("GET", "127.0.0.1:9000", "/bucket?replication"), "");
	RM_CHECK_STR(s3("PUT", "127.0.0.1:9000", "/bucket/a/b"), "PutObject");
	RM_CHECK_STR(s3("PUT", "bucket.s3.eu-west-1.amazonaws.com", "/a/b"), "PutObject");
	RM_CHECK_STR(s3("PUT", "s3.eu-west-1.amazonaws.com", "/bucket"), "CreateBucket");
	RM_CHECK_STR(s3("PUT", "bucket.s3-accelerate.amazonaws.com", "/"), "CreateBucket");
	RM_CHECK_STR(s3("POST", "localhost", "/bucket/key?uploads"), "CreateMultipartUpload");
	RM_CHECK_STR(s3("PUT", "localhost", "/bucket/key?partNumber=1&uploadId=x"), "UploadPart");
	RM_CHECK_STR(s3("POST", "localhost", "/bucket/key?uploadId=x"), "CompleteMultipartUpload");
	RM_CHECK_STR(s3("DELETE", "localhost", "/bucket/key?uploadId=x"), "AbortMultipartUpload");
	RM_CHECK_STR(s3("POST", "localhost", "/bucket?delete"), "DeleteObjects");
	RM_CHECK_STR(s3("GET", "localhost", "/bucket/key?versionId=x&response-content-type=y"), "GetObject");
	RM_CHECK_STR(s3("HEAD", "[::1]:9000", "/bucket/key"), "HeadObject");
	RM_CHECK_STR(s3("GET", "localhost", "/bucket/key?torrent"), "");
	ask("PUT", "localhost", "/bucket/key", "Authorization", SIGNED("s3"));
	RM_CHECK_STR(ask_more("x-amz-copy-source", "other/key").operation, "CopyObject");
}

RM_TEST("where a bucket may stand in a host's name or in the path, nothing is told of either")
{
	struct rm_api api = ask("GET", "bucket.minio.example:9000", "/key", "Authorization", SIGNED("s3"));

	RM_CHECK(api.kind == RM_API_AWS);
	RM_CHECK_STR(api.operation, "");
	RM_CHECK_STR(api.bucket, "");
}

static struct rm_str endpoint(const char *method, const char *target)
{
	return ask(method, "es:9200", target, "x-elastic-client-meta", "es=9.0.1,py=3.11").operation;
}

RM_TEST("endpoints of Elasticsearch are told by method and path")
{
	struct rm_api api = ask("POST", "es:9200", "/orders/_search?size=1", "x-elastic-client-meta", "es=9.0.1,py=3.11");

	RM_CHECK(api.kind == RM_API_ELASTICSEARCH);
	RM_CHECK_STR(api.operation, "search");
	RM_CHECK_STR(api.collection, "orders");
	RM_CHECK_STR(endpoint("GET", "/"), "info");
	RM_CHECK_STR(endpoint("PUT", "/orders"), "indices.create");
	RM_CHECK_STR(endpoint("PUT", "/orders/_doc/17"), "index");
	RM_CHECK_STR(endpoint("POST", "/orders/_doc"), "index");
	RM_CHECK_STR(endpoint("DELETE", "/orders/_doc/17"), "delete");
	RM_CHECK_STR(endpoint("POST", "/_bulk"), "bulk");
	RM_CHECK_STR(endpoint("GET", "/_cluster/health"), "cluster.health");
	RM_CHECK_STR(endpoint("GET", "/_unknown"), "");
	RM_CHECK_STR(endpoint("GET", "/orders/_doc/17/more"), "");
	RM_CHECK_STR(endpoint("GET", "/orders/_doc/"), "");
	RM_CHECK_STR(ask("GET", "es", "/a,b/_search", "Accept", "application/vnd.elasticsearch+json; compatible-with=9").collection, "");
	RM_CHECK_STR(ask("GET", "es", "/a*/_search", "Accept", "application/vnd.elasticsearch+json").collection, "");
	RM_CHECK_STR(ask("GET", "es", "/_all/_search", "Accept", "application/vnd.elasticsearch+json").collection, "");
	RM_CHECK(ask("GET", "es", "/orders/_search", "Accept", "application/json").kind == RM_API_NONE);
	ask("GET", "es", "/orders/_search", "Accept", "application/json");
	fields[0].value = RM_STR("opensearch-py/3.0.0 (Python 3.11)");
	rm_api_of(&head, &api);
	RM_CHECK(api.kind == RM_API_OPENSEARCH);
}

RM_TEST("ClickHouse is told by its fields, and so is the database")
{
	struct rm_api api = ask("POST", "ch:8123", "/?database=hunter%202", "X-ClickHouse-Database", "shop");

	RM_CHECK(api.kind == RM_API_CLICKHOUSE);
	RM_CHECK_STR(api.space, "shop");
	api = ask("POST", "ch:8123", "/?database=hunter%202", "X-ClickHouse-User", "u");
	RM_CHECK(api.kind == RM_API_CLICKHOUSE);
	RM_CHECK_STR(api.space, "");
	RM_CHECK_STR(ask("POST", "ch:8123", "/?query=x&database=shop", "X-ClickHouse-Key", "u").space, "shop");
}

/* The span of the request that was asked last. */
static struct rm_str told(int status, const struct rm_field *answer, uint32_t count, const char *attribute)
{
	static struct rm_conn conn;
	struct rm_head response = { .status = status, .version = RM_STR("1.1"), .fields = answer, .field_count = count };
	uint32_t x = rm_exchange_begin(RM_KIND_CLIENT, 1000000000, rm_thread_self());
	struct rm_fields found;
	struct rm_attr_iter it;
	struct rm_attr a;

	rm_fields_read(&head, &found);
	rm_semconv_request(rm_exchange_at(x), &stub_config, &conn, &head, &found, NULL);
	rm_semconv_response(rm_exchange_at(x), &stub_config, &response);
	rm_exchange_end(x, 2000000000, rm_thread_self());
	if (!attribute)
		return rm_span_name(stub_span());
	for (it = rm_record_attrs(&stub_span()->record); rm_attr_next(&it, &a);)
		if (rm_str_eq(a.key, rm_str_c(attribute)))
			return a.v.str;
	return (struct rm_str){ 0 };
}

RM_TEST("a span of AWS has the service's names and the request's number, and no key")
{
	const struct rm_field answer[] = { { RM_STR("x-amzn-RequestId"), RM_STR("4711") }, { RM_STR("x-amz-id-2"), RM_STR("more") } };
	char *none[] = { NULL };

	stub_start(none);
	ask("POST", "localhost", "/", "Authorization", SIGNED("dynamodb"));
	ask_more("X-Amz-Target", "DynamoDB_20120810.GetItem");
	RM_CHECK_STR(told(200, answer, 2, NULL), "DynamoDB.GetItem");
	RM_CHECK_STR(told(200, answer, 2, "rpc.system.name"), "aws-api");
	RM_CHECK_STR(told(200, answer, 2, "rpc.method"), "DynamoDB/GetItem");
	RM_CHECK_STR(told(200, answer, 2, "db.system.name"), "aws.dynamodb");
	RM_CHECK_STR(told(200, answer, 2, "aws.request_id"), "4711");
	RM_CHECK_STR(told(200, answer, 2, "aws.extended_request_id"), "more");
	RM_CHECK_STR(told(400, answer, 2, "error.type"), "400");
	ask("PUT", "localhost", "/bucket/key", "Authorization", SIGNED("s3"));
	RM_CHECK_STR(told(200, answer, 2, NULL), "S3.PutObject");
	RM_CHECK_STR(told(200, answer, 2, "aws.s3.bucket"), "bucket");
	RM_CHECK_STR(told(200, answer, 2, "db.system.name"), "");
}

RM_TEST("a span of Elasticsearch has endpoint, index and what the cluster says of itself")
{
	const struct rm_field answer[] = { { RM_STR("X-Elastic-Product"), RM_STR("Elasticsearch") },
					   { RM_STR("X-Found-Handling-Cluster"), RM_STR("shop-cluster") },
					   { RM_STR("X-Found-Handling-Instance"), RM_STR("instance-0000000001") } };

	endpoint("POST", "/orders/_search");
	RM_CHECK_STR(told(404, answer, 3, NULL), "search orders");
	RM_CHECK_STR(told(404, answer, 3, "db.response.status_code"), "404");
	RM_CHECK_STR(told(404, answer, 3, "db.namespace"), "shop-cluster");
	RM_CHECK_STR(told(404, answer, 3, "elasticsearch.node.name"), "instance-0000000001");
	ask("GET", "es", "/orders/_search", "Accept", "application/json");
	RM_CHECK_STR(told(200, answer, 3, NULL), "GET");
	RM_CHECK_STR(told(200, answer, 3, "db.system.name"), "elasticsearch");
	RM_CHECK_STR(told(200, answer + 1, 2, "db.system.name"), "");
}

RM_TEST("a span of ClickHouse has no query, and the code of an exception")
{
	const struct rm_field answer[] = { { RM_STR("X-ClickHouse-Exception-Code"), RM_STR("62") } };

	ask("POST", "ch:8123", "/?query=SELECT+%27hunter2%27", "X-ClickHouse-Database", "shop");
	RM_CHECK_STR(told(500, answer, 1, NULL), "shop");
	RM_CHECK_STR(told(500, answer, 1, "url.full"), "http://ch:8123/");
	RM_CHECK_STR(told(500, answer, 1, "error.type"), "62");
	RM_CHECK_STR(told(500, answer, 1, "db.response.status_code"), "62");
}

RM_TEST("a span of GraphQL that is asked by URL has no query")
{
	ask("GET", "shop", "/graphql?query=query+PriceOf%7Bprice%28of%3A%22hunter2%22%29%7D", "Accept", "application/json");
	RM_CHECK_STR(told(200, NULL, 0, NULL), "query");
	RM_CHECK_STR(told(200, NULL, 0, "graphql.operation.name"), "PriceOf");
	RM_CHECK_STR(told(200, NULL, 0, "url.full"), "http://shop/graphql");
	ask("GET", "shop", "/graphql?query=search+words", "Accept", "application/json");
	RM_CHECK_STR(told(200, NULL, 0, NULL), "GET");
	RM_CHECK_STR(told(200, NULL, 0, "url.full"), "http://shop/graphql?query=search+words");
}
