/*
 * What the Node adapter calls of Node itself: of V8, to run its script once, and of Node-API, by which the
 * script calls back. The object that holds Node exports both, for addons.
 */
#ifndef RM_ADAPTERS_NODE_V8_H
#define RM_ADAPTERS_NODE_V8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of V8's classes: handles, which are one pointer wide. NULL: none. */
typedef void *rm_v8_local;

/* Types of Node-API (node_api.h), whose ABI is promised not to change. */
struct napi_env__;
struct napi_value__;
struct napi_callback_info__;
typedef struct napi_value__ *(*rm_napi_callback)(struct napi_env__ *env, struct napi_callback_info__ *info);

struct rm_node {
	const char *(*v8_version)(void);
	void *(*isolate)(void); /* of the calling thread, NULL: it runs no JavaScript */
	rm_v8_local (*context)(void *isolate);
	void (*scope_open)(void *scope, void *isolate);
	void (*scope_close)(void *scope);
	void (*catch_open)(void *trap, void *isolate);
	void (*catch_close)(void *trap);
	rm_v8_local (*string)(void *isolate, const char *text, int type, int bytes);
	rm_v8_local (*compile)(rm_v8_local context, rm_v8_local source, void *origin);
	rm_v8_local (*run)(rm_v8_local script, rm_v8_local context);
	bool (*is_function)(rm_v8_local value);
	int (*create_function)(struct napi_env__ *, const char *, size_t, rm_napi_callback, void *,
			       struct napi_value__ **);
	int (*set_named_property)(struct napi_env__ *, struct napi_value__ *, const char *, struct napi_value__ *);
	int (*get_cb_info)(struct napi_env__ *, struct napi_callback_info__ *, size_t *, struct napi_value__ **,
			   struct napi_value__ **, void **);
	int (*get_value_string_latin1)(struct napi_env__ *, struct napi_value__ *, char *, size_t, size_t *);
	int (*get_value_int32)(struct napi_env__ *, struct napi_value__ *, int32_t *);
	int (*get_value_int64)(struct napi_env__ *, struct napi_value__ *, int64_t *);
	int (*create_int64)(struct napi_env__ *, int64_t, struct napi_value__ **);
	int (*get_boolean)(struct napi_env__ *, bool, struct napi_value__ **);
	int (*create_external_arraybuffer)(struct napi_env__ *, void *, size_t, void (*)(struct napi_env__ *, void *, void *),
					   void *, struct napi_value__ **);
	int (*create_string_latin1)(struct napi_env__ *, const char *, size_t, struct napi_value__ **);
};

/* All of it, once the adapter has arrived. */
extern struct rm_node rm_node;

#endif
