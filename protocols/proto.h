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

enum { RM_FIELDS_MAX = 128, RM_HEAD_MAX_BYTES = 64 * 1024, RM_TLS_RANDOM_BYTES = 32, RM_TOPIC_ID_BYTES = 16, RM_MEMO_BYTES = 11 * 1024 };

/*
 * What a protocol may have for its state; those of more than RM_CONN_NEAR_BYTES lie in memory that connections of others do
 * not touch.
 */
enum { RM_CONN_STATE_BYTES = 384, RM_CONN_NEAR_BYTES = 128 };

/* What a connection remembers for its protocol beyond the state, see rm_sink_calls.stash. */
enum rm_stash {
	RM_STASH_REQUEST_HEAD = RM_DIR_REQUEST,   /* an unfinished head, per direction */
	RM_STASH_RESPONSE_HEAD = RM_DIR_RESPONSE,
	RM_STASH_REQUEST_TABLE, /* compression state, per direction */
	RM_STASH_RESPONSE_TABLE,
	RM_STASH_STREAMS,       /* exchanges under way */
	RM_STASH_REQUEST_UNPACKED, /* what is being inflated, per direction */
	RM_STASH_RESPONSE_UNPACKED,
	RM_STASHES,
};

struct rm_field {
	struct rm_str name, value; /* value trimmed; folded lines are given as they came */
};

/*
 * Where a head of HTTP/2 lies: the last frame of its header block, up to where padding may
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
	uint32_t list_bytes;     /* size of the header list, and the most that its reader wants */
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
	uint32_t same;                /* all heads with this number have the same fields, of memory that is lent (memo); 0: none does */
	bool fields_cut;              /* some were not listed */
	bool alone;                   /* request of lines: the only one under way, with nothing but its content in this feed() */
	struct rm_str authority;      /* Host field, or the authority of an absolute or CONNECT target */
	uint32_t text_bytes;          /* what the fields take as text, about */
	const struct rm_block *block; /* HTTP/2: where the head lies; of a response: if fields can be added */
	const struct rm_gateway *gateway; /* it is variables. Both NULL: it is lines, and lies in ... */
	struct rm_str raw;            /* ... these bytes up to the blank line, which slices point into */
	uint32_t line_bytes;          /* of them, the first line */
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
	struct rm_str collection; /* the one it is about, or ... */
	struct rm_str procedure;  /* ... calls */
	struct rm_str space;      /* the database it is asked of, if that is known before the answer */
	struct rm_str summary;    /* "SELECT orders" */
	struct rm_str query;
	uint32_t batch;           /* how many operations it stands for, if it stands for several */
	uint32_t same;            /* all operations with this number say the same on this connection; 0: none does */
};

/* What became of an operation. */
struct rm_outcome {
	bool failed;
	struct rm_str status;     /* the database's own word for it; empty: none */
	struct rm_str space;      /* as above, where only the answer says it */
	uint32_t batch;           /* messages: how many they were, if only the end says it; 0: one alone, or unknown */
	uint32_t same;            /* all outcomes with this number say the same on this connection; 0: none does */
};

/*
 * Where the head of a message that is sent lies, so that fields can be added to it. It is written anew as one, since
 * the lengths in it must say what it holds: one edit, or none.
 */
struct rm_envelope {
	int64_t at;           /* where it begins in the buffer being fed; negative: so much before it */
	struct rm_str head;   /* its bytes, up to where the parser stands */
	uint64_t room_bytes;  /* by how much it may grow */
	uint32_t extra_bytes; /* by how much it grows at most beyond the fields, which are in it ... */
	uint32_t copies;      /* ... so often */
	rm_put_field *put;    /* writes one field */
	/* Writes the head with `fields`, which `put` wrote. False: that cannot be. */
	bool (*write)(const struct rm_envelope *, struct rm_str fields, struct rm_strbuf *out);
};

/*
 * A message on its way to a broker or from it, or several that travel as one; what is not known is empty. Of what the
 * program wrote nothing stands in it but names, and the fields by which context is carried.
 */
