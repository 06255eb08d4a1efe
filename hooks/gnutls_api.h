/*
 * What hooks need of GnuTLS, declared here so that nobody needs the library to build this: as
 * <gnutls/gnutls.h> of 3.6 and later has it (tests/abi compares the two).
 */
#ifndef RM_HOOKS_GNUTLS_API_H
#define RM_HOOKS_GNUTLS_API_H

#include <stddef.h>
#include <sys/types.h>

struct gnutls_session_int;
struct mbuffer_st;

#ifndef GNUTLS_GNUTLS_H
typedef struct gnutls_session_int *gnutls_session_t;
typedef struct {
	unsigned char *data;
	unsigned int size;
} gnutls_datum_t;
typedef struct {
	size_t low, high;
} gnutls_range_st;
typedef enum { GNUTLS_CLOSE_REQUESTS } gnutls_close_request_t;
typedef enum { GNUTLS_PROTOCOLS } gnutls_protocol_t;
#endif

enum {
	RM_GNUTLS_DTLS_FIRST = 200, /* gnutls_protocol_t */
	RM_GNUTLS_SHUT_RDWR = 0,    /* gnutls_close_request_t */
	RM_GNUTLS_E_PREMATURE_TERMINATION = -110,
	RM_GNUTLS_SFLAGS_EARLY_DATA = 1 << 10,
};

ssize_t gnutls_record_recv(gnutls_session_t session, void *data, size_t n);
ssize_t gnutls_record_recv_seq(gnutls_session_t session, void *data, size_t n, unsigned char *seq);
ssize_t gnutls_record_recv_packet(gnutls_session_t session, struct mbuffer_st **packet);
ssize_t gnutls_record_recv_early_data(gnutls_session_t session, void *data, size_t n);
ssize_t gnutls_record_send(gnutls_session_t session, const void *data, size_t n);
ssize_t gnutls_record_send2(gnutls_session_t session, const void *data, size_t n, size_t pad, unsigned flags);
ssize_t gnutls_record_send_range(gnutls_session_t session, const void *data, size_t n,
				 const gnutls_range_st *range);
ssize_t gnutls_record_send_file(gnutls_session_t session, int fd, off_t *at, size_t n);
int gnutls_record_uncork(gnutls_session_t session, unsigned int flags);
size_t gnutls_record_check_corked(gnutls_session_t session);
size_t gnutls_record_check_pending(gnutls_session_t session);
int gnutls_handshake(gnutls_session_t session);
int gnutls_bye(gnutls_session_t session, gnutls_close_request_t how);
void gnutls_deinit(gnutls_session_t session);
void gnutls_session_get_random(gnutls_session_t session, gnutls_datum_t *client, gnutls_datum_t *server);
unsigned gnutls_session_get_flags(gnutls_session_t session);
gnutls_protocol_t gnutls_protocol_get_version(gnutls_session_t session);
int gnutls_alpn_get_selected_protocol(gnutls_session_t session, gnutls_datum_t *protocol);
int gnutls_error_is_fatal(int error);
void gnutls_packet_get(struct mbuffer_st *packet, gnutls_datum_t *data, unsigned char *sequence);

#endif
