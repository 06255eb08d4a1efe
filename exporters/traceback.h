/*
 * The text of a stack as languages print it, taken apart: what was raised, what that was raised for, and the frames of
 * each. For backends that want frames and not text. Context: any.
 */
#ifndef RM_EXPORTERS_TRACEBACK_H
#define RM_EXPORTERS_TRACEBACK_H

#include "base/str.h"

enum { RM_TRACEBACK_FRAMES = 256, RM_TRACEBACK_RAISED = 8 };

/* Slices of the text; empty where it does not say. */
struct rm_traceback_frame {
	struct rm_str path;     /* of the file: source, or of the module */
	struct rm_str function;
	struct rm_str code;     /* the line as it stands in the source */
	uint32_t line, column;  /* 0: not known */
};

struct rm_traceback_raised {
	struct rm_str type, message;
	uint32_t first, count; /* of its frames, the innermost first */
};

struct rm_traceback {
	const char *language;  /* "python", "java", "javascript", "ruby", "php", "go", "native" */
	uint32_t raised_count; /* the one that was raised last comes first, then what it was raised for */
	uint32_t frame_count;
	bool is_cut;           /* there were more of either */
	struct rm_traceback_raised raised[RM_TRACEBACK_RAISED];
	struct rm_traceback_frame frame[RM_TRACEBACK_FRAMES];
};

/* Takes `text` apart, which the result points into. False: no frame was found in it, in no language that is known. */
bool rm_traceback_read(struct rm_str text, struct rm_traceback *ret);

#endif
