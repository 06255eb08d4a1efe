/*
 * What the JVM adapter calls of a JVM: functions of JNI and JVMTI by their places in the tables, which the
 * specifications promise not to change, and nothing else of their headers.
 * Spec: Java Native Interface 10, chapter 4; JVM Tool Interface 1.2.
 */
#ifndef RM_ADAPTERS_JAVA_JVM_H
#define RM_ADAPTERS_JAVA_JVM_H

#include <stddef.h>
#include <stdint.h>

struct object__;   /* what a reference points to */
struct method__;
struct field__;
typedef struct object__ *rm_jref;    /* local or global; NULL: null */
typedef struct method__ *rm_jmethod;
typedef struct field__ *rm_jfield;

union rm_jvalue {
	rm_jref l;
	int32_t i;
	int64_t j;
};

struct rm_jnative {
	const char *name, *signature;
	void *function;
};

/* Tables of pointers to functions. */
typedef void **const *rm_jenv;   /* JNIEnv *: of one thread */
typedef void **const *rm_jvm;    /* JavaVM * */
typedef void **const *rm_jvmti;  /* jvmtiEnv * */

/* The function at a place of a table. */
#define RM_JVM_FUNCTION(type, env, at) ((type)(*(env))[at])

/* ---- of the JVM ---- */

enum {
	RM_JNI_1_6 = 0x00010006,
	RM_JVMTI_1_2 = 0x30010200,
};

static inline int32_t rm_jvm_get_env(rm_jvm vm, void **ret, int32_t version)
{
	return RM_JVM_FUNCTION(int32_t (*)(rm_jvm, void **, int32_t), vm, 6)(vm, ret, version);
}

/* ---- JNI ---- */

static inline rm_jref rm_jni_define_class(rm_jenv e, const char *name, const unsigned char *bytes, int32_t size)
{
	return RM_JVM_FUNCTION(rm_jref (*)(rm_jenv, const char *, rm_jref, const unsigned char *, int32_t), e, 5)(
		e, name, NULL, bytes, size);
}

static inline rm_jref rm_jni_find_class(rm_jenv e, const char *name)
{
	return RM_JVM_FUNCTION(rm_jref (*)(rm_jenv, const char *), e, 6)(e, name);
}

static inline void rm_jni_exception_clear(rm_jenv e)
{
	RM_JVM_FUNCTION(void (*)(rm_jenv), e, 17)(e);
}

static inline int32_t rm_jni_push_frame(rm_jenv e, int32_t room)
{
	return RM_JVM_FUNCTION(int32_t (*)(rm_jenv, int32_t), e, 19)(e, room);
}

static inline rm_jref rm_jni_pop_frame(rm_jenv e, rm_jref result)
{
	return RM_JVM_FUNCTION(rm_jref (*)(rm_jenv, rm_jref), e, 20)(e, result);
}

static inline void rm_jni_delete_local(rm_jenv e, rm_jref ref)
{
	RM_JVM_FUNCTION(void (*)(rm_jenv, rm_jref), e, 23)(e, ref);
}

static inline rm_jref rm_jni_new_object(rm_jenv e, rm_jref class, rm_jmethod m, const union rm_jvalue *given)
{
	return RM_JVM_FUNCTION(rm_jref (*)(rm_jenv, rm_jref, rm_jmethod, const union rm_jvalue *), e, 30)(e, class, m, given);
}

static inline rm_jref rm_jni_class_of(rm_jenv e, rm_jref object)
{
	return RM_JVM_FUNCTION(rm_jref (*)(rm_jenv, rm_jref), e, 31)(e, object);
}

static inline rm_jmethod rm_jni_method(rm_jenv e, rm_jref class, const char *name, const char *signature)
{
	return RM_JVM_FUNCTION(rm_jmethod (*)(rm_jenv, rm_jref, const char *, const char *), e, 33)(e, class, name,
												      signature);
}

static inline rm_jref rm_jni_call_object(rm_jenv e, rm_jref object, rm_jmethod m, const union rm_jvalue *given)
{
	return RM_JVM_FUNCTION(rm_jref (*)(rm_jenv, rm_jref, rm_jmethod, const union rm_jvalue *), e, 36)(e, object, m,
													     given);
}

static inline uint8_t rm_jni_call_boolean(rm_jenv e, rm_jref object, rm_jmethod m, const union rm_jvalue *given)
{
	return RM_JVM_FUNCTION(uint8_t (*)(rm_jenv, rm_jref, rm_jmethod, const union rm_jvalue *), e, 39)(e, object, m,
													     given);
}

