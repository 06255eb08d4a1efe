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

void rm_lookout_loading(void)
{
	atomic_store_explicit(&loaded, true, memory_order_relaxed);
}

static bool defines(const struct rm_object *o, void *arg)
{
	bool *found = arg;

	for (size_t i = 0; i < sizeof(anchors) / sizeof(anchors[0]) && !*found; i++)
		*found = rm_object_function(o, anchors[i]) != NULL;
	*found |= rm_throws_wanted() && rm_object_function(o, RM_LOOKOUT_CXX);
	return *found;
}

void rm_lookout(void)
{
	bool found = false;
	struct rm_scope s;

	if (!atomic_load_explicit(&loaded, memory_order_relaxed) || !rm_enter(&s))
		return;
	/* close and fcntl are for signal handlers, too. Another call will look. */
	if (rm_loader_lock_is_mine()) {
		rm_leave(&s);
		return;
	}
	if (atomic_exchange(&loaded, false) && rm_loader_lock_is_live())
		rm_objects_each(defines, &found);
	if (found)
		rm_discover();
	rm_leave(&s);
}
