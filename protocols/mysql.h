/*
 * The protocol of MySQL and MariaDB, what its sources share: mysql.c asks, mysql_login.c begins a connection, mysql_join.c
 * goes on with one, mysql_answer.c reads what is answered, mysql_packed.c what is compressed. Context: hook, connection
 * locked.
 */
#ifndef RM_PROTOCOLS_MYSQL_H
#define RM_PROTOCOLS_MYSQL_H

#include "protocols/frame.h"
#include "protocols/prepared.h"
#include "protocols/waiting.h"

enum {
	RM_MYSQL_PACKET_MAX = 0xffffff, /* of so many bytes is all but the last packet of what is longer */
	RM_MYSQL_SPACE_BYTES = 64,
	RM_MYSQL_LOGIN_BYTES = 1024,    /* how much is read of what begins a connection, and ... */
	RM_MYSQL_ANSWER_BYTES = 24,     /* ... of each packet of an answer */
	RM_MYSQL_HEAD_BYTES = 4,        /* of a packet */
	RM_MYSQL_PACK_HEAD_BYTES = 7,   /* of a frame of the compressed protocol */
};

/* Capabilities that both sides have. */
enum {
	RM_MYSQL_LONG_PASSWORD = 1 << 0, /* the server is not MariaDB, or an old one */
	RM_MYSQL_CONNECT_WITH_DB = 1 << 3,
	RM_MYSQL_COMPRESS = 1 << 5,
	RM_MYSQL_PROTOCOL_41 = 1 << 9,
	RM_MYSQL_TLS = 1 << 11,
	RM_MYSQL_SECURE_CONNECTION = 1 << 15,
	RM_MYSQL_LENENC_AUTH = 1 << 21,
	RM_MYSQL_COMPRESS_ZSTD = 1 << 26,
	RM_MYSQL_QUERY_ATTRIBUTES = 1 << 27,
};

enum { RM_MYSQL_NO_BACKSLASH_ESCAPES = 1 << 9 }; /* of the server's status */

/* What clients ask. */
enum rm_mysql_command {
	RM_MYSQL_COM_QUIT = 0x01,
	RM_MYSQL_COM_INIT_DB,
	RM_MYSQL_COM_QUERY,
	RM_MYSQL_COM_FIELD_LIST,
	RM_MYSQL_COM_CREATE_DB,
	RM_MYSQL_COM_DROP_DB,
	RM_MYSQL_COM_REFRESH,
	RM_MYSQL_COM_SHUTDOWN,
	RM_MYSQL_COM_STATISTICS,
	RM_MYSQL_COM_PROCESS_INFO,
	RM_MYSQL_COM_PROCESS_KILL = 0x0c,
	RM_MYSQL_COM_DEBUG,
	RM_MYSQL_COM_PING,
	RM_MYSQL_COM_CHANGE_USER = 0x11,
	RM_MYSQL_COM_PREPARE = 0x16,
	RM_MYSQL_COM_EXECUTE,
	RM_MYSQL_COM_LONG_DATA,
	RM_MYSQL_COM_CLOSE,
	RM_MYSQL_COM_RESET_STATEMENT,
	RM_MYSQL_COM_SET_OPTION,
	RM_MYSQL_COM_FETCH,
	RM_MYSQL_COM_RESET_CONNECTION = 0x1f,
	RM_MYSQL_COM_BULK_EXECUTE = 0xfa,
};

enum rm_mysql_phase { RM_MYSQL_GREETING, RM_MYSQL_LOGIN, RM_MYSQL_AUTH, RM_MYSQL_COMMANDS, RM_MYSQL_MUTED };

/* What waits for an answer. Those up to FETCH are exchanges. */
enum rm_mysql_kind {
	RM_MYSQL_QUERY = 1, /* as many results as it likes */
	RM_MYSQL_FETCH,     /* rows at once */
	RM_MYSQL_PREPARE,
	RM_MYSQL_FIELDS,
	RM_MYSQL_TEXT,      /* one packet of any text */
	RM_MYSQL_DONE,      /* one packet */
	RM_MYSQL_SPACE,     /* one packet, and the database is another one */
	RM_MYSQL_USER,      /* authentication, and nothing is prepared any more */
	RM_MYSQL_RESET,     /* one packet, and so here */
};

