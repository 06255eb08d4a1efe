/*
 * Ruby: which request the running code serves, see here.h. What tells is followed without a trace of ours in
 * the program (places.h, swap.h): no file, path, option, variable, method or module.
 *
 * We come in as a postponed job, which Ruby runs between two instructions of a thread that holds its lock, as
 * it does signal handlers; it is asked for only by a thread that holds that lock itself, since before 3.3 its list of
 * such jobs is not safe from others.
 *
 * What was found is attached to the thread: requests leave Ruby in the thread and the fiber that makes them, in
 * clear and through TLS, whatever library makes them, queries too. So nothing is written into the program's requests.
 * Context: said at each.
 */
#include "adapters/ruby/ruby.h"

#include <stdatomic.h>

#include "adapters/ruby/here.h"
#include "adapters/ruby/places.h"
#include "adapters/ruby/swap.h"
#include "base/log.h"
#include "base/str.h"

extern const struct rm_adapter rm_adapter_ruby;

enum { VERSION_MIN = 207, VERSION_MAX = 304, VERSION_RACTORS = 300, VERSION_SHARES_THREADS = 303 };
enum { NO_JOB = -1 };

static atomic_bool found, asked, moved_in;
static unsigned job = (unsigned)NO_JOB; /* since 3.3 */
static void *main_ractor; /* a key: what only the main one has something under; NULL: there are no others */

bool rm_ruby_is_main_ractor(void)
{
	return !main_ractor || rm_rb.rb_ractor_local_storage_ptr(main_ractor);
}

/* ---- Ruby's events: its lock is held, in the main ractor ---- */

static void on_thread(rm_event event, rm_value data, rm_value self, rm_id id, rm_value owner)
{
	if (event == RM_RUBY_THREAD_END) {
		rm_ruby_thread_ends();
		return;
	}
	rm_ruby_thread_begins();
	if (rm_ruby_is_to_look())
		rm_ruby_look();
}

static void on_fiber(rm_event event, rm_value data, rm_value self, rm_id id, rm_value owner)
{
	rm_ruby_fiber_switched();
	if (rm_ruby_is_to_look())
		rm_ruby_look();
}

/* A file was read, and is to run: those before it have. */
static void on_script(rm_event event, rm_value data, rm_value self, rm_id id, rm_value owner)
{
	rm_ruby_look();
	rm_ruby_loaded();
}

/* The end of the program: what runs now of Ruby is not asked any more. */
static void on_end(rm_value unused)
{
	rm_ruby_here_stop();
}

/* ---- moving in ---- */

/* "3.1.2" as 301; 0 for what is no Ruby of that kind. */
static unsigned version(void)
{
	rm_value object = rm_rb.rb_path2class("Object");
	volatile rm_value engine = rm_rb.rb_const_get_at(object, rm_rb.rb_intern("RUBY_ENGINE"));
	volatile rm_value text = rm_rb.rb_const_get_at(object, rm_rb.rb_intern("RUBY_VERSION"));
	struct rm_str rest = rm_str_c(rm_rb.rb_string_value_cstr(&text));
	uint64_t major = 0, minor = 0;

	if (!rm_str_eq(rm_str_c(rm_rb.rb_string_value_cstr(&engine)), RM_STR("ruby")) ||
	    !rm_str_u64(rm_str_cut(&rest, '.'), &major) || !rm_str_u64(rm_str_cut(&rest, '.'), &minor) || minor > 99)
		return 0;
	return (unsigned)(major * 100 + minor);
}

static void nothing_to_do(void *unused)
{
}

/* Marks the main one. False: this is another one, or they cannot be told apart. */
static bool know_main_ractor(unsigned v)
{
	static const struct {
		void (*mark)(void *), (*free)(void *);
	} nothing_of_rubys = { nothing_to_do, nothing_to_do };
	static char here;
	rm_value class;

	if (v < VERSION_RACTORS)
		return true;
	class = rm_rb.rb_path2class("Ractor");
	if (!rm_rb.rb_ractor_local_storage_ptr_newkey || !rm_rb.rb_ractor_local_storage_ptr ||
	    !rm_rb.rb_ractor_local_storage_ptr_set ||
	    rm_rb.rb_funcallv(class, rm_rb.rb_intern("current"), 0, NULL) !=
		    rm_rb.rb_funcallv(class, rm_rb.rb_intern("main"), 0, NULL))
		return false;
	main_ractor = rm_rb.rb_ractor_local_storage_ptr_newkey(&nothing_of_rubys);
	rm_rb.rb_ractor_local_storage_ptr_set(main_ractor, &here);
	return true;
}

