/*
 * The contract of a wire protocol: a push parser over one connection, without I/O, clock, log,
 * memory of its own beyond its state and the stash the sink lends it.
 *
 * The agent feeds every byte of both directions once, in order, cut anywhere. The parser tells the
 * sink what it sees; the sink (the agent) makes spans and may answer a request head with edits.
 * Slices given to the sink are valid during the call only. A parser that meets something its
 * protocol does not allow, or that a limit forbids, returns RM_FEED_MUTE: the connection is left
 * alone for good.
 */
#ifndef RM_PROTOCOLS_PROTO_H
#define RM_PROTOCOLS_PROTO_H

#include "base/str.h"
#include "protocols/tracecontext.h"

enum rm_role { RM_ROLE_CLIENT = 1, RM_ROLE_SERVER = 2 }; /* which side this process is */
enum rm_dir { RM_DIR_REQUEST, RM_DIR_RESPONSE };         /* bytes that requests / responses travel in */

/* Result of feed(): bytes consumed (>= 0), or: */
enum { RM_FEED_MUTE = -1 };

enum rm_sniff { RM_SNIFF_NO, RM_SNIFF_MORE, RM_SNIFF_YES };

/* One exchange of a connection, named by the sink; 0 is "not recorded" and always allowed. */
typedef uint32_t rm_xid;

enum { RM_FIELDS_MAX = 128, RM_HEAD_MAX_BYTES = 64 * 1024, RM_TLS_RANDOM_BYTES = 32 };

/* What a connection remembers for its protocol beyond the state, see rm_sink_calls.stash. */
enum rm_stash {
	RM_STASH_REQUEST_HEAD = RM_DIR_REQUEST,   /* an unfinished head, per direction */
	RM_STASH_RESPONSE_HEAD = RM_DIR_RESPONSE,
	RM_STASH_REQUEST_TABLE, /* compression state, per direction */
	RM_STASH_RESPONSE_TABLE,
	RM_STASH_STREAMS,       /* exchanges under way */
	RM_STASHES,
};

struct rm_field {
	struct rm_str name, value; /* value trimmed; folded lines are given as they came */
};

/*
 * Where a request head of HTTP/2 lies: the last frame of its header block, up to where padding may
 * begin. Fields can be added at its end, see protocols/http2_edit.h.
 */
struct rm_block {
	int64_t frame_at;        /* where it begins in the buffer being fed; negative: so much before it */
	uint32_t frame_bytes;    /* up to the end of the fragment */
	uint32_t pad;            /* bytes of padding behind it */
	uint8_t type, flags;     /* as in the frame's head, and ... */
	uint32_t stream;
	uint8_t prefix[6];       /* ... what stands between head and fragment */
	uint8_t prefix_bytes;
	struct rm_str fragment;  /* of the header block */
	uint32_t old_at, old_bytes; /* the one traceparent in the fragment, if it can be taken out; else 0 */
	uint32_t list_bytes;     /* size of the header list, and the most that the server wants */
	uint32_t list_max_bytes;
};

/*
 * A request that a web server passes on to a program as variables (FastCGI, SCGI, uwsgi). Nothing is added to
 * it, but the value of its one traceparent can be replaced where it lies.
 */
enum { RM_NOWHERE = INT32_MIN };
struct rm_gateway {
	const char *name;        /* "fastcgi" */
	struct rm_str client;    /* who asked the web server; empty: it does not say */
	int64_t traceparent_at;  /* its value in the buffer being fed; negative: before it; or RM_NOWHERE */
};

