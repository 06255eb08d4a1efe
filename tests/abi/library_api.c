/*
 * Does hooks/ declare the libraries that it hooks as they declare themselves? That this compiles is the
 * answer: functions that differ conflict, tables are compared entry by entry.
 */
#include <stddef.h>
#include <sys/uio.h>

#if defined(GNUTLS)
#include <gnutls/gnutls.h>

#include "hooks/gnutls_api.h"

_Static_assert((int)RM_GNUTLS_DTLS_FIRST == (int)GNUTLS_DTLS0_9, "");
_Static_assert((int)RM_GNUTLS_SHUT_RDWR == (int)GNUTLS_SHUT_RDWR, "");
_Static_assert((int)RM_GNUTLS_SFLAGS_EARLY_DATA == (int)GNUTLS_SFLAGS_EARLY_DATA, "");
_Static_assert(RM_GNUTLS_E_PREMATURE_TERMINATION == GNUTLS_E_PREMATURE_TERMINATION, "");

#elif defined(MBEDTLS)
#include <mbedtls/net_sockets.h>
#include <mbedtls/ssl.h>

#include "hooks/mbedtls_api.h"

_Static_assert(RM_MBEDTLS_CONN_EOF == MBEDTLS_ERR_SSL_CONN_EOF, "");
_Static_assert(RM_MBEDTLS_PEER_CLOSE_NOTIFY == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY, "");
_Static_assert(RM_MBEDTLS_WANT_READ == MBEDTLS_ERR_SSL_WANT_READ, "");
_Static_assert(RM_MBEDTLS_WANT_WRITE == MBEDTLS_ERR_SSL_WANT_WRITE, "");
_Static_assert(RM_MBEDTLS_TIMEOUT == MBEDTLS_ERR_SSL_TIMEOUT, "");
_Static_assert(RM_MBEDTLS_CLIENT_RECONNECT == MBEDTLS_ERR_SSL_CLIENT_RECONNECT, "");
_Static_assert(RM_MBEDTLS_CONTINUE_PROCESSING == MBEDTLS_ERR_SSL_CONTINUE_PROCESSING, "");
_Static_assert(RM_MBEDTLS_ASYNC_IN_PROGRESS == MBEDTLS_ERR_SSL_ASYNC_IN_PROGRESS, "");
_Static_assert(RM_MBEDTLS_CRYPTO_IN_PROGRESS == MBEDTLS_ERR_SSL_CRYPTO_IN_PROGRESS, "");

#elif defined(WOLFSSL_LIBRARY)
#include <wolfssl/options.h>
#include <wolfssl/error-ssl.h>
#include <wolfssl/ssl.h>

#include "hooks/wolfssl_api.h"

_Static_assert((int)RM_WOLFSSL_SYSCALL == (int)WOLFSSL_ERROR_SYSCALL, "");
_Static_assert((int)RM_WOLFSSL_ZERO_RETURN == (int)WOLFSSL_ERROR_ZERO_RETURN, "");
_Static_assert((int)RM_WOLFSSL_SOCKET_ERROR == (int)SOCKET_ERROR_E, "");
_Static_assert((int)RM_WOLFSSL_FATAL_ERROR == (int)FATAL_ERROR, "");
_Static_assert((int)RM_WOLFSSL_PEER_CLOSED == (int)SOCKET_PEER_CLOSED_E, "");

#elif defined(LIBCURL)
#include <curl/curl.h>

#include "hooks/libcurl_api.h"

#elif defined(LIBEVENT)
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>

#include "hooks/libevent_api.h"

_Static_assert((int)RM_EV_PERSIST == EV_PERSIST, "");

#elif defined(SOUP)
#include <libsoup/soup.h>

#include "hooks/soup_api.h"

#elif defined(SQLITE)
#include <sqlite3.h>

#define SQLITE3_H
#include "hooks/sqlite_api.h"

