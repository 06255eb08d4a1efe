/*
 * Moves into Node: runs a script of ours (node.js) in each thread of JavaScript that serves requests, when
 * it has read the first one. Programs that serve none never notice: nothing of them is started
 * differently, and no option, file or module of ours is to be found in them.
 *
 * Node is recognised by what it exports. V8's functions are of C++ and not promised to stay, other than
 * those of Node-API: so their names, which say what arguments they take, must all be there, and the
 * version must be one that was tried. By value they take and give handles only, which are single pointers;
 * scopes are given more room than they need.
 *
 * The script runs inside the hook that read the request, on the stack of libuv or of Node's TLS, where
 * Node itself runs JavaScript next. Must never let an exception out.
 * Context: app where the adapter arrives, hook where it runs the script.
 */
#include <stdatomic.h>

#include "adapters/node/latest.h"
#include "adapters/node/v8.h"
#include "adapters/versions.h"
#include "agent/adapter_api.h"
#include "base/log.h"
#include "base/objects.h"
#include "node_source.h"

enum {
	SCOPE_BYTES = 128, CATCH_BYTES = 256, /* 24 and 48 in those */
	STRING_NORMAL = 0, /* v8::NewStringType::kNormal */
};

extern const struct rm_adapter rm_adapter_node;

struct rm_node rm_node;
__thread uint8_t rm_node_thread __attribute__((tls_model("initial-exec")));

static const struct {
	char name[92];
	uint16_t at;
} functions[] = {
#define FUNCTION(field, name) { name, offsetof(struct rm_node, field) }
	FUNCTION(v8_version, "_ZN2v82V810GetVersionEv"),
	FUNCTION(isolate, "_ZN2v87Isolate13TryGetCurrentEv"),
	FUNCTION(context, "_ZN2v87Isolate17GetCurrentContextEv"),
	FUNCTION(scope_open, "_ZN2v811HandleScopeC1EPNS_7IsolateE"),
	FUNCTION(scope_close, "_ZN2v811HandleScopeD1Ev"),
	FUNCTION(catch_open, "_ZN2v88TryCatchC1EPNS_7IsolateE"),
	FUNCTION(catch_close, "_ZN2v88TryCatchD1Ev"),
	FUNCTION(string, "_ZN2v86String11NewFromUtf8EPNS_7IsolateEPKcNS_13NewStringTypeEi"),
	FUNCTION(compile, "_ZN2v86Script7CompileENS_5LocalINS_7ContextEEENS1_INS_6StringEEEPNS_12ScriptOriginE"),
	FUNCTION(run, "_ZN2v86Script3RunENS_5LocalINS_7ContextEEE"),
	FUNCTION(is_function, "_ZNK2v85Value10IsFunctionEv"),
	FUNCTION(create_function, "napi_create_function"),
	FUNCTION(set_named_property, "napi_set_named_property"),
	FUNCTION(get_cb_info, "napi_get_cb_info"),
	FUNCTION(get_value_string_latin1, "napi_get_value_string_latin1"),
	FUNCTION(get_value_int32, "napi_get_value_int32"),
	FUNCTION(get_value_int64, "napi_get_value_int64"),
	FUNCTION(create_int64, "napi_create_int64"),
	FUNCTION(get_boolean, "napi_get_boolean"),
	FUNCTION(create_external_arraybuffer, "napi_create_external_arraybuffer"),
	FUNCTION(create_string_latin1, "napi_create_string_latin1"),
#undef FUNCTION
};

/* True ends the walk: this object has all of them. */
static bool find(const struct rm_object *o, void *found)
{
	struct rm_node node;

	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
		void *f = rm_object_function(o, functions[i].name);

		if (!f)
			return false;
		memcpy((char *)&node + functions[i].at, &f, sizeof(f));
	}
	memcpy(found, &node, sizeof(node));
	return true;
}

/* "11.3.244.8-node.38": a V8 that was tried, in Node. Electron and others build theirs differently. */
static bool is_known(const char *version)
{
	struct rm_str rest = rm_str_c(version), major = rm_str_cut(&rest, '.');
	uint64_t n;

	rm_str_cut(&rest, '-');
	return rm_str_u64(major, &n) && n >= RM_V8_OLDEST && n <= RM_V8_NEWEST &&
	       rm_str_eq(rm_str_cut(&rest, '.'), RM_STR("node"));
}

/* ---- the script ---- */

static bool run_in(void *isolate)
{
	rm_v8_local context = rm_node.context(isolate), value = NULL, source, compiled;

	if (!context)
		return false;
	source = rm_node.string(isolate, node_source, STRING_NORMAL, sizeof(node_source) - 1);
	compiled = source ? rm_node.compile(context, source, NULL) : NULL;
	if (compiled)
		value = rm_node.run(compiled, context);
	return value && rm_node.is_function(value);
}

static void move_in(void *isolate)
{
	_Alignas(16) char scope[SCOPE_BYTES], trap[CATCH_BYTES];
	bool in_place;

	rm_node.scope_open(scope, isolate);
	rm_node.catch_open(trap, isolate);
	in_place = run_in(isolate);
	rm_node.catch_close(trap);
	rm_node.scope_close(scope);
	rm_debug(RM_LOG_TRACE, "adapter node: %s", in_place ? "in place" : "stands aside");
}

/* ---- the adapter ---- */

static void on_request(rm_ctx ctx)
{
	void *isolate = rm_node_thread ? NULL : rm_node.isolate();

	rm_node_latest_forget();
	if (!isolate)
		return;
	rm_node_thread = RM_NODE_BEGUN;
	move_in(isolate);
}

/* In a thread that reads none, and so has no script, it is the program that put it there. */
static void carried(void)
{
	if (!rm_node_thread)
		rm_node_latest_forwards();
}

static enum rm_arrival arrive(void)
{
	struct rm_node node = { 0 };

	if (!rm_objects_each(find, &node) || !node.isolate)
		return RM_ARRIVAL_ABSENT;
	if (!is_known(node.v8_version()))
		return RM_ARRIVAL_DONE;
	rm_node = node;
	rm_ctx_use(&rm_adapter_node);
	return RM_ARRIVAL_DONE;
}

const struct rm_adapter rm_adapter_node = {
	.name = "node",
	.arrive = arrive,
	.on_request = on_request,
	.tell = rm_node_latest_put,
	.carried = carried,
};
