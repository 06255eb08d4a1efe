/*
 * Small files of /proc and /etc, read through raw system calls: nothing of libc, nothing that an
 * interposed open would see. Context: any, signal-safe.
 */
#ifndef RM_AGENT_PROCFILE_H
#define RM_AGENT_PROCFILE_H

#include "base/str.h"

/* Reads at most `cap` bytes from the start of a file into `ret`. Empty on any error. */
struct rm_str rm_procfile_read(const char *path, char *ret, size_t cap);

/* The text of a symbolic link; empty on any error. */
struct rm_str rm_procfile_link(const char *path, char *ret, size_t cap);

#endif
