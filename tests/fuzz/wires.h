/*
 * Connections as a program and its peer see them, for fuzz_connection.c: what each has sent, and what
 * the other got. A wire is a socket pair; its far end is the peer. What the program reads comes through
 * that pair; what it sends is taken by a kernel of our own, which takes what it likes and tells the
 * program's bytes from the agent's by where they lie in memory.
 */
#ifndef RM_TESTS_FUZZ_WIRES_H
#define RM_TESTS_FUZZ_WIRES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

enum { WIRES = 8, WIRE_FDS = 6, WIRE_BYTES = 1 << 15, WIRE_TAKEN = 4 * WIRE_BYTES };

struct wire {
	int fds;      /* descriptors of the program that name it; 0: not in use */
	int peer;     /* the far end, or of a file a descriptor of it */
	bool file;    /* a file that got the number of a connection */
	bool changed; /* the program did not offer again what was refused */
	unsigned serial; /* tells it from those before in the same place */

	char out[WIRE_BYTES];           /* what the program sends: so much is written down ... */
	size_t out_bytes, accepted;     /* ... and so much it was told is sent */
	char taken[WIRE_TAKEN];         /* what the kernel took */
	size_t taken_bytes, out_taken;  /* and how much of that is the program's */
	size_t run;                     /* bytes at its end that are the agent's */

	char in[WIRE_BYTES];            /* what the peer sent */
	size_t in_bytes;
	char got[2 * WIRE_BYTES];       /* what the program read */
	size_t got_bytes;
	char peeked[64];                /* and what it knows to come next */
	size_t peeked_bytes;
};

extern struct wire wires[WIRES];
extern struct wire_fd {
	int fd; /* -1: free */
	struct wire *wire;
} wire_fds[WIRE_FDS];

/* Ends the program when what must hold does not, and names the line. */
#define wires_check(holds) wires_require((holds), __FILE__, __LINE__)
void wires_require(bool holds, const char *file, int line);

/* The input. When it is used up the next byte is 0xff. */
void wires_input(const uint8_t *data, size_t n);
bool wires_input_left(void);
unsigned wires_byte(void);
/* At most `most` bytes of it, fewer at its end. */
const char *wires_bytes(size_t most, size_t *ret_n);

/* Closes everything without a check, for the next input. */
void wires_reset(void);

/* A new connection, or a file with some of the input in it, on a free place. NULL: no place or wire. */
struct wire_fd *wires_open(bool file);
/* The same wire on another number: on the number `to` if that is not NULL, which ends what it was. */
struct wire_fd *wires_dup(struct wire_fd *from, struct wire_fd *to);
void wires_close(struct wire_fd *f);

void wires_peer_sends(struct wire *w, const char *p, size_t n);

/* Calls of the program's libc, with what happens in the middle of them. */
extern void (*wires_meanwhile)(void);
extern size_t wires_controls; /* calls that took bytes and control data with them */
ssize_t wires_sendmsg(int fd, const struct msghdr *m, int flags);
/* Reads what is really there; a flag like RM_RX_PLAIN says that read is called, which files know. */
ssize_t wires_recvmsg(int fd, struct msghdr *m, int flags);

/* The program was told that `n` bytes of those it offered were sent; `all` of them, or not. */
void wires_accepted(struct wire *w, size_t n, bool all);
void wires_got(struct wire *w, const char *p, size_t n);

/* What was read is what was sent, but for header lines and values of ours. `whole`: all of it. */
void wires_compare(const struct wire *w, bool whole);

#endif
