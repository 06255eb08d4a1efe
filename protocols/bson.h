/*
 * Walking through a BSON document, which may be cut off. Context: any. Spec: bsonspec.org, version 1.1.
 */
#ifndef RM_PROTOCOLS_BSON_H
#define RM_PROTOCOLS_BSON_H

#include "base/str.h"

enum rm_bson_type {
	RM_BSON_DOUBLE = 0x01,
	RM_BSON_STRING = 0x02,
	RM_BSON_DOCUMENT = 0x03,
	RM_BSON_ARRAY = 0x04,
	RM_BSON_BOOL = 0x08,
	RM_BSON_INT32 = 0x10,
	RM_BSON_INT64 = 0x12,
};

struct rm_bson_element {
	uint8_t type;
	struct rm_str name;
	struct rm_str value; /* as it lies there, whole; of a string its text, of a document or an array all of it */
};

/* The elements of a document, from its length on: *rest is what rm_bson_next takes. False: it is none. */
bool rm_bson_open(struct rm_str document, struct rm_str *ret_rest);

/*
 * The next element. False: there is none, or it is not whole, or nothing that BSON knows. A document or an array that
 * is cut off is told with what there is of it, and is the last.
 */
bool rm_bson_next(struct rm_str *rest, struct rm_bson_element *ret);

/* A number or truth of any type as an integer, 0 for all others. */
int64_t rm_bson_number(const struct rm_bson_element *e);

#endif
