/*
 * A captured conversation as text, one item a line:
 *
 *   > GET / HTTP/1.1\r\n     bytes of the request direction, C escapes \r \n \t \\ \xHH
 *   < HTTP/1.1 200 OK\r\n    bytes of the response direction
 *   fill < 100 x             100 times the byte x
 *   skip < 100               100 bytes that nobody could see (sendfile)
 *   end >   reset <          the direction ended, or the connection broke
 *   # comment                empty lines count as comments
 *
 * Neighbouring lines of one direction are one buffer; an empty line between them cuts.
 */
#ifndef RM_TESTS_REPLAY_WIRE_H
#define RM_TESTS_REPLAY_WIRE_H

#include "protocols/proto.h"

enum wire_kind { WIRE_BYTES, WIRE_SKIP, WIRE_END, WIRE_RESET };

struct wire_item {
	enum wire_kind kind;
	enum rm_dir dir;
	size_t n;      /* bytes, or how many are skipped */
	char *bytes;   /* WIRE_BYTES */
};

struct wire {
	struct wire_item *items;
	size_t count;
};

/* Reads a .wire file; ends the program with a message if it cannot. */
struct wire wire_read(const char *path);
void wire_free(struct wire *w);

#endif
