/*
 * The methods of frameworks and libraries that are followed, each by a TracePoint on that method alone: it
 * stays the method that it is, with its owner, place and ancestors, whatever the program does with it later;
 * no frame of ours is below it, and no other code gets slower.
 *
 * Classes are looked for when they may have come: at each file that is loaded (an event of Ruby's that costs
 * nothing elsewhere; a TracePoint for the ends of classes goes through the whole heap, 3.6 ms for a small one), and
 * at safe points that come after the last file. Nothing is loaded for us: what is only promised
 * (autoload) is not there yet.
 *
 * Context: Ruby's lock held.
 */
#include "adapters/ruby/places.h"

#include <stdatomic.h>
#include <string.h>

#include "adapters/ruby/here.h"
#include "adapters/ruby/ruby.h"
#include "base/log.h"
#include "base/str.h"

enum { FAILURES_MAX = 8, DEPTH_MAX = 4, NAME_MAX = 64 };

/* What is done at a method; the object is an argument, by position, or the receiver. */
enum deed {
	ENTER_RACK,    /* object.env has the request's fields, in Rack's names */
	ENTER_WEBRICK, /* object[name] has */
	ENTER_ASYNC,   /* object.headers.fields has, a list of pairs; for good: its body is sent later */
	SEND_HTTP2,    /* object is the list of a head's fields, which other fibers may send: the context is put there */
	TAG,           /* the object is work for later */
	SCOPE,         /* it is done now */
	SCOPE_NOBODY,  /* something is done that may be for all */
	WAITS,         /* for work */
	WAITS_NOT_IF,  /* the same, unless the object is true */
	WAITS_UNLESS,  /* the same, when its caller is not of the library itself */
};

enum { SELF = -1 };

struct place {
	char class[48], method[28]; /* with a dot: of the class itself */
	int8_t deed;   /* enum deed */
	int8_t object; /* SELF, or which argument */
	char only[48]; /* of receivers of this class; empty: of all */
};

static const struct place places[] = {
	{ "Puma::Server", "handle_request", ENTER_RACK, 0, "" },
	{ "Thin::Connection", "pre_process", ENTER_RACK, SELF, "" },
	{ "WEBrick::HTTPServer", "service", ENTER_WEBRICK, 0, "" },
	{ "Async::HTTP::Server", "call", ENTER_ASYNC, 0, "Async::HTTP::Server" },
	{ "Protocol::HTTP2::Connection", "encode_headers", SEND_HTTP2, 0, "" },
	{ "Async::Queue", "dequeue", WAITS, SELF, "" },
	{ "Async::Condition", "wait", WAITS_UNLESS, SELF, "" },
	{ "Async::Reactor", "run", WAITS, SELF, "" }, /* event loops, in threads of their own */
	{ "Async::Scheduler", "run", WAITS, SELF, "" },
	{ "EventMachine", ".run", WAITS, SELF, "" },
	{ "Concurrent::RubyThreadPoolExecutor", "ns_assign_worker", TAG, 0, "" },
	{ "Concurrent::RubyThreadPoolExecutor", "ns_enqueue", TAG, 0, "" },
	{ "Concurrent::RubyThreadPoolExecutor::Worker", "run_task", SCOPE, 2, "" },
	{ "Concurrent::Promises::BlockedTaskPromise", "initialize", TAG, SELF, "" },
	{ "Concurrent::Promises::AbstractPromise", "evaluate_to", SCOPE, SELF, "Concurrent::Promises::BlockedTaskPromise" },
	{ "Concurrent::Promises::Event", "callback_on_resolution", SCOPE_NOBODY, 0, "" },
	{ "Concurrent::Promises::Future", "callback_on_resolution", SCOPE_NOBODY, 1, "" },
	{ "Concurrent::Promises::Future", "callback_on_fulfillment", SCOPE_NOBODY, 1, "" },
	{ "Concurrent::Promises::Future", "callback_on_rejection", SCOPE_NOBODY, 1, "" },
	{ "Concurrent::Promise", "initialize", TAG, SELF, "" },
	{ "Concurrent::Promise", "realize", SCOPE, SELF, "" },
	{ "Concurrent::ScheduledTask", "initialize", TAG, SELF, "" },
	{ "Concurrent::ScheduledTask", "process_task", SCOPE, SELF, "" },
	{ "Concurrent::TimerSet", "process_tasks", SCOPE_NOBODY, SELF, "" },
	{ "Concurrent::TimerTask", "execute_task", SCOPE_NOBODY, SELF, "" },
	{ "Concurrent::SerializedExecution", "work", SCOPE_NOBODY, 0, "" },
	{ "Concurrent::Agent", "execute_next_job", SCOPE_NOBODY, SELF, "" },
	{ "Concurrent::Async::AsyncDelegator", "perform", SCOPE_NOBODY, SELF, "" },
};

