/*
 * See api_names.h. Spec: service ids of the AWS service models; Amazon S3 API Reference; the REST API specification of
 * Elasticsearch, whose endpoints OpenSearch shares.
 */
#include "agent/api_names.h"

enum { NAME_BYTES = 40 };

/* ---- AWS ---- */

static const struct {
	char id[24], name[28];
} services[] = {
	{ "dynamodb", "DynamoDB" }, { "s3", "S3" }, { "sqs", "SQS" }, { "sns", "SNS" }, { "lambda", "Lambda" }, { "sts", "STS" },
	{ "iam", "IAM" }, { "ec2", "EC2" }, { "kms", "KMS" }, { "ssm", "SSM" }, { "logs", "CloudWatch Logs" },
	{ "monitoring", "CloudWatch" }, { "kinesis", "Kinesis" }, { "firehose", "Firehose" }, { "events", "EventBridge" },
	{ "states", "SFN" }, { "secretsmanager", "Secrets Manager" }, { "ecr", "ECR" }, { "ecs", "ECS" }, { "eks", "EKS" },
	{ "rds", "RDS" }, { "rds-data", "RDS Data" }, { "redshift", "Redshift" }, { "elasticache", "ElastiCache" },
	{ "cloudformation", "CloudFormation" }, { "route53", "Route 53" }, { "ses", "SES" }, { "xray", "XRay" },
	{ "athena", "Athena" }, { "glue", "Glue" }, { "sagemaker", "SageMaker" }, { "bedrock", "Bedrock Runtime" },
	{ "cognito-idp", "Cognito Identity Provider" }, { "apigateway", "API Gateway" }, { "execute-api", "execute-api" },
	{ "elasticloadbalancing", "Elastic Load Balancing v2" }, { "autoscaling", "Auto Scaling" }, { "batch", "Batch" },
	{ "acm", "ACM" }, { "appsync", "AppSync" }, { "kafka", "Kafka" }, { "timestream", "Timestream Query" },
	{ "elasticfilesystem", "EFS" }, { "organizations", "Organizations" }, { "sso", "SSO" }, { "scheduler", "Scheduler" },
};

struct rm_str rm_api_service(struct rm_str name)
{
	for (size_t i = 0; i < sizeof(services) / sizeof(*services); i++)
		if (rm_str_eq(name, RM_STR_OF(services[i].id)))
			return RM_STR_OF(services[i].name);
	for (size_t i = 0; i < name.n; i++)
		if (!((name.p[i] >= 'a' && name.p[i] <= 'z') || (name.p[i] >= '0' && name.p[i] <= '9') || name.p[i] == '-'))
			return (struct rm_str){ 0 };
	return name.n <= NAME_BYTES ? name : (struct rm_str){ 0 };
}

enum about { SERVICE, BUCKET, OBJECT };

struct s3_row {
	char method[7];
	uint8_t about;      /* enum about */
	char parameter[12]; /* empty: none of those that name a part of a bucket or object */
	char name[24];
};

/* Of several that fit the first counts. */
static const struct s3_row s3_rows[] = {
	{ "GET", SERVICE, "", "ListBuckets" },
	{ "GET", BUCKET, "list-type", "ListObjectsV2" },
	{ "GET", BUCKET, "uploads", "ListMultipartUploads" },
	{ "GET", BUCKET, "versions", "ListObjectVersions" },
	{ "GET", BUCKET, "location", "GetBucketLocation" },
	{ "GET", BUCKET, "versioning", "GetBucketVersioning" },
	{ "PUT", BUCKET, "versioning", "PutBucketVersioning" },
	{ "GET", BUCKET, "policy", "GetBucketPolicy" },
	{ "PUT", BUCKET, "policy", "PutBucketPolicy" },
	{ "GET", BUCKET, "acl", "GetBucketAcl" },
	{ "PUT", BUCKET, "acl", "PutBucketAcl" },
	{ "GET", BUCKET, "tagging", "GetBucketTagging" },
	{ "PUT", BUCKET, "tagging", "PutBucketTagging" },
	{ "GET", BUCKET, "", "ListObjects" },
	{ "HEAD", BUCKET, "", "HeadBucket" },
	{ "PUT", BUCKET, "", "CreateBucket" },
	{ "DELETE", BUCKET, "", "DeleteBucket" },
	{ "POST", BUCKET, "delete", "DeleteObjects" },
	{ "GET", OBJECT, "uploadId", "ListParts" },
	{ "PUT", OBJECT, "uploadId", "UploadPart" },
	{ "POST", OBJECT, "uploadId", "CompleteMultipartUpload" },
	{ "DELETE", OBJECT, "uploadId", "AbortMultipartUpload" },
	{ "POST", OBJECT, "uploads", "CreateMultipartUpload" },
	{ "GET", OBJECT, "tagging", "GetObjectTagging" },
	{ "PUT", OBJECT, "tagging", "PutObjectTagging" },
	{ "DELETE", OBJECT, "tagging", "DeleteObjectTagging" },
	{ "GET", OBJECT, "acl", "GetObjectAcl" },
	{ "PUT", OBJECT, "acl", "PutObjectAcl" },
	{ "GET", OBJECT, "attributes", "GetObjectAttributes" },
	{ "POST", OBJECT, "select", "SelectObjectContent" },
	{ "POST", OBJECT, "restore", "RestoreObject" },
	{ "GET", OBJECT, "", "GetObject" },
	{ "HEAD", OBJECT, "", "HeadObject" },
	{ "PUT", OBJECT, "", "PutObject" },
	{ "DELETE", OBJECT, "", "DeleteObject" },
};

