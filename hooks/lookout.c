/* See lookout.h. */
#include "hooks/lookout.h"

#include <stdatomic.h>
#include <stdbool.h>

#include "agent/hookapi.h"
#include "agent/throws.h"
#include "base/loader_lock.h"
#include "base/objects.h"
#include "hooks/discover.h"

/* By which they are known, as the files that hook them say. */
static const char anchors[][32] = { "curl_easy_perform", "nghttp3_conn_submit_request", "sqlite3_step", RM_LOOKOUT_GRPC,
					RM_LOOKOUT_SOUP, RM_LOOKOUT_EVHTTP };

static atomic_bool loaded = true; /* objects may have been, since somebody looked */

static struct rm_objects_known known; /* protected by the lock of the loader's list */
static atomic_bool found;		 /* one of them is such a library */

static bool defines_any(const struct rm_object *o)
{
	for (size_t i = 0; i < sizeof(anchors) / sizeof(anchors[0]); i++)
		if (rm_object_function(o, anchors[i]))
			return true;
	return rm_throws_wanted() && rm_object_function(o, RM_LOOKOUT_CXX);
}

static void look_at(const struct rm_object *o, uint32_t place, void *arg)
{
	bool before = place > 0 && atomic_load_explicit(&found, memory_order_relaxed);

	atomic_store_explicit(&found, before || defines_any(o), memory_order_relaxed);
}

static bool look(const struct rm_object *first, void *arg)
{
	rm_objects_new(&known, look_at, NULL);
	return true;
}

void rm_lookout_loading(void)
{
	atomic_store_explicit(&loaded, true, memory_order_relaxed);
}

void rm_lookout(void)
{
	struct rm_scope s;

	if (!atomic_load_explicit(&loaded, memory_order_relaxed) || !rm_enter(&s))
		return;
	/* close and fcntl are for signal handlers, too. Another call will look. */
	if (rm_loader_lock_is_mine()) {
		rm_leave(&s);
		return;
	}
	/* What calls such a library may have come without it. */
	if (atomic_exchange(&loaded, false) && rm_loader_lock_is_live() && rm_objects_each(look, NULL) &&
	    atomic_load_explicit(&found, memory_order_relaxed))
		rm_discover();
	rm_leave(&s);
}
