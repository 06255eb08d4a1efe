/*
 * What hooks need of NSS and NSPR, declared here so that nobody needs them to build this: as <prio.h> and
 * <ssl.h> have it, whose tables and structures never change their layout (tests/abi compares the two).
 */
#ifndef RM_HOOKS_NSS_API_H
#define RM_HOOKS_NSS_API_H

#include <stdint.h>

#ifndef prio_h___
typedef struct PRFileDesc PRFileDesc;
typedef struct PRIOMethods PRIOMethods;

/* Functions that nobody here calls are pointers; those of a table keep their places. */
struct PRIOMethods {
	int file_type;
	int (*close)(PRFileDesc *fd);
	int (*read)(PRFileDesc *fd, void *buf, int n);
	int (*write)(PRFileDesc *fd, const void *buf, int n);
	void *available, *available64, *fsync, *seek, *seek64, *fileInfo, *fileInfo64;
	int (*writev)(PRFileDesc *fd, const void *iov, int count, uint32_t timeout);
	void *connect, *accept, *bind, *listen;
	int (*shutdown)(PRFileDesc *fd, int how);
	int (*recv)(PRFileDesc *fd, void *buf, int n, int flags, uint32_t timeout);
	int (*send)(PRFileDesc *fd, const void *buf, int n, int flags, uint32_t timeout);
	void *recvfrom, *sendto, *poll, *acceptread, *transmitfile, *getsockname, *getpeername, *reserved_fn_6,
		*reserved_fn_5, *getsocketoption, *setsocketoption, *sendfile, *connectcontinue;
};

struct PRFileDesc {
	const PRIOMethods *methods;
	void *secret; /* what the layer knows of its session */
	PRFileDesc *lower, *higher;
};

int SSL_SecurityStatus(PRFileDesc *fd, int *on, char **cipher, int *bits, int *secret_bits, char **issuer,
		       char **subject);
int SSL_OptionGet(PRFileDesc *fd, int option, int *on);
int SSL_DataPending(PRFileDesc *fd);
int SSL_GetNextProto(PRFileDesc *fd, int *state, unsigned char *buf, unsigned *bytes, unsigned room);
PRFileDesc *SSL_ImportFD(PRFileDesc *model, PRFileDesc *fd);
const PRIOMethods *PR_GetDefaultIOMethods(void);
int PR_GetError(void);
long PR_FileDesc2NativeHandle(PRFileDesc *fd);
#endif

enum {
	RM_PR_DESC_SOCKET_UDP = 3,
	RM_PR_DESC_LAYERED = 4,
	RM_PR_MSG_PEEK = 2,
	RM_PR_SHUTDOWN_RCV = 0,
	RM_PR_SHUTDOWN_BOTH = 2,
	RM_PR_WOULD_BLOCK = -5998,
	RM_PR_PENDING_INTERRUPT = -5993,
	RM_PR_IO_TIMEOUT = -5990,
	RM_SSL_SECURITY = 1,
	RM_SSL_ENABLE_0RTT_DATA = 33,
	RM_SSL_NEXT_PROTO_NEGOTIATED = 1,
	RM_SSL_NEXT_PROTO_SELECTED = 3,
};

#endif