_Static_assert((int)RM_SQLITE_OK == SQLITE_OK && (int)RM_SQLITE_MISUSE == SQLITE_MISUSE, "");
_Static_assert((int)RM_SQLITE_ROW == SQLITE_ROW && (int)RM_SQLITE_DONE == SQLITE_DONE, "");

#elif defined(GRPC)
#include <grpc/grpc.h>

/* The same names again, under others: functions are compared by what their arguments are. */
#define grpc_call our_call
#define grpc_channel our_channel
#define grpc_server our_server
#define grpc_completion_queue our_queue
#define grpc_byte_buffer our_buffer
#define grpc_slice_refcount our_refcount
#define grpc_call_details our_details
#define gpr_timespec our_timespec
#define grpc_slice our_slice
#define grpc_metadata our_metadata
#define grpc_metadata_array our_metadata_array
#define grpc_op our_op
#define grpc_event our_event
#define grpc_completion_queue_functor our_functor
#define grpc_version_string our_version_string
#define grpc_slice_from_copied_buffer our_slice_from_copied_buffer
#define grpc_slice_unref our_slice_unref
#define grpc_completion_queue_next our_queue_next
#define grpc_completion_queue_pluck our_queue_pluck
#define grpc_completion_queue_destroy our_queue_destroy
#define grpc_channel_create_call our_create_call
#define grpc_channel_create_registered_call our_create_registered_call
#define grpc_call_unref our_call_unref
#define grpc_call_start_batch our_start_batch
#define grpc_server_request_call our_request_call
#define grpc_server_request_registered_call our_request_registered_call
#include "hooks/grpc_api.h"
#undef grpc_slice
#undef grpc_metadata
#undef grpc_metadata_array
#undef grpc_op
#undef grpc_event
#undef grpc_completion_queue_functor
#undef gpr_timespec

