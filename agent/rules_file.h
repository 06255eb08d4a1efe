/*
 * A file of sampling rules as X-Ray's SDKs read it, version 1 or 2; of version 2:
 *
 *	{ "version": 2,
 *	  "rules": [ { "host": "*", "http_method": "*", "url_path": "/api*", "fixed_target": 0, "rate": 0.05 } ],
 *	  "default": { "fixed_target": 1, "rate": 0.1 } }
 *
 * Version 1 calls the host service_name. Spec: AWS X-Ray developer guide, "Sampling rules" of any SDK.
 */
#ifndef RM_AGENT_RULES_FILE_H
#define RM_AGENT_RULES_FILE_H

#include "agent/rules.h"

enum { RM_RULES_FILE_MAX_BYTES = 256 * 1024 };

/*
 * Puts the rules of the text in force, for ever; what is wrong with it else, as the end of a sentence that begins with
 * the file. Context: any, signal-safe.
 */
const char *rm_rules_read(struct rm_rules *r, struct rm_str text);

/* As without any file: the first request of each second, and five of a hundred others. Context: any, signal-safe. */
void rm_rules_default(struct rm_rules *r);

/*
 * Reads the file. Where that cannot be done, one warning that names the variable it comes from, and the default.
 * Context: hook, once; the command line.
 */
void rm_rules_load(struct rm_rules *r, const char *variable, struct rm_str path);

#endif