/* A complete request or response head, as HTTP semantics (RFC 9110) see it. */
struct rm_head {
	struct rm_str method, target; /* request */
	struct rm_str scheme;         /* request of HTTP/2; else empty */
	int status;                   /* response */
	struct rm_str version;        /* "1.0", "1.1", "2" */
	const struct rm_field *fields;
	uint32_t field_count;         /* at most RM_FIELDS_MAX; more are parsed for framing but not listed */
	bool fields_cut;              /* some were not listed */
	struct rm_str authority;      /* Host field, or the authority of an absolute or CONNECT target */
	uint32_t text_bytes;          /* what the fields take as text, about */
	const struct rm_block *block; /* HTTP/2: where the head lies */
	const struct rm_gateway *gateway; /* it is variables. Both NULL: it is lines, and lies in ... */
	struct rm_str raw;            /* ... these bytes up to the blank line, which slices point into */
	/*
	 * Where the buffer of the current feed() lies in `raw`: byte `raw.p[i]` with i >= fed_from is
	 * byte `i - fed_from + fed_at` of that buffer. Earlier bytes came with earlier feeds.
	 */
	uint32_t fed_from, fed_at;
};

/*
 * An operation of a database (or a cache), as its client asks for it; what is not known is empty. A
 * value never stands in it: names are those that the protocol knows, and in query texts each literal
 * is replaced.
 */
struct rm_operation {
	struct rm_str system;     /* "redis" */
	uint16_t port;            /* where such a server listens by default */
	struct rm_str name;       /* of the operation, "SET" */
	struct rm_str collection; /* the one it is about */
	struct rm_str space;      /* the database it is asked of, if that is known before the answer */
	struct rm_str summary;    /* "SELECT orders" */
	struct rm_str query;
	uint32_t batch;           /* how many operations it stands for, if it stands for several */
};

/* What became of an operation. */
struct rm_outcome {
	bool failed;
	struct rm_str status;     /* the database's own word for it; empty: none */
	struct rm_str space;      /* as above, where only the answer says it */
};

struct rm_sink;

/* What a sink makes of what a protocol sees. */
struct rm_sink_calls {
	/* First byte of a request (not of empty lines before it). Returns its name or 0. */
	rm_xid (*request)(struct rm_sink *, void *conn);
	/*
	 * A request head is complete. `blank_at` is the offset, in the buffer being fed, of the first
	 * byte (CR or LF) of the empty line that ends it: where whole header lines may be inserted.
	 * It is reported when that byte is seen, before it is consumed. Returning false makes feed()
	 * return `blank_at` at once: the empty line then belongs to the next feed(), and the head is
	 * not reported again. A head of HTTP/2 is reported when the last byte of its header block is
	 * consumed, and `blank_at` is the offset behind that; so it is where a head is variables.
	 */
	bool (*request_head)(struct rm_sink *, rm_xid, const struct rm_head *, uint32_t blank_at);
	/* In the place of request_head: a request that is an operation. Nothing is inserted into it. */
	void (*operation)(struct rm_sink *, rm_xid, const struct rm_operation *);
	/* An operation that asks for no answer gets response, outcome and response_end right behind this. */
	void (*request_end)(struct rm_sink *, rm_xid, uint64_t body_bytes);
	void (*response)(struct rm_sink *, rm_xid); /* first byte of a response, interim ones included */
	/* A final response head (2xx-5xx, or 101). Interim 1xx heads are not reported. */
	void (*response_head)(struct rm_sink *, rm_xid, const struct rm_head *);
	/* In the place of response_head, for an operation. */
	void (*outcome)(struct rm_sink *, rm_xid, const struct rm_outcome *);
	/* Fields behind the body, before response_end. HTTP/2 only; `status` is 0. */
	void (*response_trailers)(struct rm_sink *, rm_xid, const struct rm_head *);
	void (*response_end)(struct rm_sink *, rm_xid, uint64_t body_bytes);
	/*
	 * The exchange ends without a whole response; `error` is an error.type word. It is empty when
	 * the bytes turned out to be no request at all, or to be cut off before the end of the head:
	 * forget it silently. Each exchange gets response_end or broken, once, at end() at the latest.
	 * Its name is dead from then on: a request that was answered before its end goes on under
	 * exchange 0.
	 */
	void (*broken)(struct rm_sink *, rm_xid, struct rm_str error);
	/*
	 * The connection goes on as the protocol of that name (struct rm_proto) from the next byte on, in
	 * both directions, and feed() returns at once. The exchange, whose request is over, is answered
	 * there: it was not told of the response that announced the change.
	 */
	void (*hand_over)(struct rm_sink *, rm_xid, const char *proto);
	/*
	 * Memory that outlives the call: grows a bounded stash of the connection, or gives it as it is
	 * when it is large enough; contents are kept, a new one's are unspecified. NULL: no memory, or
	 * more than RM_HEAD_MAX_BYTES. A head is unstashed when it is over, at end() at the latest; the others stay until they are
	 * unstashed, the connection ends or is muted.
	 */
	char *(*stash)(struct rm_sink *, enum rm_stash, uint32_t bytes_needed);
	void (*unstash)(struct rm_sink *, enum rm_stash);
	/*
	 * Memory for the time of this feed(), 16-byte aligned, contents unspecified: what a parser needs
	 * that is too much for a small stack. The same each time within one feed(). NULL: no memory.
	 */
	void *(*scratch)(struct rm_sink *, uint32_t bytes);
	/* The connection is a TLS session, the one of a ClientHello with this random number. */
	void (*secured)(struct rm_sink *, const uint8_t random[RM_TLS_RANDOM_BYTES]);
};

