/*
 * What hooks need of gRPC, declared here so that nobody needs the library to build this: as <grpc/grpc.h> of 1.51 and later
 * has it (tests/abi compares the two), and members of C++ classes by the names that linkers know them by.
 */
#ifndef RM_HOOKS_GRPC_API_H
#define RM_HOOKS_GRPC_API_H

#include <stddef.h>
#include <stdint.h>

typedef struct grpc_call grpc_call;
typedef struct grpc_channel grpc_channel;
typedef struct grpc_server grpc_server;
typedef struct grpc_completion_queue grpc_completion_queue;
typedef struct grpc_byte_buffer grpc_byte_buffer;
typedef struct grpc_slice_refcount grpc_slice_refcount;
typedef struct grpc_call_details grpc_call_details; /* only handed on */

typedef struct gpr_timespec {
	int64_t tv_sec;
	int32_t tv_nsec;
	int clock_type;
} gpr_timespec;

/* Without a count of references its bytes are inside of it. */
typedef struct grpc_slice {
	grpc_slice_refcount *refcount;
	union {
		struct {
			size_t length;
			uint8_t *bytes;
		} refcounted;
		struct {
			uint8_t length;
			uint8_t bytes[23];
		} inlined;
	} data;
} grpc_slice;

typedef struct grpc_metadata {
	grpc_slice key, value;
	void *internal[4];
} grpc_metadata;

typedef struct grpc_metadata_array {
	size_t count, capacity;
	grpc_metadata *metadata;
} grpc_metadata_array;

enum {
	RM_GRPC_SEND_INITIAL_METADATA = 0,
	RM_GRPC_RECV_CLOSE_ON_SERVER = 7,
	RM_GRPC_OP_COMPLETE = 2, /* of events */
	RM_GRPC_CALL_OK = 0,
};

typedef struct grpc_op {
	int op;
	uint32_t flags;
	void *reserved;
	union {
		void *room[8];
		struct {
			size_t count;
			grpc_metadata *metadata;
		} send_initial_metadata;
	} data;
} grpc_op;

typedef struct grpc_event {
	int type, success;
	void *tag;
} grpc_event;

/* The tag of what completes on a queue of callbacks. */
typedef struct grpc_completion_queue_functor {
	void (*functor_run)(struct grpc_completion_queue_functor *self, int ok);
	int inlineable;
	int internal_success;
	struct grpc_completion_queue_functor *internal_next;
} grpc_completion_queue_functor;

const char *grpc_version_string(void);
grpc_slice grpc_slice_from_copied_buffer(const char *source, size_t n);
void grpc_slice_unref(grpc_slice slice);
grpc_event grpc_completion_queue_next(grpc_completion_queue *cq, gpr_timespec deadline, void *reserved);
grpc_event grpc_completion_queue_pluck(grpc_completion_queue *cq, void *tag, gpr_timespec deadline, void *reserved);
grpc_call *grpc_channel_create_call(grpc_channel *channel, grpc_call *parent, uint32_t mask, grpc_completion_queue *cq,
				    grpc_slice method, const grpc_slice *host, gpr_timespec deadline, void *reserved);
grpc_call *grpc_channel_create_registered_call(grpc_channel *channel, grpc_call *parent, uint32_t mask,
					       grpc_completion_queue *cq, void *method, gpr_timespec deadline, void *reserved);
void grpc_call_unref(grpc_call *call);
int grpc_call_start_batch(grpc_call *call, const grpc_op *ops, size_t count, void *tag, void *reserved);
int grpc_server_request_call(grpc_server *server, grpc_call **call, grpc_call_details *details, grpc_metadata_array *metadata,
			     grpc_completion_queue *bound, grpc_completion_queue *notified, void *tag);
int grpc_server_request_registered_call(grpc_server *server, void *method, grpc_call **call, gpr_timespec *deadline,
					grpc_metadata_array *metadata, grpc_byte_buffer **payload,
					grpc_completion_queue *bound, grpc_completion_queue *notified, void *tag);

/* Members of C++ classes, and what linkers call them. grpc::ServerContextBase: its constructor for a request ... */
void grpc_ServerContextBase(void *self, gpr_timespec deadline, grpc_metadata_array *metadata);
#define RM_GRPC_CONTEXT "_ZN4grpc17ServerContextBaseC2E12gpr_timespecP19grpc_metadata_array"
/* ... and what callback servers do instead. */
void grpc_ServerContextBase_BindDeadlineAndMetadata(void *self, gpr_timespec deadline, grpc_metadata_array *metadata);
#define RM_GRPC_BIND "_ZN4grpc17ServerContextBase23BindDeadlineAndMetadataE12gpr_timespecP19grpc_metadata_array"
/* In which a handler of a synchronous server runs. */
void grpc_Server_SyncRequest_Run(void *self, const void *callbacks, _Bool resources);
#define RM_GRPC_SYNC "_ZN4grpc6Server11SyncRequest3RunERKSt10shared_ptrINS0_15GlobalCallbacksEEb"
/* In which one of a callback server is called, and that of a generic service. */
void grpc_Server_CallbackRequest_Run(grpc_completion_queue_functor *self, int ok);
#define RM_GRPC_CALLBACK                                                                           \
	"_ZN4grpc6Server15CallbackRequestINS_21CallbackServerContextEE15CallbackCallTag9StaticRun" \
	"EP29grpc_completion_queue_functori"
void grpc_Server_CallbackRequest_Generic_Run(grpc_completion_queue_functor *self, int ok);
#define RM_GRPC_GENERIC                                                                                   \
	"_ZN4grpc6Server15CallbackRequestINS_28GenericCallbackServerContextEE15CallbackCallTag9StaticRun" \
	"EP29grpc_completion_queue_functori"

#endif
