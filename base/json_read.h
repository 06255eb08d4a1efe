/*
 * Reads JSON from memory as a stream: one value after the other is taken, nothing is kept. What is not
 * well-formed sets the sticky flag `failed`, after which nothing is found any more: check it once, at the
 * end. No recursion, no allocation. Context of all: any, signal-safe. Spec: RFC 8259.
 *
 *	if (rm_json_object(&j))
 *		while (rm_json_member(&j, &key))
 *			if (rm_str_eq(key, RM_STR("rate")))
 *				rm_json_number(&j, &rate);
 *			else
 *				rm_json_skip(&j);
 */
#ifndef RM_BASE_JSON_READ_H
#define RM_BASE_JSON_READ_H

#include "base/str.h"
#include "base/strbuf.h"

struct rm_json_reader {
	const char *p, *end;
	bool first; /* just behind an opening bracket */
	bool failed;
};

void rm_json_read(struct rm_json_reader *j, struct rm_str text);

/* Enters the object or array that comes next. What else comes is skipped, and has no members: false. */
bool rm_json_object(struct rm_json_reader *j);
bool rm_json_array(struct rm_json_reader *j);

/*
 * Goes to the next member or element of what was entered last, whose value is to be taken next. False at the
 * end, which is passed. The key is a slice of the text; escapes in it are not resolved.
 */
bool rm_json_member(struct rm_json_reader *j, struct rm_str *ret_key);
bool rm_json_element(struct rm_json_reader *j);

/*
 * Takes the value that comes next. What is of another type (null, say) is skipped: false, with *ret as it was.
 * A string is written to `room`, where it takes as many bytes as it has: *ret is a slice of that. One that has no
 * room there is false, too.
 */
bool rm_json_string(struct rm_json_reader *j, struct rm_strbuf *room, struct rm_str *ret);
bool rm_json_number(struct rm_json_reader *j, double *ret);
void rm_json_skip(struct rm_json_reader *j);

/* Takes the value that comes next, of any type, as it is written: a slice of the text. False where it is none. */
bool rm_json_any(struct rm_json_reader *j, struct rm_str *ret);

/* True when all of the text was one well-formed value that is behind us now. */
bool rm_json_read_all(struct rm_json_reader *j);

#endif