struct rm_sink {
	const struct rm_sink_calls *on;
};

struct rm_proto {
	const char *name; /* "http1" */
	const char *alpn; /* what TLS calls it (RFC 7301), NULL: nothing */
	const char *help; /* one line for `remora list protocols` */
	const char *left; /* why a connection is left alone, for messages; NULL: it was not understood */
	bool client_only; /* nothing is to be told of it in a server: there it is left alone at once */
	bool multiplexes; /* requests of one connection are under way at once, not one after the other */
	uint32_t state_bytes;
	/*
	 * Looks at the first bytes of the request direction. MORE says that they may yet be this
	 * protocol: the parser can be opened then, and takes back the request if they are not.
	 */
	enum rm_sniff (*sniff)(const uint8_t *p, size_t n);
	/* Prepares zeroed state. */
	void (*open)(void *state, enum rm_role role);
	/*
	 * After open: takes over a connection from another protocol, with the exchange that is to be
	 * answered. False: no memory. NULL: no protocol hands over to this one.
	 */
	bool (*adopt)(void *state, struct rm_sink *sink, rm_xid x);
	/*
	 * Do the first bytes that the server sent, before any of the client's, show this protocol? NULL:
	 * the client speaks first.
	 */
	bool (*greets)(const uint8_t *p, size_t n);
	/* Feeds bytes. Consumes all of them unless the sink stopped it, it hands over, or it mutes. */
	int64_t (*feed)(void *state, enum rm_dir dir, const uint8_t *p, size_t n, struct rm_sink *sink,
			void *conn);
	/* `n` bytes passed that nobody could show us (sendfile, splice). Body: skipped; else RM_FEED_MUTE. */
	int (*skip)(void *state, enum rm_dir dir, uint64_t n, struct rm_sink *sink, void *conn);
	/*
	 * The direction ended (FIN, shutdown) or, with `reset`, the connection broke. The end of the
	 * response direction, or a reset, ends all exchanges that wait, also on a muted connection.
	 */
	void (*end)(void *state, enum rm_dir dir, bool reset, struct rm_sink *sink, void *conn);
	/* True when the request direction stands at or in a head: rewriting may be needed. */
	bool (*at_head)(const void *state);
	/*
	 * How many of the bytes that come next in the request direction feed() would step over without
	 * reading them: what is left of a body. NULL: always 0.
	 */
	uint64_t (*unread)(const void *state);
	/* The exchange under way on `stream` (0 where there are none): 0 when there is none, or several. */
	rm_xid (*under_way)(const void *state, uint32_t stream, struct rm_sink *sink);
	/*
	 * The exchange whose response begins with the next byte, and may have more fields (lines) than it
	 * comes with. 0: none. NULL: never.
	 */
	rm_xid (*answers)(const void *state);
};

/* All protocols in sniff order, NULL at the end; written by meson from its one list. */
extern const struct rm_proto *const rm_protocols[];

#endif
