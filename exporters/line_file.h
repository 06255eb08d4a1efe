/*
 * A file of lines that several processes append to, each line whole, and that is rotated by size. Context of
 * everything here: worker.
 */
#ifndef RM_EXPORTERS_LINE_FILE_H
#define RM_EXPORTERS_LINE_FILE_H

#include "agent/exporter.h"
#include "base/str.h"

struct rm_line_file;

struct rm_line_file_options {
	struct rm_str path; /* absolute */
	uint64_t max_bytes; /* of one file; 0: it is never rotated */
	uint32_t keep;	    /* files, the one that is written to among them; at least 1 */
};

/* Nothing is opened yet. Ownership: rm_line_file_free. Errors: NULL without memory, or for no absolute path. */
struct rm_line_file *rm_line_file_new(const struct rm_line_file_options *options);
void rm_line_file_free(struct rm_line_file *f);

enum { RM_LINE_FILE_WHY_BYTES = 200 };

/*
 * Appends `lines`, which end in a newline, all or nothing, until io->deadline_ns or io->abort: other processes may be at
 * work on the file. Errors, with `ret_why`: RM_E_INVALID, the file cannot be had as things are set; RM_E_IO, it may be
 * had later (no space, another one's turn); RM_E_RANGE, more than a file may hold.
 */
int rm_line_file_append(struct rm_line_file *f, struct rm_str lines, const struct rm_export_io *io,
			char ret_why[RM_LINE_FILE_WHY_BYTES]);

/* Whether it could be appended to; opens, but makes nothing. Errors: as above. */
int rm_line_file_try(struct rm_line_file *f, char ret_why[RM_LINE_FILE_WHY_BYTES]);

#endif