struct rm_message {
	struct rm_str system;      /* "nats" */
	uint16_t port;             /* where such a broker listens by default */
	bool received;             /* else sent */
	bool temporary;            /* the destination is of this moment only: the span is not named after it */
	bool batches;              /* of those that are received: the outcome says how many they are, `batched` what they carry */
	bool placed;               /* `offset` says where in its partition the (first) message is */
	struct rm_str operation;   /* the system's word for it, "publish" */
	struct rm_str destination;
	struct rm_str pattern;     /* of destinations, by which it was chosen */
	struct rm_str partition;
	struct rm_str group;       /* of consumers that share the messages */
	struct rm_str id, conversation, client;
	struct rm_str routing_key; /* RabbitMQ's */
	uint64_t delivery_tag;     /* RabbitMQ's; 0: none */
	int64_t offset;
	uint32_t batch;            /* how many they are, if they travel as a batch */
	const struct rm_field *fields; /* those that may carry context, of one message */
	uint32_t field_count;
	const struct rm_envelope *envelope; /* NULL: nothing can be added */
};

struct rm_dns_message;
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
	/*
	 * Before `operation`, in the same feed(): is any of it to be shown? If not, nobody looks at what is costly to
	 * tell: the texts may be left empty.
	 */
	bool (*shows)(struct rm_sink *, rm_xid);
	/* In the place of request_head: a request that is an operation. */
	void (*operation)(struct rm_sink *, rm_xid, const struct rm_operation *);
	/*
	 * Behind that, of a query that is sent as a text: where its message lies, whole, up to `end_at` in the buffer being fed.
	 * False: feed() returns `end_at` at once.
	 */
	bool (*query)(struct rm_sink *, rm_xid, const struct rm_envelope *, uint32_t end_at);
	/*
	 * In the place of request, operation and request_end: one more of those that have this number (rm_operation.same),
	 * whole. False: it is to be told of in full. NULL: always.
	 */
	bool (*again)(struct rm_sink *, void *conn, uint32_t same, rm_xid *ret);
	/*
	 * Behind that, in the place of response, outcome and response_end: an outcome of those that have this number
	 * (rm_outcome.same). False: they are to be told. NULL: always.
	 */
	bool (*as_before)(struct rm_sink *, rm_xid, uint32_t same);
	/*
	 * In the place of request_head: messages. Those that are received are told of in the response direction, from
	 * `request` to `response_end`. `end_at` is the offset behind the envelope's head in the buffer being fed. False (not
	 * of those that are received): feed() returns `end_at` at once, and the message is not told of again.
	 */
	bool (*message)(struct rm_sink *, rm_xid, const struct rm_message *, uint32_t end_at);
	/* Behind that: fields of one more message of a batch that is received. */
	void (*batched)(struct rm_sink *, rm_xid, const struct rm_field *fields, uint32_t field_count);
	/* In the place of request_head: a question to the DNS; and in that of response_head: its answer, as far as it was read. */
	void (*question)(struct rm_sink *, rm_xid, const struct rm_dns_message *);
	void (*answered)(struct rm_sink *, rm_xid, struct rm_str text, struct rm_dns_message *);
	/* An operation or a message that asks for no answer gets response, outcome and response_end right behind this. */
	/*
	 * Asked behind request_head of HTTP/1 and HTTP/2, where a body follows, whatever that answered: does the sink want to see
	 * it? It is then shown with request_content, as response_content does, until that returns false. NULL: never.
	 */
	bool (*reads_request)(struct rm_sink *, rm_xid);
	bool (*request_content)(struct rm_sink *, rm_xid, const char *p, uint64_t n);
	void (*request_end)(struct rm_sink *, rm_xid, uint64_t body_bytes);
	void (*response)(struct rm_sink *, rm_xid); /* first byte of a response, interim ones included */
	/*
	 * A final response head (2xx-5xx, or 101). Interim 1xx heads are not reported. Returns whether the sink
	 * wants to see what the response says: content is stepped over unless it does.
	 */
	bool (*response_head)(struct rm_sink *, rm_xid, const struct rm_head *);
	/*
	 * The next `n` bytes of content, without framing, of a response whose head was answered with true; NULL
	 * where nobody saw them. HTTP/1 and HTTP/2 only; variables have none to show.
	 */
	void (*response_content)(struct rm_sink *, rm_xid, const char *p, uint64_t n);
	/* In the place of response_head, for an operation or a message. */
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
	 * Before that: which of the systems that share this protocol the server said it is. What is seen inside the other
	 * protocol of this one is operations of that system. The word is constant.
	 */
	void (*system)(struct rm_sink *, const char *name);
	/*
	 * A protocol whose server speaks before TLS begins: what it said there, as a number of the protocol's own, for the one that
	 * is seen inside; 0 where nothing was said.
	 */
	void (*set_greeting)(struct rm_sink *, uint64_t);
	uint64_t (*greeting)(struct rm_sink *);
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
	 * that is too much for a small stack. The same memory each time within one feed(): a parser that asks again asks for no
	 * more than it did first. NULL: no memory, or it does.
	 */
	void *(*scratch)(struct rm_sink *, uint32_t bytes);
	/*
	 * RM_MEMO_BYTES of memory, 16-byte aligned, in which HTTP/1 finds what it left there on this connection or any other, or
	 * zeroes. The same memory each time within one feed(). NULL: there is none now. The pointer may be NULL, too.
	 */
	void *(*memo)(struct rm_sink *);
	/* The connection is a TLS session, the one of a ClientHello with this random number. */
	bool (*secured)(struct rm_sink *, const uint8_t random[RM_TLS_RANDOM_BYTES]);
	/*
	 * Where that says true: its handshake is over for this end (`over`), or will be with what this end sends next. `minor`: 4
	 * is TLS 1.3.
	 */
	void (*handshaken)(struct rm_sink *, const uint8_t random[RM_TLS_RANDOM_BYTES], uint8_t minor, bool over);
	/* How long a message, or a batch of them, may be with context in it where a broker does not tell its limit. */
	uint32_t (*untold)(struct rm_sink *);
	/*
	 * A broker said that the topic with this id has this name. It may be asked for on any connection; the name is empty where
	 * nobody said it, and else valid for good.
	 */
	void (*set_topic)(struct rm_sink *, const uint8_t id[RM_TOPIC_ID_BYTES], struct rm_str name);
	struct rm_str (*topic)(struct rm_sink *, const uint8_t id[RM_TOPIC_ID_BYTES]);
	/* response_head is to be told where a response's header block lies. */
	bool adds_to_responses;
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
	/*
	 * A client's connection that was there before us, whose first bytes now are not those of any that begins: are they this
	 * protocol's, and can it be followed from here on? YES: the state, which was opened, is ready for them. MORE: they may
	 * well be, but it cannot. NULL: nobody can join it.
	 */
	enum rm_sniff (*join)(void *state, const uint8_t *p, size_t n);
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
	/* True when the request direction stands at or in a head that may grow when it is read. NULL: never. */
	bool (*at_head)(const void *state);
	/*
	 * How many of the bytes that come next in the request direction feed() would step over without
	 * reading them: what is left of a body. NULL: always 0.
	 */
	uint64_t (*unread)(const void *state);
	/* The same of the response direction, where responses have header blocks. NULL: they have none. */
	uint64_t (*unread_response)(const void *state);
	/* The exchange under way on `stream` (0 where there are none): 0 when there is none, or several. */
	rm_xid (*under_way)(const void *state, uint32_t stream, struct rm_sink *sink);
	/*
	 * The exchange whose response begins with the next byte, and may have more fields (lines) than it
	 * comes with. 0: none. NULL: never.
	 */
	rm_xid (*answers)(const void *state);
};

/* error.type of exchanges that the end of their connection leaves without an answer. */
static inline struct rm_str rm_end_error(bool reset)
{
	return reset ? RM_STR("connection_reset") : RM_STR("connection_closed");
}

/* May the next byte of the request direction belong to a head that grows? */
static inline bool rm_proto_at_head(const struct rm_proto *proto, const void *state)
{
	return proto->at_head && proto->at_head(state);
}

/* All protocols in sniff order, NULL at the end; written by meson from its one list. */
extern const struct rm_proto *const rm_protocols[];

#endif
