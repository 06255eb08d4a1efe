/*
 * What services over HTTP call themselves and their operations. Context: any; constant.
 */
#ifndef RM_AGENT_API_NAMES_H
#define RM_AGENT_API_NAMES_H

#include "base/str.h"

/*
 * A service of AWS by the name that requests are signed for ("dynamodb"): its service id ("DynamoDB"), or that name itself.
 * Empty: it is no name.
 */
struct rm_str rm_api_service(struct rm_str signing_name);

/* The operation of S3 that method, parameters and a bucket or key in the URL make; empty: none that is known. */
struct rm_str rm_api_s3(struct rm_str method, bool bucket, bool key, bool copies, struct rm_str query);

/* The endpoint of Elasticsearch and OpenSearch ("indices.create") and the one index that is named; empty: none. */
struct rm_str rm_api_endpoint(struct rm_str method, struct rm_str path, struct rm_str *ret_index);

#endif
