/*
 * As much of Ruby's C API as the adapter calls, declared anew: what is preloaded is not linked with Ruby.
 * All of it is public (ruby.h, ruby/debug.h, ruby/thread.h) and the same from 2.7 to 3.4.
 */
#ifndef RM_ADAPTERS_RUBY_API_H
#define RM_ADAPTERS_RUBY_API_H

#include <stdbool.h>
#include <stdint.h>

typedef uintptr_t rm_value; /* VALUE: a Ruby object */
typedef uintptr_t rm_id;    /* ID: a name */
typedef unsigned rm_event;  /* rb_event_flag_t */

enum {
	RM_RUBY_CALL = 0x8, RM_RUBY_RETURN = 0x10, RM_RUBY_THREAD_BEGIN = 0x400, RM_RUBY_THREAD_END = 0x800,
	RM_RUBY_FIBER_SWITCH = 0x1000, RM_RUBY_SCRIPT_COMPILED = 0x2000,
	RM_RUBY_KEYWORDS = 1, /* the last argument is a hash of them */
};

typedef rm_value rm_ruby_fn(rm_value);
typedef void rm_ruby_hook(rm_event, rm_value data, rm_value self, rm_id, rm_value owner);

/* Each function: what it returns, its name, what it takes. */
#define RM_RUBY_FUNCTIONS(F)                                                                        \
	F(int, ruby_native_thread_p, (void))                                                         \
	F(int, ruby_thread_has_gvl_p, (void))                                                        \
	F(rm_value, rb_protect, (rm_ruby_fn *, rm_value, int *))                                     \
	F(void, rb_jump_tag, (int))                                                                  \
	F(rm_value, rb_errinfo, (void))                                                              \
	F(void, rb_set_errinfo, (rm_value))                                                          \
	F(rm_id, rb_intern, (const char *))                                                          \
	F(rm_value, rb_id2sym, (rm_id))                                                              \
	F(rm_id, rb_sym2id, (rm_value))                                                              \
	F(rm_value, rb_path2class, (const char *))                                                   \
	F(int, rb_const_defined_at, (rm_value, rm_id))                                               \
	F(rm_value, rb_const_get_at, (rm_value, rm_id))                                              \
	F(rm_value, rb_autoload_p, (rm_value, rm_id))                                                \
	F(int, rb_method_boundp, (rm_value, rm_id, int))                                             \
	F(int, rb_respond_to, (rm_value, rm_id))                                                     \
	F(rm_value, rb_obj_method, (rm_value, rm_value))                                             \
	F(rm_value, rb_obj_is_kind_of, (rm_value, rm_value))                                         \
	F(rm_value, rb_obj_class, (rm_value))                                                        \
	F(rm_value, rb_any_to_s, (rm_value))                                                         \
	F(rm_value, rb_obj_singleton_methods, (int, const rm_value *, rm_value))                     \
	F(rm_value, rb_funcallv, (rm_value, rm_id, int, const rm_value *))                           \
	F(rm_value, rb_funcallv_kw, (rm_value, rm_id, int, const rm_value *, int))                   \
	F(rm_value, rb_attr_get, (rm_value, rm_id))                                                  \
	F(rm_value, rb_ivar_set, (rm_value, rm_id, rm_value))                                        \
	F(rm_value, rb_check_string_type, (rm_value))                                                \
	F(rm_value, rb_check_array_type, (rm_value))                                                 \
	F(char *, rb_string_value_cstr, (volatile rm_value *))                                       \
	F(rm_value, rb_str_new_frozen, (rm_value))                                                   \
	F(rm_value, rb_str_new, (const char *, long))                                                \
	F(rm_value, rb_ary_new_from_values, (long, const rm_value *))                                \
	F(rm_value, rb_ary_entry, (rm_value, long))                                                  \
	F(rm_value, rb_hash_new, (void))                                                             \
	F(rm_value, rb_hash_aset, (rm_value, rm_value, rm_value))                                    \
	F(rm_value, rb_hash_lookup, (rm_value, rm_value))                                            \
	F(void *, rb_check_typeddata, (rm_value, const void *))                                      \
	F(void, rb_gc_register_mark_object, (rm_value))                                              \
	F(void, rb_set_end_proc, (void (*)(rm_value), rm_value))                                     \
	F(rm_value, rb_thread_current, (void))                                                       \
	F(rm_value, rb_fiber_current, (void))                                                        \
	F(void, rb_add_event_hook, (rm_ruby_hook *, rm_event, rm_value))                             \
	F(rm_value, rb_tracepoint_new, (rm_value, rm_event, void (*)(rm_value, void *), void *))     \
	F(void *, rb_tracearg_from_tracepoint, (rm_value))                                           \
	F(rm_event, rb_tracearg_event_flag, (void *))                                                \
	F(rm_value, rb_tracearg_self, (void *))                                                      \
	F(rm_value, rb_tracearg_binding, (void *))                                                   \
	F(int, rb_profile_frames, (int, int, rm_value *, int *))                                     \
	F(rm_value, rb_profile_frame_path, (rm_value))

/* Not in each version; NULL where it is not. */
#define RM_RUBY_OTHER_FUNCTIONS(F)                                                                  \
	F(int, rb_postponed_job_register_one, (unsigned, void (*)(void *), void *))                  \
	F(unsigned, rb_postponed_job_preregister, (unsigned, void (*)(void *), void *))              \
	F(void, rb_postponed_job_trigger, (unsigned))                                                \
	F(void *, rb_ractor_local_storage_ptr_newkey, (const void *))                                \
	F(void *, rb_ractor_local_storage_ptr, (void *))                                             \
	F(void, rb_ractor_local_storage_ptr_set, (void *, void *))

struct rm_ruby {
#define RM_RUBY_FIELD(result, name, takes) result(*name) takes;
	RM_RUBY_FUNCTIONS(RM_RUBY_FIELD)
	RM_RUBY_OTHER_FUNCTIONS(RM_RUBY_FIELD)
#undef RM_RUBY_FIELD
};

/* Everybody's, once rm_ruby_find has found it. */
extern struct rm_ruby rm_rb;

/*
 * Finds the object that defines all of them, and that its sockets are loaded: by then Ruby has long been
 * started, and nothing serves or calls before. False: there is none, or not yet. Context: app.
 */
bool rm_ruby_find(void);

/* True for an address in the code of Ruby itself. Context: app. */
bool rm_ruby_is_code(const void *at);

#endif
