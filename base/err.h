/* The one set of error codes: functions return 0 or one of these, negative. */
#ifndef RM_BASE_ERR_H
#define RM_BASE_ERR_H

enum rm_err {
	RM_OK = 0,
	RM_E_NOMEM = -1,   /* a bounded memory is exhausted */
	RM_E_FULL = -2,    /* a queue or buffer is full: the item was dropped and counted */
	RM_E_INVALID = -3, /* a value of configuration or a caller that makes no sense */
	RM_E_PROTO = -4,   /* bytes from the wire that the protocol does not allow */
	RM_E_IO = -5,      /* a system call failed */
	RM_E_RANGE = -6,   /* larger than a named limit */
	RM_E_GONE = -7,    /* the thing a handle named does not exist any more */
};

#endif