#define SAME(type, ours, entry) \
	_Static_assert(offsetof(type, entry) == offsetof(ours, entry) && sizeof(((type *)0)->entry) == sizeof(((ours *)0)->entry), #entry)
#define SAME_BYTES(type, ours) _Static_assert(sizeof(type) == sizeof(ours) && _Alignof(type) == _Alignof(ours), #ours)

SAME_BYTES(gpr_timespec, our_timespec);
SAME_BYTES(grpc_slice, our_slice);
SAME(grpc_slice, our_slice, data.refcounted.bytes);
SAME(grpc_slice, our_slice, data.refcounted.length);
SAME(grpc_slice, our_slice, data.inlined.length);
SAME(grpc_slice, our_slice, data.inlined.bytes);
SAME_BYTES(grpc_metadata, our_metadata);
SAME(grpc_metadata, our_metadata, value);
SAME_BYTES(grpc_metadata_array, our_metadata_array);
SAME(grpc_metadata_array, our_metadata_array, metadata);
SAME_BYTES(grpc_op, our_op);
SAME(grpc_op, our_op, op);
SAME(grpc_op, our_op, data.send_initial_metadata.count);
SAME(grpc_op, our_op, data.send_initial_metadata.metadata);
SAME_BYTES(grpc_event, our_event);
SAME(grpc_event, our_event, success);
SAME(grpc_event, our_event, tag);
SAME_BYTES(grpc_completion_queue_functor, our_functor);
SAME(grpc_completion_queue_functor, our_functor, functor_run);
SAME(grpc_completion_queue_functor, our_functor, inlineable);
_Static_assert((int)RM_GRPC_SEND_INITIAL_METADATA == (int)GRPC_OP_SEND_INITIAL_METADATA, "");
_Static_assert((int)RM_GRPC_RECV_CLOSE_ON_SERVER == (int)GRPC_OP_RECV_CLOSE_ON_SERVER, "");
_Static_assert((int)RM_GRPC_OP_COMPLETE == (int)GRPC_OP_COMPLETE && (int)RM_GRPC_CALL_OK == (int)GRPC_CALL_OK, "");

#elif defined(NGHTTP3)
#include <nghttp3/nghttp3.h>

#include "hooks/nghttp3_api.h"

/* The callbacks as they are declared here, beside the library's own. */
struct ours {
	void *acked_stream_data, *stream_close, *recv_data, *deferred_consume, *begin_headers, *recv_header;
	void *end_headers, *begin_trailers, *recv_trailer, *end_trailers, *stop_sending, *end_stream;
};
_Static_assert(offsetof(struct ours, stream_close) == offsetof(nghttp3_callbacks, stream_close), "");
_Static_assert(offsetof(struct ours, recv_header) == offsetof(nghttp3_callbacks, recv_header), "");
_Static_assert(offsetof(struct ours, end_stream) == offsetof(nghttp3_callbacks, end_stream), "");
_Static_assert(NGHTTP3_NV_FLAG_NO_COPY_VALUE == 4 && NGHTTP3_H3_NO_ERROR == 0x100, "");
_Static_assert(NGHTTP3_H3_VERSION_FALLBACK == 0x110 && NGHTTP3_H3_REQUEST_CANCELLED == 0x10c, "");

#elif defined(NSS)
#include <prerr.h>
#include <prio.h>
#include <ssl.h>

/* The same names again, under others. */
#undef prio_h___
#define PRIOMethods our_methods
#define PRFileDesc our_descriptor
#define SSL_SecurityStatus our_status
#define SSL_OptionGet our_option
#define SSL_DataPending our_pending
#define SSL_GetNextProto our_protocol
#define SSL_ImportFD our_import
#define PR_GetDefaultIOMethods our_defaults
#define PR_GetError our_error
#define PR_FileDesc2NativeHandle our_handle
#include "hooks/nss_api.h"
#undef PRIOMethods
#undef PRFileDesc

#define SAME_PLACE(type, ours, entry) _Static_assert(offsetof(type, entry) == offsetof(ours, entry), #entry)

SAME_PLACE(PRIOMethods, our_methods, close);
SAME_PLACE(PRIOMethods, our_methods, read);
SAME_PLACE(PRIOMethods, our_methods, write);
SAME_PLACE(PRIOMethods, our_methods, writev);
SAME_PLACE(PRIOMethods, our_methods, shutdown);
SAME_PLACE(PRIOMethods, our_methods, recv);
SAME_PLACE(PRIOMethods, our_methods, send);
SAME_PLACE(PRIOMethods, our_methods, getsocketoption);
SAME_PLACE(PRIOMethods, our_methods, setsocketoption);
SAME_PLACE(PRIOMethods, our_methods, connectcontinue);
SAME_PLACE(PRFileDesc, our_descriptor, secret);
SAME_PLACE(PRFileDesc, our_descriptor, lower);
_Static_assert((int)RM_PR_DESC_SOCKET_UDP == (int)PR_DESC_SOCKET_UDP, "");
_Static_assert((int)RM_PR_DESC_LAYERED == (int)PR_DESC_LAYERED, "");
_Static_assert(RM_PR_MSG_PEEK == PR_MSG_PEEK, "");
_Static_assert((int)RM_PR_SHUTDOWN_RCV == (int)PR_SHUTDOWN_RCV, "");
_Static_assert((int)RM_PR_SHUTDOWN_BOTH == (int)PR_SHUTDOWN_BOTH, "");
_Static_assert(RM_PR_WOULD_BLOCK == PR_WOULD_BLOCK_ERROR, "");
_Static_assert(RM_PR_PENDING_INTERRUPT == PR_PENDING_INTERRUPT_ERROR, "");
_Static_assert(RM_PR_IO_TIMEOUT == PR_IO_TIMEOUT_ERROR, "");
_Static_assert(RM_SSL_SECURITY == SSL_SECURITY, "");
_Static_assert(RM_SSL_ENABLE_0RTT_DATA == SSL_ENABLE_0RTT_DATA, "");
_Static_assert((int)RM_SSL_NEXT_PROTO_NEGOTIATED == (int)SSL_NEXT_PROTO_NEGOTIATED, "");
_Static_assert((int)RM_SSL_NEXT_PROTO_SELECTED == (int)SSL_NEXT_PROTO_SELECTED, "");
#endif
