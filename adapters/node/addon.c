/*
 * What the script (node.js) calls: this object as an addon of Node's. The functions take and give the texts
 * of contexts; what is no such text is nobody's.
 * Context: app, on threads that run JavaScript.
 */
#include "adapters/node/latest.h"
#include "adapters/node/v8.h"
#include "agent/adapter_api.h"

enum { ARGUMENTS_MAX = 3, NAME_BYTES = 256 };

/* The call's arguments; those that it does not have are undefined. */
static bool arguments(struct napi_env__ *env, struct napi_callback_info__ *info,
		      struct napi_value__ *ret[ARGUMENTS_MAX])
{
	size_t count = ARGUMENTS_MAX;

	return rm_node.get_cb_info(env, info, &count, ret, NULL, NULL) == 0;
}

static rm_ctx context_of(struct napi_env__ *env, struct napi_value__ *value)
{
	char text[RM_CTX_TEXT_BYTES + 2]; /* a longer one shows */
	size_t n = 0;

	return rm_node.get_value_string_latin1(env, value, text, sizeof(text), &n) == 0 ? rm_ctx_from_traceparent(text, n)
										       : 0;
}

static rm_ctx context_in(struct napi_env__ *env, struct napi_callback_info__ *info)
{
	struct napi_value__ *given[ARGUMENTS_MAX];

	return arguments(env, info, given) ? context_of(env, given[0]) : 0;
}

/* lives(text): is that a request of this process that is being served? */
static struct napi_value__ *lives(struct napi_env__ *env, struct napi_callback_info__ *info)
{
	struct napi_value__ *ret = NULL;

	rm_node.get_boolean(env, context_in(env, info) != 0, &ret);
	return ret;
}

/* ofRequest(fd, stream): the text of what is served on an accepted connection, or undefined. */
static struct napi_value__ *of_request(struct napi_env__ *env, struct napi_callback_info__ *info)
{
	struct napi_value__ *given[ARGUMENTS_MAX], *ret = NULL;
	char text[RM_CTX_TEXT_BYTES];
	int32_t fd = -1, stream = 0;

	if (arguments(env, info, given) && rm_node.get_value_int32(env, given[0], &fd) == 0 && fd >= 0 &&
	    rm_node.get_value_int32(env, given[1], &stream) == 0 &&
	    rm_ctx_to_traceparent(rm_ctx_of_request(fd, (uint32_t)stream), text))
		rm_node.create_string_latin1(env, text, sizeof(text), &ret);
	return ret;
}

/* textOf(index, generation): the text of a context that the thread was told of (latest.h), undefined: it has ended. */
static struct napi_value__ *text_of(struct napi_env__ *env, struct napi_callback_info__ *info)
{
	struct napi_value__ *given[ARGUMENTS_MAX], *ret = NULL;
	char text[RM_CTX_TEXT_BYTES];
	int32_t index, generation;

	if (arguments(env, info, given) && rm_node.get_value_int32(env, given[0], &index) == 0 &&
	    rm_node.get_value_int32(env, given[1], &generation) == 0 &&
	    rm_ctx_to_traceparent((rm_ctx)(uint32_t)generation << 32 | (uint32_t)index, text))
		rm_node.create_string_latin1(env, text, sizeof(text), &ret);
	return ret;
}

/* follow(fd): the requests of that connection come to Node's own server. */
static struct napi_value__ *follow(struct napi_env__ *env, struct napi_callback_info__ *info)
{
	struct napi_value__ *given[ARGUMENTS_MAX];
	int32_t fd = -1;

	if (arguments(env, info, given) && rm_node.get_value_int32(env, given[0], &fd) == 0 && fd >= 0)
		rm_ctx_follow(fd);
	return NULL;
}

/* forwards(text): a request that goes out has that for a header, which the program gave it. True: it is one of ours. */
static struct napi_value__ *forwards(struct napi_env__ *env, struct napi_callback_info__ *info)
{
	struct napi_value__ *ret = NULL;
	bool ours = context_in(env, info) != 0;

	if (ours)
		rm_node_latest_forwards();
	rm_node.get_boolean(env, ours, &ret);
	return ret;
}

/* attach(text): the thread works for that request from now on; for nobody if it is none, or has ended. */
static struct napi_value__ *attach(struct napi_env__ *env, struct napi_callback_info__ *info)
{
	rm_ctx ctx = context_in(env, info);

