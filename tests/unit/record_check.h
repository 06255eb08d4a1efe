/* Records that were changed: what their check says. */
#ifndef RM_TESTS_RECORD_CHECK_H
#define RM_TESTS_RECORD_CHECK_H

#include "agent/telemetry.h"
#include "tests/rmtest.h"

/* A record of `bytes` at `s` that has another value there is refused. */
#define CHECK_INVALID(lvalue, bad)                                                             \
	do {                                                                                   \
		__typeof__(lvalue) good_ = (lvalue);                                           \
		(lvalue) = (bad);                                                              \
		RM_CHECK(!rm_record_valid(&s->record, bytes));                                 \
		(lvalue) = good_;                                                              \
		RM_CHECK(rm_record_valid(&s->record, bytes));                                  \
	} while (0)

#endif
