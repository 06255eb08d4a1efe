/*
 * The request whose head a thread of JavaScript read last, where its script (node.js) sees it without a call: in an
 * array that both have. What the script has seen it takes away.
 */
#ifndef RM_ADAPTERS_NODE_LATEST_H
#define RM_ADAPTERS_NODE_LATEST_H

#include "adapters/node/v8.h"
#include "agent/adapter_api.h"

/* Of the calling thread: 0 before its script was run, RM_NODE_BEGUN from then on, more once it has an array. */
enum { RM_NODE_BEGUN = 1 };
extern __thread uint8_t rm_node_thread __attribute__((tls_model("initial-exec")));

/*
 * The calling thread's array, as an ArrayBuffer of three int32: the two halves of the context, lower one first (0: there is
 * none), and the descriptor. NULL: this thread gets none. Context: app, a thread that runs JavaScript.
 */
struct napi_value__ *rm_node_latest_open(struct napi_env__ *env);

/*
 * True when the script is told of it there, and it needs no header. A few get one all the same, and all do once the
 * program was found to forward theirs: whom such a request is for is sure then, whoever sends it. Context: hook.
 */
bool rm_node_latest_put(rm_ctx ctx, int fd);

/* The program put the header of a request that came in into one that goes out. Context: any. */
void rm_node_latest_forwards(void);

/* Another one was read, of which nothing is told so far. Context: hook. */
void rm_node_latest_forget(void);

#endif