static inline void rm_jni_call_void(rm_jenv e, rm_jref object, rm_jmethod m, const union rm_jvalue *given)
{
	RM_JVM_FUNCTION(void (*)(rm_jenv, rm_jref, rm_jmethod, const union rm_jvalue *), e, 63)(e, object, m, given);
}

static inline int32_t rm_jni_call_int(rm_jenv e, rm_jref object, rm_jmethod m)
{
	return RM_JVM_FUNCTION(int32_t (*)(rm_jenv, rm_jref, rm_jmethod, const union rm_jvalue *), e, 51)(e, object, m, NULL);
}

static inline int64_t rm_jni_call_long(rm_jenv e, rm_jref object, rm_jmethod m)
{
	return RM_JVM_FUNCTION(int64_t (*)(rm_jenv, rm_jref, rm_jmethod, const union rm_jvalue *), e, 54)(e, object, m, NULL);
}

static inline rm_jfield rm_jni_field(rm_jenv e, rm_jref class, const char *name, const char *signature)
{
	return RM_JVM_FUNCTION(rm_jfield (*)(rm_jenv, rm_jref, const char *, const char *), e, 94)(e, class, name,
												     signature);
}

static inline rm_jref rm_jni_get_object(rm_jenv e, rm_jref object, rm_jfield f)
{
	return RM_JVM_FUNCTION(rm_jref (*)(rm_jenv, rm_jref, rm_jfield), e, 95)(e, object, f);
}

static inline rm_jmethod rm_jni_static_method(rm_jenv e, rm_jref class, const char *name, const char *signature)
{
	return RM_JVM_FUNCTION(rm_jmethod (*)(rm_jenv, rm_jref, const char *, const char *), e, 113)(e, class, name,
												       signature);
}

static inline rm_jref rm_jni_call_static_object(rm_jenv e, rm_jref class, rm_jmethod m, const union rm_jvalue *given)
{
	return RM_JVM_FUNCTION(rm_jref (*)(rm_jenv, rm_jref, rm_jmethod, const union rm_jvalue *), e, 116)(e, class, m,
													      given);
}

static inline rm_jref rm_jni_new_string(rm_jenv e, const char *text)
{
	return RM_JVM_FUNCTION(rm_jref (*)(rm_jenv, const char *), e, 167)(e, text);
}

static inline int32_t rm_jni_string_chars(rm_jenv e, rm_jref string)
{
	return RM_JVM_FUNCTION(int32_t (*)(rm_jenv, rm_jref), e, 164)(e, string);
}

static inline int32_t rm_jni_string_bytes(rm_jenv e, rm_jref string)
{
	return RM_JVM_FUNCTION(int32_t (*)(rm_jenv, rm_jref), e, 168)(e, string);
}

static inline int32_t rm_jni_array_length(rm_jenv e, rm_jref array)
{
	return RM_JVM_FUNCTION(int32_t (*)(rm_jenv, rm_jref), e, 171)(e, array);
}

/* An array of nulls. */
static inline rm_jref rm_jni_new_array(rm_jenv e, int32_t n, rm_jref class)
{
	return RM_JVM_FUNCTION(rm_jref (*)(rm_jenv, int32_t, rm_jref, rm_jref), e, 172)(e, n, class, NULL);
}

static inline void rm_jni_array_put(rm_jenv e, rm_jref array, int32_t at, rm_jref object)
{
	RM_JVM_FUNCTION(void (*)(rm_jenv, rm_jref, int32_t, rm_jref), e, 174)(e, array, at, object);
}

static inline rm_jref rm_jni_array_at(rm_jenv e, rm_jref array, int32_t at)
{
	return RM_JVM_FUNCTION(rm_jref (*)(rm_jenv, rm_jref, int32_t), e, 173)(e, array, at);
}

/* Copies `n` bytes of an array, from `at` on, and into it. What is not there is an exception. */
static inline void rm_jni_get_bytes(rm_jenv e, rm_jref array, int32_t at, int32_t n, void *ret)
{
	RM_JVM_FUNCTION(void (*)(rm_jenv, rm_jref, int32_t, int32_t, void *), e, 200)(e, array, at, n, ret);
}

static inline void rm_jni_set_bytes(rm_jenv e, rm_jref array, int32_t at, int32_t n, const void *bytes)
{
	RM_JVM_FUNCTION(void (*)(rm_jenv, rm_jref, int32_t, int32_t, const void *), e, 208)(e, array, at, n, bytes);
}

/* A new array of bytes that holds these. */
static inline rm_jref rm_jni_new_bytes(rm_jenv e, const char *bytes, int32_t n)
{
	rm_jref ret = RM_JVM_FUNCTION(rm_jref (*)(rm_jenv, int32_t), e, 176)(e, n);

	if (ret)
		rm_jni_set_bytes(e, ret, 0, n, bytes);
	return ret;
}

