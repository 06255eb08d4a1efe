/*
 * Threads and queues of Ruby's own, which are written in C. Their functions are called by way of a word in the
 * method's definition; ours is put there, does its part and calls the one that was there, with the same
 * frame. So the method's owner, arity, aliases and place in a backtrace stay what they were, no hook of the
 * program for new methods is called, no cache of Ruby's has to be emptied.
 *
 * Where that word is nobody promises. It is looked for in methods whose functions Ruby exports: the way that leads
 * to those is the way for others; what is found there must be code of Ruby itself, with the number of arguments that
 * is expected. Anything else, and all stays as it is.
 * Must never write a word that it has not compared.
 */
#include "adapters/ruby/swap.h"

#include <stddef.h>

#include "adapters/ruby/here.h"

typedef rm_value counted(int argc, const rm_value *argv, rm_value self); /* -1 arguments */
typedef rm_value listed(rm_value self, rm_value arguments);               /* -2 */

enum { DATA_TYPE = 2, ENTRY_FIRST = 3, ENTRY_LAST = 4, DEFINITION = 2, FUNCTION = 1, COUNT_AT = 3 };
enum { TYPE_MASK = 0x1f, IMEMO = 0x1a, IMEMO_SHIFT = 12, IMEMO_MASK = 0xf, METHOD_ENTRY = 6 };

static int entry_at; /* the word of a method object's data that leads to its entry */

/* ---- the way to a function ---- */

static bool is_method_entry(const rm_value *p)
{
	return p && ((rm_value)p & 7) == 0 && (p[0] & TYPE_MASK) == IMEMO &&
	       (p[0] >> IMEMO_SHIFT & IMEMO_MASK) == METHOD_ENTRY;
}

/* The definition of what a Method or UnboundMethod object names; NULL: none that we understand. */
static rm_value *definition(rm_value method)
{
	const rm_value *object = (const rm_value *)method;
	const rm_value *data = rm_rb.rb_check_typeddata(method, (const void *)object[DATA_TYPE]);
	const rm_value *entry = (const rm_value *)data[entry_at];

	return is_method_entry(entry) ? (rm_value *)entry[DEFINITION] : NULL;
}

static int count_of(const rm_value *d)
{
	return (int)d[COUNT_AT];
}

static rm_value method_of(rm_value class, const char *name)
{
	rm_value symbol = rm_rb.rb_id2sym(rm_rb.rb_intern(name));

	return rm_rb.rb_funcallv(class, rm_rb.rb_intern("instance_method"), 1, &symbol);
}

/* Methods whose functions are of the public API, so that their addresses are known. */
static bool leads_to(const char *class, const char *name, const void *function, int count)
{
	const rm_value *d = definition(method_of(rm_rb.rb_path2class(class), name));

	return d && d[FUNCTION] == (rm_value)function && count_of(d) == count;
}

/* One version has a word more before it: the first that holds an entry, and leads where it must. */
static bool way_is_known(void)
{
	for (entry_at = ENTRY_FIRST; entry_at <= ENTRY_LAST; entry_at++)
		if (leads_to("Kernel", "method", (const void *)rm_rb.rb_obj_method, 1))
			return leads_to("Kernel", "to_s", (const void *)rm_rb.rb_any_to_s, 0) &&
			       leads_to("Kernel", "singleton_methods", (const void *)rm_rb.rb_obj_singleton_methods, -1);
	return false;
}

/* ---- what stands there then ---- */

static counted *queue_pop, *sized_pop, *condition_wait;
static listed *thread_initialize, *thread_start;

/* It may wait, unless its first argument says otherwise. Who finds work there at once works for all, too. */
static void pops(int argc, const rm_value *argv)
{
	if (argc == 0 || !rm_ruby_is_true(argv[0]))
		rm_ruby_waits();
}

static rm_value f_queue_pop(int argc, const rm_value *argv, rm_value self)
{
	pops(argc, argv);
	return queue_pop(argc, argv, self);
}

static rm_value f_sized_pop(int argc, const rm_value *argv, rm_value self)
{
	pops(argc, argv);
	return sized_pop(argc, argv, self);
}

static rm_value f_condition_wait(int argc, const rm_value *argv, rm_value self)
{
	rm_ruby_waits();
	return condition_wait(argc, argv, self);
}

static rm_value f_thread_initialize(rm_value self, rm_value arguments)
{
	rm_ruby_start_thread(self);
	return thread_initialize(self, arguments);
}

/* The thread does not run before its maker lets go of Ruby's lock. */
static rm_value f_thread_start(rm_value self, rm_value arguments)
{
	rm_value thread = thread_start(self, arguments);

	rm_ruby_start_thread(thread);
	return thread;
}

struct swap {
	const char *class, *name;
	bool of_class_itself;
	int count;
	void *ours;
	void **theirs;
};

static const struct swap waits[] = {
	{ "Thread::ConditionVariable", "wait", false, -1, (void *)f_condition_wait, (void **)&condition_wait },
	{ "Thread::Queue", "pop", false, -1, (void *)f_queue_pop, (void **)&queue_pop },
	{ "Thread::Queue", "deq", false, -1, (void *)f_queue_pop, (void **)&queue_pop },
	{ "Thread::Queue", "shift", false, -1, (void *)f_queue_pop, (void **)&queue_pop },
	{ "Thread::SizedQueue", "pop", false, -1, (void *)f_sized_pop, (void **)&sized_pop },
	{ "Thread::SizedQueue", "deq", false, -1, (void *)f_sized_pop, (void **)&sized_pop },
	{ "Thread::SizedQueue", "shift", false, -1, (void *)f_sized_pop, (void **)&sized_pop },
};

static const struct swap starts[] = {
	{ "Thread", "initialize", false, -2, (void *)f_thread_initialize, (void **)&thread_initialize },
	{ "Thread", "start", true, -2, (void *)f_thread_start, (void **)&thread_start },
	{ "Thread", "fork", true, -2, (void *)f_thread_start, (void **)&thread_start },
};

/* True when the function of the method is ours now. */
static bool swap(const struct swap *s)
{
	rm_value class = rm_rb.rb_path2class(s->class);
	rm_value symbol = rm_rb.rb_id2sym(rm_rb.rb_intern(s->name));
	rm_value *d = definition(s->of_class_itself ? rm_rb.rb_obj_method(class, symbol) : method_of(class, s->name));
	void *there = d ? (void *)d[FUNCTION] : NULL;

	if (there == s->ours) /* of another name of it */
		return true;
	if (!there || !rm_ruby_is_code(there) || count_of(d) != s->count || (*s->theirs && *s->theirs != there))
		return false;
	*s->theirs = there;
	__atomic_store_n(&d[FUNCTION], (rm_value)s->ours, __ATOMIC_RELEASE);
	return true;
}

bool rm_ruby_swap(bool (*follow)(const char *class, const char *name))
{
	if (!way_is_known())
		return false;
	for (unsigned i = 0; i < sizeof(waits) / sizeof(waits[0]); i++)
		if (!swap(&waits[i]) && !follow(waits[i].class, waits[i].name))
			return false;
	for (unsigned i = 0; i < sizeof(starts) / sizeof(starts[0]); i++)
		swap(&starts[i]);
	return true;
}
