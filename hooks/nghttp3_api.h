/*
 * What hooks need of nghttp3, declared here so that nobody needs the library to build this: as <nghttp3/nghttp3.h> of 0.8
 * and later has it (tests/abi compares the two). Later releases add to the end of the callbacks.
 */
#ifndef RM_HOOKS_NGHTTP3_API_H
#define RM_HOOKS_NGHTTP3_API_H

#include <stddef.h>
#include <stdint.h>

#ifndef NGHTTP3_H
typedef struct nghttp3_conn nghttp3_conn;
typedef struct nghttp3_rcbuf nghttp3_rcbuf;
typedef struct nghttp3_settings nghttp3_settings;
typedef struct nghttp3_mem nghttp3_mem;
typedef struct nghttp3_data_reader nghttp3_data_reader;

typedef struct nghttp3_nv {
	const uint8_t *name, *value;
	size_t namelen, valuelen;
	uint8_t flags;
} nghttp3_nv;

typedef struct nghttp3_vec {
	uint8_t *base;
	size_t len;
} nghttp3_vec;

typedef struct nghttp3_callbacks {
	void (*acked_stream_data)(void);
	int (*stream_close)(nghttp3_conn *, int64_t stream, uint64_t code, void *conn_user, void *user);
	void (*recv_data)(void);
	void (*deferred_consume)(void);
	void (*begin_headers)(void);
	int (*recv_header)(nghttp3_conn *, int64_t stream, int32_t token, nghttp3_rcbuf *name, nghttp3_rcbuf *value,
			   uint8_t flags, void *conn_user, void *user);
	void (*end_headers)(void);
	void (*begin_trailers)(void);
	void (*recv_trailer)(void);
	void (*end_trailers)(void);
	void (*stop_sending)(void);
	int (*end_stream)(nghttp3_conn *, int64_t stream, void *conn_user, void *user);
	void (*reset_stream)(void);
	void (*shutdown)(void);
} nghttp3_callbacks;
#endif

int nghttp3_conn_client_new_versioned(nghttp3_conn **ret, int callbacks_version, const nghttp3_callbacks *callbacks,
				      int settings_version, const nghttp3_settings *settings, const nghttp3_mem *mem,
				      void *conn_user_data);
void nghttp3_conn_del(nghttp3_conn *conn);
int nghttp3_conn_submit_request(nghttp3_conn *conn, int64_t stream, const nghttp3_nv *nva, size_t nvlen,
				const nghttp3_data_reader *dr, void *stream_user_data);
nghttp3_vec nghttp3_rcbuf_get_buf(const nghttp3_rcbuf *buf);

#endif