/* Parameters beside which a request is still for the whole bucket or object. */
static bool is_plain(struct rm_str name)
{
	static const char plain[][20] = { "prefix", "delimiter", "marker", "max-keys", "encoding-type", "versionId", "partNumber",
					  "x-id", "max-buckets", "continuation-token" };

	for (size_t i = 0; i < sizeof(plain) / sizeof(*plain); i++)
		if (rm_str_eq(name, RM_STR_OF(plain[i])))
			return true;
	return (name.n > 9 && memcmp(name.p, "response-", 9) == 0) || (name.n > 6 && memcmp(name.p, "X-Amz-", 6) == 0);
}

/* Has it this parameter; or, where that is empty, no other than plain ones? */
static bool asks_for(struct rm_str query, struct rm_str parameter)
{
	while (query.n) {
		struct rm_str rest = rm_str_cut(&query, '&'), name = rm_str_cut(&rest, '=');

		if (parameter.n && rm_str_eq(name, parameter))
			return true;
		if (!parameter.n && name.n && !is_plain(name))
			return false;
	}
	return !parameter.n;
}

struct rm_str rm_api_s3(struct rm_str method, bool bucket, bool key, bool copies, struct rm_str query)
{
	enum about about = key ? OBJECT : bucket ? BUCKET : SERVICE;

	for (size_t i = 0; i < sizeof(s3_rows) / sizeof(*s3_rows); i++) {
		const struct s3_row *row = &s3_rows[i];

		if (row->about != about || !rm_str_eq(method, RM_STR_OF(row->method)) ||
		    !asks_for(query, RM_STR_OF(row->parameter)))
			continue;
		if (copies && rm_str_eq(RM_STR_OF(row->name), RM_STR("PutObject")))
			return RM_STR("CopyObject");
		if (copies && rm_str_eq(RM_STR_OF(row->name), RM_STR("UploadPart")))
			return RM_STR("UploadPartCopy");
		return RM_STR_OF(row->name);
	}
	return (struct rm_str){ 0 };
}

/* ---- Elasticsearch and OpenSearch ---- */

struct endpoint {
	char methods[10];
	char path[24]; /* "{i}" is an index, "{x}" another name */
	char name[32];
};