	rm_ctx_attach(ctx ? ctx : RM_CTX_NOBODY, RM_SOURCE_ATTACHED);
	return NULL;
}

/* bind(fd, at, text): what is written from that byte on is for that request; for nobody if it is none. */
static struct napi_value__ *bind(struct napi_env__ *env, struct napi_callback_info__ *info)
{
	struct napi_value__ *given[ARGUMENTS_MAX];
	int32_t fd = -1;
	int64_t at = -1;

	if (arguments(env, info, given) && rm_node.get_value_int32(env, given[0], &fd) == 0 &&
	    rm_node.get_value_int64(env, given[1], &at) == 0 && at >= 0)
		rm_ctx_bind(fd, (uint64_t)at, context_of(env, given[2]));
	return NULL;
}

/* written(fd): how many bytes were sent on it so far; -1 where that is not known. */
static struct napi_value__ *written(struct napi_env__ *env, struct napi_callback_info__ *info)
{
	struct napi_value__ *given[ARGUMENTS_MAX], *ret = NULL;
	int32_t fd = -1;

	if (arguments(env, info, given))
		rm_node.get_value_int32(env, given[0], &fd);
	rm_node.create_int64(env, (int64_t)rm_ctx_written(fd), &ret);
	return ret;
}

/* A name of a host that goes to the C library as it is. False: it is another text. */
static bool name_in(struct napi_env__ *env, struct napi_value__ *value, char ret[NAME_BYTES])
{
	size_t n = 0;

	return rm_node.get_value_string_latin1(env, value, ret, NAME_BYTES, &n) == 0 && n < NAME_BYTES - 1;
}

/* markLookup(name, text): flags for the look-up of that name that Node's pool is given next; 0 for none. */
static struct napi_value__ *mark_lookup(struct napi_env__ *env, struct napi_callback_info__ *info)
{
	struct napi_value__ *given[ARGUMENTS_MAX], *ret = NULL;
	char name[NAME_BYTES];
	int64_t flags = 0;

	if (arguments(env, info, given) && name_in(env, given[0], name))
		flags = rm_ctx_mark_lookup(name, context_of(env, given[1]));
	rm_node.create_int64(env, flags, &ret);
	return ret;
}

/* unmarkLookup(name, flags): it was not given that look-up. */
static struct napi_value__ *unmark_lookup(struct napi_env__ *env, struct napi_callback_info__ *info)
{
	struct napi_value__ *given[ARGUMENTS_MAX];
	char name[NAME_BYTES];
	int32_t flags = 0;

	if (arguments(env, info, given) && name_in(env, given[0], name) &&
	    rm_node.get_value_int32(env, given[1], &flags) == 0)
		rm_ctx_unmark_lookup(name, flags);
	return NULL;
}

/* prints(): does what is printed become log records? */
static struct napi_value__ *prints(struct napi_env__ *env, struct napi_callback_info__ *info)
{
	struct napi_value__ *ret = NULL;

	rm_node.get_boolean(env, rm_ctx_prints(), &ret);
	return ret;
}

static void offer(struct napi_env__ *env, struct napi_value__ *exports, const char *name,
		  rm_napi_callback call)
{
	struct napi_value__ *function = NULL;

	if (rm_node.create_function(env, name, strlen(name), call, NULL, &function) == 0)
		rm_node.set_named_property(env, exports, name, function);
}

/* Node calls it for process.dlopen, in each thread anew. */
__attribute__((visibility("default"))) struct napi_value__ *napi_register_module_v1(struct napi_env__ *env,
										    struct napi_value__ *exports);
struct napi_value__ *napi_register_module_v1(struct napi_env__ *env, struct napi_value__ *exports)
{
	struct napi_value__ *latest;

	if (!rm_node.create_function) /* somebody else's Node, or none */
		return exports;
	latest = rm_node_latest_open(env);
	if (latest)
		rm_node.set_named_property(env, exports, "latest", latest);
	offer(env, exports, "textOf", text_of);
	offer(env, exports, "follow", follow);
	offer(env, exports, "forwards", forwards);
	offer(env, exports, "lives", lives);
	offer(env, exports, "ofRequest", of_request);
	offer(env, exports, "attach", attach);
	offer(env, exports, "bind", bind);
	offer(env, exports, "written", written);
	offer(env, exports, "prints", prints);
	offer(env, exports, "markLookup", mark_lookup);
	offer(env, exports, "unmarkLookup", unmark_lookup);
	return exports;
}