enum { PLACES = sizeof(places) / sizeof(places[0]) };

/* A place that is followed. */
struct followed {
	const struct place *place;
	rm_value name; /* of the argument */
	rm_value only;
};

static struct followed follows[PLACES]; /* no place: not yet found */

/* Another tracer in the process knows better what belongs together. */
static const char tracers[][20] = {
	"OpenTelemetry::SDK", "Datadog::Tracing", "NewRelic::Agent", "ElasticAPM", "Skylight", "ScoutApm",
	"Sentry::Rack",       "Appsignal",        "Instana",
};

static atomic_bool to_look;
static atomic_uint failures;
static rm_value object_class, module_class;
static rm_value text_rack, text_field; /* "HTTP_TRACEPARENT", "traceparent" */
static rm_value mistakes[5];           /* classes of errors that mistakes of ours are */

/* ---- errors ---- */

static bool is_mistake(rm_value error)
{
	rm_value class = rm_rb.rb_obj_class(error);

	for (unsigned i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++)
		if (class == mistakes[i])
			return true;
	return false;
}

bool rm_ruby_quietly(rm_value (*work)(rm_value), rm_value argument)
{
	rm_value was = rm_rb.rb_errinfo();
	int state = 0;

	rm_rb.rb_protect(work, argument, &state);
	if (!state)
		return true;
	if (rm_rb.rb_errinfo() == was || !is_mistake(rm_rb.rb_errinfo()))
		rm_rb.rb_jump_tag(state);
	rm_rb.rb_set_errinfo(was);
	if (atomic_fetch_add(&failures, 1) + 1 >= FAILURES_MAX)
		rm_ruby_here_stop();
	rm_debug(RM_LOG_TRACE, "ruby adapter: mistake %u", atomic_load(&failures));
	return false;
}

/* ---- what is called ---- */

static rm_value call(rm_value object, const char *name, int argc, const rm_value *argv)
{
	return rm_rb.rb_funcallv(object, rm_rb.rb_intern(name), argc, argv);
}

static bool is_nil(rm_value v)
{
	return v == rm_ruby_nil();
}

/* The text of a traceparent; NULL when it is none. Borrowed: as long as the object `v` names. */
static const char *text_of(volatile rm_value *v)
{
	const char *text;

	*v = rm_rb.rb_check_string_type(*v);
	if (is_nil(*v))
		return NULL;
	text = rm_rb.rb_string_value_cstr(v);
	return rm_str_c(text).n == RM_CTX_TEXT_BYTES ? text : NULL;
}

static void enter(rm_value value)
{
	volatile rm_value v = value;

	rm_ruby_enter(text_of(&v));
}

static rm_value text_in_rack(rm_value connection)
{
	return rm_rb.rb_hash_lookup(call(connection, "env", 0, NULL), text_rack);
}

static rm_value text_in_fields(rm_value request)
{
	rm_value fields = rm_rb.rb_check_array_type(call(call(request, "headers", 0, NULL), "fields", 0, NULL));
	rm_value one;

	for (long i = 0; !is_nil(fields) && !is_nil(one = rm_rb.rb_ary_entry(fields, i)); i++) {
		volatile rm_value name = rm_rb.rb_ary_entry(one, 0);

		if (rm_str_ieq(rm_str_c(rm_rb.rb_string_value_cstr(&name)), RM_STR("traceparent")))
			return rm_rb.rb_ary_entry(one, 1);
	}
	return rm_ruby_nil();
}

/* ---- at a place ---- */

struct visit {
	const struct followed *at;
	const struct place *place;
	void *event;
};

static rm_value object_of(const struct visit *v)
{
	if (v->place->object == SELF)
		return rm_rb.rb_tracearg_self(v->event);
	return call(rm_rb.rb_tracearg_binding(v->event), "local_variable_get", 1, &v->at->name);
}

static bool is_field(rm_value pair, struct rm_str name)
{
	volatile rm_value v = is_nil(pair) ? pair : rm_rb.rb_check_string_type(rm_rb.rb_ary_entry(pair, 0));

	return !is_nil(v) && rm_str_ieq(rm_str_c(rm_rb.rb_string_value_cstr(&v)), name);
}

