/* Is it JSON? RFC 8259, strictly, on UTF-8 as well; depth is bounded. For fuzz targets. */
#ifndef RM_TESTS_FUZZ_JSON_CHECK_H
#define RM_TESTS_FUZZ_JSON_CHECK_H

#include "base/str.h"

/* True when the text is JSON documents, each on a line of its own. */
bool json_lines(struct rm_str text);

#endif