static const struct endpoint endpoints[] = {
	{ "HEAD", "", "ping" },
	{ "GET", "", "info" },
	{ "PUT", "{i}", "indices.create" },
	{ "DELETE", "{i}", "indices.delete" },
	{ "HEAD", "{i}", "indices.exists" },
	{ "GET", "{i}", "indices.get" },
	{ "POST", "{i}/_doc", "index" },
	{ "PUT POST", "{i}/_doc/{x}", "index" },
	{ "GET", "{i}/_doc/{x}", "get" },
	{ "HEAD", "{i}/_doc/{x}", "exists" },
	{ "DELETE", "{i}/_doc/{x}", "delete" },
	{ "PUT POST", "{i}/_create/{x}", "create" },
	{ "POST", "{i}/_update/{x}", "update" },
	{ "GET", "{i}/_source/{x}", "get_source" },
	{ "HEAD", "{i}/_source/{x}", "exists_source" },
	{ "GET POST", "{i}/_explain/{x}", "explain" },
	{ "GET POST", "{i}/_termvectors/{x}", "termvectors" },
	{ "GET POST", "_search", "search" },
	{ "GET POST", "{i}/_search", "search" },
	{ "GET POST", "_search/scroll", "scroll" },
	{ "DELETE", "_search/scroll", "clear_scroll" },
	{ "POST", "{i}/_pit", "open_point_in_time" },
	{ "DELETE", "_pit", "close_point_in_time" },
	{ "GET POST", "_msearch", "msearch" },
	{ "GET POST", "{i}/_msearch", "msearch" },
	{ "GET POST", "_mget", "mget" },
	{ "GET POST", "{i}/_mget", "mget" },
	{ "POST PUT", "_bulk", "bulk" },
	{ "POST PUT", "{i}/_bulk", "bulk" },
	{ "GET POST", "_count", "count" },
	{ "GET POST", "{i}/_count", "count" },
	{ "POST", "{i}/_update_by_query", "update_by_query" },
	{ "POST", "{i}/_delete_by_query", "delete_by_query" },
	{ "POST", "_reindex", "reindex" },
	{ "GET POST", "{i}/_field_caps", "field_caps" },
	{ "GET POST", "_analyze", "indices.analyze" },
	{ "GET POST", "{i}/_analyze", "indices.analyze" },
	{ "GET POST", "{i}/_validate/query", "indices.validate_query" },
	{ "GET POST", "_refresh", "indices.refresh" },
	{ "GET POST", "{i}/_refresh", "indices.refresh" },
	{ "GET POST", "{i}/_flush", "indices.flush" },
	{ "POST", "{i}/_forcemerge", "indices.forcemerge" },
	{ "POST", "{i}/_open", "indices.open" },
	{ "POST", "{i}/_close", "indices.close" },
	{ "GET", "{i}/_mapping", "indices.get_mapping" },
	{ "PUT POST", "{i}/_mapping", "indices.put_mapping" },
	{ "GET", "{i}/_settings", "indices.get_settings" },
	{ "PUT", "{i}/_settings", "indices.put_settings" },
	{ "GET", "{i}/_stats", "indices.stats" },
	{ "POST", "_aliases", "indices.update_aliases" },
	{ "GET", "_alias/{x}", "indices.get_alias" },
	{ "HEAD", "_alias/{x}", "indices.exists_alias" },
	{ "PUT POST", "_index_template/{x}", "indices.put_index_template" },
	{ "HEAD", "_index_template/{x}", "indices.exists_index_template" },
	{ "GET", "_cluster/health", "cluster.health" },
	{ "GET", "_cluster/health/{i}", "cluster.health" },
	{ "GET", "_cluster/state", "cluster.state" },
	{ "GET", "_cluster/stats", "cluster.stats" },
	{ "GET", "_cluster/settings", "cluster.get_settings" },
	{ "PUT", "_cluster/settings", "cluster.put_settings" },
	{ "GET", "_nodes", "nodes.info" },
	{ "GET", "_nodes/stats", "nodes.stats" },
	{ "GET", "_cat/indices", "cat.indices" },
	{ "GET", "_cat/indices/{i}", "cat.indices" },
	{ "GET", "_cat/health", "cat.health" },
	{ "GET", "_cat/nodes", "cat.nodes" },
	{ "GET", "_cat/shards", "cat.shards" },
	{ "GET", "_cat/aliases", "cat.aliases" },
	{ "GET", "_cat/count/{i}", "cat.count" },
	{ "PUT", "_ingest/pipeline/{x}", "ingest.put_pipeline" },
	{ "GET", "_ingest/pipeline/{x}", "ingest.get_pipeline" },
	{ "GET POST", "_sql", "sql.query" },
	{ "POST", "_query", "esql.query" },
	{ "GET", "_tasks/{x}", "tasks.get" },
};

/* Does the list of words have it? */
static bool listed(struct rm_str rest, struct rm_str word)
{
	while (rest.n)
		if (rm_str_eq(rm_str_cut(&rest, ' '), word))
			return true;
	return false;
}

static bool is_index(struct rm_str part)
{
	return part.n && (*part.p != '_' || rm_str_eq(part, RM_STR("_all")));
}

static bool matches(struct rm_str pattern, struct rm_str path, struct rm_str *ret_index)
{
	*ret_index = (struct rm_str){ 0 };
	while (pattern.n || path.n) {
		struct rm_str want = rm_str_cut(&pattern, '/'), part = rm_str_cut(&path, '/');

		if (rm_str_eq(want, RM_STR("{i}"))) {
			if (!is_index(part))
				return false;
			*ret_index = part;
		} else if (rm_str_eq(want, RM_STR("{x}")) ? !part.n : !rm_str_eq(want, part)) {
			return false;
		}
	}
	return true;
}

/* Exactly one: no list, and no pattern of names. */
static struct rm_str single(struct rm_str index)
{
	for (size_t i = 0; i < index.n; i++)
		if (index.p[i] == ',' || index.p[i] == '*' || index.p[i] == '%')
			return (struct rm_str){ 0 };
	return rm_str_eq(index, RM_STR("_all")) ? (struct rm_str){ 0 } : index;
}

struct rm_str rm_api_endpoint(struct rm_str method, struct rm_str path, struct rm_str *ret_index)
{
	struct rm_str index;

	*ret_index = (struct rm_str){ 0 };
	if (!path.n || *path.p != '/')
		return *ret_index;
	path = (struct rm_str){ path.p + 1, path.n - 1 };
	for (size_t i = 0; i < sizeof(endpoints) / sizeof(*endpoints); i++) {
		if (!listed(RM_STR_OF(endpoints[i].methods), method) ||
		    !matches(RM_STR_OF(endpoints[i].path), path, &index))
			continue;
		*ret_index = single(index);
		return RM_STR_OF(endpoints[i].name);
	}
	return *ret_index;
}