/* A request's fields, and none of them is a context yet. */
static bool takes_context(rm_value fields)
{
	bool is_request = false;
	rm_value one;

	for (long i = 0; !is_nil(one = rm_rb.rb_ary_entry(fields, i)); i++) {
		if (is_field(one, RM_STR("traceparent")))
			return false;
		is_request |= is_field(one, RM_STR(":method"));
	}
	return is_request;
}

/* Only the method that encodes them sees one field more. */
static void send_http2(const struct visit *v)
{
	rm_value fields = call(object_of(v), "to_a", 0, NULL), pair[2], more, set[2];
	rm_ctx now = rm_ruby_now();
	char text[RM_CTX_TEXT_BYTES];

	if (!now || now == RM_CTX_NOBODY || !takes_context(fields) || !rm_ctx_to_traceparent(now, text))
		return;
	pair[0] = text_field;
	pair[1] = rm_rb.rb_str_new(text, sizeof(text));
	more = rm_rb.rb_ary_new_from_values(2, pair);
	more = rm_rb.rb_ary_new_from_values(1, &more);
	set[0] = v->at->name;
	set[1] = call(fields, "+", 1, &more);
	call(rm_rb.rb_tracearg_binding(v->event), "local_variable_set", 2, set);
}

static void at_call(const struct visit *v)
{
	switch (v->place->deed) {
	case ENTER_RACK:
		enter(text_in_rack(v->place->object == SELF ? call(object_of(v), "request", 0, NULL) : object_of(v)));
		break;
	case ENTER_WEBRICK:
		enter(call(object_of(v), "[]", 1, &text_field));
		break;
	case ENTER_ASYNC:
		enter(text_in_fields(object_of(v)));
		break;
	case SEND_HTTP2:
		send_http2(v);
		break;
	case TAG:
		rm_ruby_tag(object_of(v));
		break;
	case SCOPE:
		rm_ruby_scope(object_of(v));
		break;
	case SCOPE_NOBODY:
		rm_ruby_scope_nobody(object_of(v));
		break;
	case WAITS_NOT_IF:
		if (!rm_ruby_is_true(object_of(v)))
			rm_ruby_waits();
		break;
	case WAITS_UNLESS:
		if (rm_ruby_frame_is_async(1)) /* it waits for an answer, not for work */
			break;
		/* fall through */
	case WAITS:
		rm_ruby_waits();
		break;
	}
}

static bool has_end(enum deed deed)
{
	return deed == ENTER_RACK || deed == ENTER_WEBRICK || deed == SCOPE || deed == SCOPE_NOBODY;
}

static void at_return(const struct visit *v)
{
	switch (v->place->deed) {
	case ENTER_RACK:
	case ENTER_WEBRICK:
		rm_ruby_become(0);
		break;
	case SCOPE:
	case SCOPE_NOBODY:
		rm_ruby_scope_end(object_of(v));
		break;
	default:
		break;
	}
}

static rm_value visit(rm_value argument)
{
	const struct visit *v = (const struct visit *)argument;

	if (rm_rb.rb_tracearg_event_flag(v->event) == RM_RUBY_CALL)
		at_call(v);
	else
		at_return(v);
	return rm_ruby_nil();
}

/* A TracePoint's function. */
static void visited(rm_value trace_point, void *followed)
{
	const struct followed *at = followed;
	struct visit v = { at, at->place, rm_rb.rb_tracearg_from_tracepoint(trace_point) };
	enum deed deed = (enum deed)v.place->deed;

	if (rm_ruby_here_stopped() || !rm_ruby_is_main_ractor() || (deed >= WAITS && !rm_ruby_inherits()))
		return;
	if (at->only && !rm_rb.rb_obj_is_kind_of(rm_rb.rb_tracearg_self(v.event), at->only))
		return;
	rm_ruby_quietly(visit, (rm_value)&v);
}

/* ---- looking ---- */

static bool is_module(rm_value v)
{
	return rm_rb.rb_obj_is_kind_of(v, module_class) != 0;
}

/* The class of that path; 0 when it is not defined, or not yet. */
static rm_value class_at(const char *path)
{
	struct rm_str rest = rm_str_c(path);
	rm_value at = object_class;

	while (rest.n) {
		struct rm_str part = rm_str_cut(&rest, ':');
		char name[NAME_MAX];
		rm_id id;

		if (!part.n) /* between two colons */
			continue;
		memcpy(name, part.p, part.n); /* of the tables above: short */
		name[part.n] = '\0';
		id = rm_rb.rb_intern(name);
		if (!is_module(at) || !rm_rb.rb_const_defined_at(at, id) || !is_nil(rm_rb.rb_autoload_p(at, id)))
			return 0;
		at = rm_rb.rb_const_get_at(at, id);
	}
	return is_module(at) ? at : 0;
}