/*
 * rm_waiting.n of a query: one more than the statements that were read of it, at most this; above that whether
 * they may change the database. Of PREPARE: one more than its number.
 */
enum { RM_MYSQL_STATEMENTS_MAX = 0x7fff, RM_MYSQL_MOVES = 0x8000 };

struct rm_mysql_way {
	struct rm_frame frame;
	uint8_t seq;      /* of the last packet */
	bool continued;   /* the next packet goes on with the last one */
	bool follows;     /* that is the one before, and one more */
};

/* A direction of the compressed protocol. */
struct rm_mysql_pack {
	uint32_t left;  /* of the frame's payload, not seen yet */
	uint32_t plain; /* what it is inflated; 0: it is not compressed */
	uint32_t given; /* of that, so far */
	uint8_t head[RM_MYSQL_PACK_HEAD_BYTES];
	uint8_t head_n;
	uint8_t seq;    /* of the last frame */
};

struct rm_mysql {
	struct rm_mysql_way way[2]; /* by enum rm_dir */
	struct rm_mysql_pack pack[2];
	struct rm_waiting_queue queue;
	struct rm_prepared table;
	uint32_t capabilities;
	rm_xid x;            /* whose request is on its way, up to its last byte */
	uint32_t last_statement;
	uint32_t definitions; /* of columns or parameters, that still come */
	uint16_t columns;     /* of what is prepared, behind its parameters */
	uint16_t results;     /* of what is being answered */
	uint16_t prepares;    /* counts them */
	uint16_t status;      /* the server's */
	uint16_t error;
	uint8_t phase, part;
	uint8_t command;      /* whose arguments come, 0: none */
	bool asking;          /* x was not told of whole */
	bool mariadb;
	bool joined;          /* the connection was there before us: it is not known whether it is MariaDB */
	bool has_status;
	bool begun;           /* the oldest question's answer has begun */
	bool trails;          /* an EOF may yet follow what was prepared */
	bool infile;          /* the client sends a file */
	bool packs;           /* that begins with the next packet: */
	bool packed;          /* packets travel in frames that may be compressed */
	bool lost;            /* several changes of the database wait: whichever is the last */
	uint16_t moving;      /* how many do */
	uint8_t space_n, next_n;
	char space[RM_MYSQL_SPACE_BYTES], next[RM_MYSQL_SPACE_BYTES];
};

_Static_assert(sizeof(struct rm_mysql) <= RM_CONN_STATE_BYTES, "as any protocol");

/* Does the server's first packet look like a greeting? */
bool rm_mysql_greets(const uint8_t *p, size_t n);

/* See rm_proto.join. */
enum rm_sniff rm_mysql_join(struct rm_mysql *s, const uint8_t *p, size_t n);

/* The greeting. False: left alone. */
bool rm_mysql_greeting(struct rm_mysql *s, struct rm_str text);

/* The client's answer to it. False: left alone. Sets `ret_tls` where TLS begins instead. */
bool rm_mysql_login(struct rm_mysql *s, struct rm_str text, bool *ret_tls);

/* One packet of the server, of that length; `text` is its first RM_MYSQL_ANSWER_BYTES. False: left alone. */
bool rm_mysql_answer(struct rm_mysql *s, struct rm_sink *sink, struct rm_str text, uint32_t length);

/* The login is over, and both sides can do it: from here on packets travel in frames. False: left alone. */
bool rm_mysql_pack(struct rm_mysql *s);

/* Bytes of such frames. False: left alone. */
bool rm_mysql_unpack(struct rm_mysql *s, enum rm_dir dir, struct rm_str bytes, struct rm_sink *sink, void *conn);

/* Bytes of packets that were in them. False: left alone. */
bool rm_mysql_packets(struct rm_mysql *s, enum rm_dir dir, struct rm_str bytes, struct rm_sink *sink, void *conn);

/* A question is on its way that may change the database; empty: to which one is not known. */
void rm_mysql_move(struct rm_mysql *s, struct rm_str space);

/* The key of what is being prepared, by its number, and of what is, by its id. */
struct rm_mysql_key {
	char text[5];
};
struct rm_mysql_key rm_mysql_pending(uint16_t number);
struct rm_mysql_key rm_mysql_prepared(uint32_t id);

static inline struct rm_str rm_mysql_key(const struct rm_mysql_key *k)
{
	return (struct rm_str){ k->text, sizeof(k->text) };
}

#endif
