/*
 * OpenSSL, wherever it is: in libssl of any name, however it was loaded, or inside the program. Its
 * calls SSL_read, SSL_write, SSL_peek, SSL_shutdown and all their variants go through tables of
 * functions, one for each protocol version, of which some slots are made to lead to us. No name is
 * exported, no code is changed. docs/HOOKS.md says how the tables are found, and what is left alone.
 */
#ifndef RM_HOOKS_OPENSSL_H
#define RM_HOOKS_OPENSSL_H

#include <stddef.h>

#include "base/objects.h"

enum { RM_OPENSSL_MAX = 8 }; /* copies of OpenSSL in one process; more are left alone */

/* The functions of ours that stand in for those in a table's slots, in the order of the slots. */
struct rm_openssl_slots {
	void *clear;    /* the session's memory is used anew ... */
	void *release;  /* ... or given back, or used by another protocol version */
	void *accept, *connect; /* these stay what they are */
	void *read, *peek, *write, *shutdown;
};

/* What hooks call of a copy: its functions by their public names. Missing ones make it be left alone. */
struct rm_openssl_calls {
	int (*is_init_finished)(const void *ssl); /* false in early data, too ... */
	int (*in_init)(const void *ssl);          /* ... where this is false */
	int (*do_handshake)(void *ssl);
	int (*is_server)(const void *ssl);
	int (*get_error)(const void *ssl, int result);
	int (*get_early_data_status)(const void *ssl);
	int (*get_fd)(const void *ssl);
	int (*pending)(const void *ssl);
	int (*want)(const void *ssl);
	long (*ctrl)(void *ssl, int command, long number, void *pointer);
	size_t (*get_client_random)(const void *ssl, unsigned char *ret, size_t cap);
	void (*get0_alpn_selected)(const void *ssl, const unsigned char **ret, unsigned *ret_bytes);
	void *(*get_rbio)(const void *ssl);
	void *(*get_wbio)(const void *ssl);
	void *(*get_ex_data)(const void *ssl, int index);
	int (*set_ex_data)(void *ssl, int index, void *data);
	/* Of the cryptographic library below it. */
	int (*get_ex_new_index)(int class, long number, void *pointer, void *on_new, void *on_copy, void *on_free);
	long (*bio_ctrl)(void *bio, int command, long number, void *pointer);
	bool has_ktls; /* the kernel may encrypt for it */
};

/*
 * Looks through all loaded objects for copies that are not led to us yet. To be called again whenever
 * objects may have been loaded; costs nothing much when none was.
 * Context: hook, one thread at a time: the caller sees to that.
 */
void rm_openssl_scan(void);

/* ---- between openssl_find.c and openssl.c ---- */

/* Takes a place for a copy with these functions; NULL: all are taken. Gives what its slots are to hold. */
const struct rm_openssl_slots *rm_openssl_adopt(const struct rm_openssl_slots *real,
						const struct rm_openssl_calls *calls);

/* The place whose function `read` is, -1 when it is none of ours; and one whose copy is gone. */
int rm_openssl_place(const void *read);
void rm_openssl_vacate(int place);

#endif
