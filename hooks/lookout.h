/*
 * Finding libraries whose programs may have no traced socket at all (SQLite, HTTP/3 over nghttp3, the C++ library), or call it before they have one (libsoup, libevent), so that nothing else
 * makes anybody look for them.
 */
#ifndef RM_HOOKS_LOOKOUT_H
#define RM_HOOKS_LOOKOUT_H

#define RM_LOOKOUT_CXX "__cxa_throw"
#define RM_LOOKOUT_GRPC "grpc_call_start_batch"
#define RM_LOOKOUT_EVHTTP "evhttp_set_gencb"
#define RM_LOOKOUT_SOUP "soup_server_message_get_method" /* there since libsoup 3 */

/* From here on the C++ library is looked for, too, where exceptions are to be told of. Context: init. */
void rm_cxx_watch(void);

/* Whether gRPC is looked for, as the settings have it. Context: init. */
void rm_grpc_watch(void);

/* The same of libsoup, and of libevent. */
void rm_soup_watch(void);
void rm_libevent_watch(void);

/* An object is about to be loaded. Context: any. */
void rm_lookout_loading(void);

/*
 * Looks for such a library if objects were loaded since the last time, and hooks what calls it: at the start, and in calls
 * that SQLite makes when it opens or locks a file, or that programs make between loading a library and using it. Else one
 * load. Context: hook.
 */
void rm_lookout(void);

#endif