/* Threads of Ruby that share those of the system (RUBY_MN_THREADS) are not told apart by what a thread remembers. */
static bool threads_are_shared(unsigned v)
{
	rm_value name = rm_rb.rb_str_new("RUBY_MN_THREADS", 15), text;
	rm_value env = rm_rb.rb_const_get_at(rm_rb.rb_path2class("Object"), rm_rb.rb_intern("ENV"));

	text = v < VERSION_SHARES_THREADS ? rm_ruby_nil() : rm_rb.rb_funcallv(env, rm_rb.rb_intern("[]"), 1, &name);
	return text != rm_ruby_nil();
}

static rm_value move_in(rm_value unused)
{
	unsigned v = version();

	rm_ruby_here_start(v >= VERSION_RACTORS);
	if (v < VERSION_MIN || v > VERSION_MAX || threads_are_shared(v) || !know_main_ractor(v)) {
		rm_ruby_here_stop();
		return rm_ruby_nil();
	}
	rm_ruby_places_start();
	rm_ruby_loaded();
	rm_ruby_look();
	if (rm_ruby_here_stopped())
		return rm_ruby_nil();
	if (!rm_ruby_swap(rm_ruby_follow_wait))
		rm_debug(RM_LOG_TRACE, "ruby adapter: threads begin with nothing");
	rm_rb.rb_add_event_hook(on_thread, RM_RUBY_THREAD_BEGIN | RM_RUBY_THREAD_END, rm_ruby_nil());
	rm_rb.rb_add_event_hook(on_fiber, RM_RUBY_FIBER_SWITCH, rm_ruby_nil());
	rm_rb.rb_add_event_hook(on_script, RM_RUBY_SCRIPT_COMPILED, rm_ruby_nil());
	rm_rb.rb_set_end_proc(on_end, rm_ruby_nil());
	rm_ctx_use(&rm_adapter_ruby);
	rm_debug(RM_LOG_INIT, "ruby adapter: moved in");
	return rm_ruby_nil();
}

static void at_safe_point(void *unused)
{
	if (!atomic_exchange(&moved_in, true) && !rm_ruby_quietly(move_in, 0))
		rm_ruby_here_stop();
	if (rm_ruby_is_to_look() && rm_ruby_is_main_ractor())
		rm_ruby_look();
}

/* Context: app, with Ruby's lock. */
static void ask_for_safe_point(void)
{
	if (!rm_rb.rb_postponed_job_preregister || !rm_rb.rb_postponed_job_trigger) {
		rm_rb.rb_postponed_job_register_one(0, at_safe_point, NULL);
		return;
	}
	if (!atomic_exchange(&asked, true))
		job = rm_rb.rb_postponed_job_preregister(0, at_safe_point, NULL);
	if (job != (unsigned)NO_JOB)
		rm_rb.rb_postponed_job_trigger(job);
}

/* Context: app; asks nothing of Ruby's that a thread which is none of its own may not. */
static enum rm_arrival arrive(void)
{
	if (!atomic_load_explicit(&found, memory_order_acquire)) {
		if (!rm_ruby_find())
			return RM_ARRIVAL_ABSENT;
		if (!rm_rb.rb_postponed_job_register_one && !rm_rb.rb_postponed_job_trigger)
			return RM_ARRIVAL_DONE;
		atomic_store_explicit(&found, true, memory_order_release);
	}
	if (rm_ruby_here_stopped())
		return RM_ARRIVAL_DONE;
	if (atomic_load(&moved_in) && !rm_ruby_is_to_look())
		return RM_ARRIVAL_LATER;
	if (rm_rb.ruby_native_thread_p() && rm_rb.ruby_thread_has_gvl_p())
		ask_for_safe_point();
	return RM_ARRIVAL_LATER;
}

const struct rm_adapter rm_adapter_ruby = {
	.name = "ruby",
	.arrive = arrive,
	.holds = rm_ruby_holds,
};
