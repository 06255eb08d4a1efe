/* See exception.h. */
#include "agent/exception.h"

#include <sys/prctl.h>

#include "agent/events.h"
#include "base/clock.h"
#include "base/sys.h"

void rm_exception_begin(struct rm_exception *x)
{
	x->now_ns = rm_clock_wall_ns();
	rm_strbuf_init(&x->type, x->type_room, sizeof(x->type_room));
	rm_strbuf_init(&x->message, x->message_room, sizeof(x->message_room));
	rm_strbuf_init(&x->trace, x->trace_room, sizeof(x->trace_room));
}

void rm_exception_put(const struct rm_exception *x, struct rm_builder *b)
{
	char name[16] = "";

	rm_builder_str(b, RM_KEY_EXCEPTION_TYPE, rm_strbuf_view(&x->type));
	rm_builder_str(b, RM_KEY_EXCEPTION_MESSAGE, rm_strbuf_view(&x->message));
	rm_builder_str(b, RM_KEY_EXCEPTION_STACKTRACE, rm_strbuf_view(&x->trace));
	rm_sys2(__NR_prctl, PR_GET_NAME, name);
	rm_builder_i64(b, RM_KEY_THREAD_ID, rm_sys0(__NR_gettid));
	name[sizeof(name) - 1] = '\0';
	rm_builder_str(b, RM_KEY_THREAD_NAME, rm_str_c(name));
}

void rm_exception_give(const struct rm_exception *x, rm_ctx ctx)
{
	struct rm_event_draft d;

	if (!rm_event_begin(&d, x->type.n + x->message.n + x->trace.n + 128, RM_STR("exception"), x->now_ns)) {
		rm_event_drop(ctx);
		return;
	}
	rm_exception_put(x, &d.builder);
	rm_event_give(&d, ctx);
}