static rm_value kept(rm_value v)
{
	rm_rb.rb_gc_register_mark_object(v);
	return v;
}

static rm_value symbol_of(const char *name)
{
	return rm_rb.rb_id2sym(rm_rb.rb_intern(name));
}

static rm_value method_of(rm_value class, const char *name)
{
	rm_value symbol = symbol_of(name);

	return call(class, "instance_method", 1, &symbol);
}

static bool has_method(rm_value class, const char *name)
{
	if (name[0] == '.')
		return rm_rb.rb_respond_to(class, rm_rb.rb_intern(name + 1)) != 0;
	return rm_rb.rb_method_boundp(class, rm_rb.rb_intern(name), 0) != 0;
}

/* Has the method followed: by a TracePoint on it, for calls and, where it is a scope, returns. */
static void follow(struct followed *f, rm_value method)
{
	const struct place *p = f->place;
	rm_value tp, options = rm_rb.rb_hash_new(), parameter;
	rm_event events = has_end(p->deed) ? RM_RUBY_CALL | RM_RUBY_RETURN : RM_RUBY_CALL;

	if (p->object != SELF) {
		parameter = rm_rb.rb_ary_entry(call(method, "parameters", 0, NULL), p->object);
		f->name = kept(rm_rb.rb_ary_entry(parameter, 1));
	}
	if (p->only[0])
		f->only = kept(rm_rb.rb_path2class(p->only));
	tp = kept(rm_rb.rb_tracepoint_new(rm_ruby_nil(), events, visited, f));
	rm_rb.rb_hash_aset(options, symbol_of("target"), method);
	rm_rb.rb_funcallv_kw(tp, rm_rb.rb_intern("enable"), 1, &options, RM_RUBY_KEYWORDS);
}

static rm_value look_for(rm_value number)
{
	const struct place *p = &places[number];
	rm_value class = class_at(p->class);

	if (!class || !has_method(class, p->method))
		return rm_ruby_nil();
	follows[number].place = p; /* whatever comes of it */
	follow(&follows[number], p->method[0] == '.' ? rm_rb.rb_obj_method(class, symbol_of(p->method + 1))
						     : method_of(class, p->method));
	rm_debug(RM_LOG_TRACE, "ruby adapter: follows %s#%s", p->class, p->method);
	return rm_ruby_nil();
}

static rm_value look_for_tracers(rm_value unused)
{
	for (unsigned i = 0; i < sizeof(tracers) / sizeof(tracers[0]); i++)
		if (class_at(tracers[i]))
			rm_ruby_here_stop();
	return rm_ruby_nil();
}

void rm_ruby_look(void)
{
	if (!atomic_exchange(&to_look, false) || rm_ruby_here_stopped())
		return;
	rm_ruby_quietly(look_for_tracers, 0);
	for (unsigned i = 0; i < PLACES && !rm_ruby_here_stopped(); i++)
		if (!follows[i].place)
			rm_ruby_quietly(look_for, i);
}

void rm_ruby_loaded(void)
{
	atomic_store_explicit(&to_look, true, memory_order_relaxed);
}

bool rm_ruby_is_to_look(void)
{
	return atomic_load_explicit(&to_look, memory_order_relaxed) && !rm_ruby_here_stopped();
}

bool rm_ruby_follow_wait(const char *class, const char *name)
{
	static const struct place wait = { .deed = WAITS_NOT_IF, .object = 0 };
	static struct followed waits = { .place = &wait };
	rm_value method = method_of(rm_rb.rb_path2class(class), name);

	/* Written in Ruby, by Ruby's own authors: what the program put there may be anything. */
	if (is_nil(call(method, "source_location", 0, NULL)))
		return false;
	follow(&waits, method);
	return true;
}

void rm_ruby_places_start(void)
{
	static const char *const names[] = { "NoMethodError", "NameError", "TypeError", "ArgumentError", "FrozenError" };

	object_class = rm_rb.rb_path2class("Object");
	module_class = rm_rb.rb_path2class("Module");
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		mistakes[i] = rm_rb.rb_path2class(names[i]);
	text_rack = kept(rm_rb.rb_str_new_frozen(rm_rb.rb_str_new("HTTP_TRACEPARENT", 16)));
	text_field = kept(rm_rb.rb_str_new_frozen(rm_rb.rb_str_new("traceparent", 11)));
}