static inline int32_t rm_jni_register(rm_jenv e, rm_jref class, const struct rm_jnative *natives, int32_t count)
{
	return RM_JVM_FUNCTION(int32_t (*)(rm_jenv, rm_jref, const struct rm_jnative *, int32_t), e, 215)(e, class,
													     natives, count);
}

/* The first `chars` of the string; as bytes and a NUL. */
static inline void rm_jni_string_copy(rm_jenv e, rm_jref string, int32_t chars, char *ret)
{
	RM_JVM_FUNCTION(void (*)(rm_jenv, rm_jref, int32_t, int32_t, char *), e, 221)(e, string, 0, chars, ret);
}

static inline uint8_t rm_jni_exception(rm_jenv e)
{
	return RM_JVM_FUNCTION(uint8_t (*)(rm_jenv), e, 228)(e);
}

/* ---- JVMTI: 0 is success ---- */

enum { RM_JVMTI_ENABLE = 1, RM_JVMTI_LIVE = 4, RM_JVMTI_CLASS_FILE_LOAD_HOOK = 54 };

/* jvmtiCapabilities: bits, of which these are asked for. */
struct rm_jvmti_capabilities {
	uint32_t bits[4];
};
enum { RM_JVMTI_ALL_CLASS_HOOKS = 26, RM_JVMTI_RETRANSFORM = 37 };

typedef void (*rm_jvmti_load_hook)(rm_jvmti ti, rm_jenv e, rm_jref redefined, rm_jref loader, const char *name,
				   rm_jref domain, int32_t size, const unsigned char *bytes, int32_t *ret_size,
				   unsigned char **ret_bytes);

/* jvmtiEventCallbacks, as far as it is used: VMInit, VMDeath, ThreadStart, ThreadEnd, ClassFileLoadHook. */
struct rm_jvmti_callbacks {
	void *unused[4];
	rm_jvmti_load_hook class_file_load;
};

static inline int32_t rm_jvmti_enable(rm_jvmti ti, int32_t event)
{
	return RM_JVM_FUNCTION(int32_t (*)(rm_jvmti, int32_t, int32_t, rm_jref, ...), ti, 1)(ti, RM_JVMTI_ENABLE, event,
											     NULL);
}

static inline int32_t rm_jvmti_allocate(rm_jvmti ti, int64_t size, unsigned char **ret)
{
	return RM_JVM_FUNCTION(int32_t (*)(rm_jvmti, int64_t, unsigned char **), ti, 45)(ti, size, ret);
}

static inline void rm_jvmti_deallocate(rm_jvmti ti, void *p)
{
	RM_JVM_FUNCTION(int32_t (*)(rm_jvmti, unsigned char *), ti, 46)(ti, p);
}

static inline int32_t rm_jvmti_signature(rm_jvmti ti, rm_jref class, char **ret)
{
	return RM_JVM_FUNCTION(int32_t (*)(rm_jvmti, rm_jref, char **, char **), ti, 47)(ti, class, ret, NULL);
}

static inline int32_t rm_jvmti_loaded_classes(rm_jvmti ti, int32_t *ret_count, rm_jref **ret)
{
	return RM_JVM_FUNCTION(int32_t (*)(rm_jvmti, int32_t *, rm_jref **), ti, 77)(ti, ret_count, ret);
}

static inline int32_t rm_jvmti_callbacks(rm_jvmti ti, const struct rm_jvmti_callbacks *callbacks)
{
	return RM_JVM_FUNCTION(int32_t (*)(rm_jvmti, const struct rm_jvmti_callbacks *, int32_t), ti, 121)(
		ti, callbacks, sizeof(*callbacks));
}

static inline void rm_jvmti_dispose(rm_jvmti ti)
{
	RM_JVM_FUNCTION(int32_t (*)(rm_jvmti), ti, 126)(ti);
}

static inline int32_t rm_jvmti_phase(rm_jvmti ti, int32_t *ret)
{
	return RM_JVM_FUNCTION(int32_t (*)(rm_jvmti, int32_t *), ti, 132)(ti, ret);
}

static inline int32_t rm_jvmti_add_capabilities(rm_jvmti ti, const struct rm_jvmti_capabilities *add)
{
	return RM_JVM_FUNCTION(int32_t (*)(rm_jvmti, const struct rm_jvmti_capabilities *), ti, 141)(ti, add);
}

static inline int32_t rm_jvmti_retransform(rm_jvmti ti, int32_t count, const rm_jref *classes)
{
	return RM_JVM_FUNCTION(int32_t (*)(rm_jvmti, int32_t, const rm_jref *), ti, 151)(ti, count, classes);
}

#endif
