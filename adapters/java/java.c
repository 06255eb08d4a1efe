/*
 * Moves into HotSpot when the program turns out to be a server: it accepted its first connection. Into what serves
 * nobody only the part for the JVM's own TLS moves, when a connection begins with that; other programs (java -version,
 * javac) are left alone. The thread that accepted, or sends a ClientHello, is in native code then,
 * holds nothing of ours, and may wait for a safepoint as in any call of JNI.
 *
 * Through the tools' interface (JVMTI) helper classes are added to java.base, and calls of them to the methods that
 * rules/ lists: of classes that are there and, in a hook, of those that are loaded from now on. No option, no
 * jar, no variable, no attaching, which recent versions warn of.
 *
 * It stands aside where another tracer is at work, where loading agents at run time is forbidden, and while
 * the JVM writes an archive of its classes.
 * Context: app. The hook runs wherever a class is loaded: it only reads and writes bytes.
 */
#include <stdatomic.h>

#include "adapters/java/classfile.h"
#include "adapters/java/kinds.h"
#include "agent/adapter_api.h"
#include "base/log.h"
#include "base/objects.h"
#include "classes.h"

enum {
	REFERENCES_MAX = 65536, /* as many as a JVM lets us ask for: one for each loaded class */
	ARGUMENT_MAX = 512,     /* bytes of an argument that are looked at */
	RETRANSFORMED_MAX = 128,
};

typedef int32_t (*created_jvms)(rm_jvm *ret, int32_t cap, int32_t *ret_count);

enum part {
	PART_TLS = 1,   /* the JVM's own TLS */
	PART_SERVER = 2, /* all else */
};

static created_jvms find_jvms;
static rm_jvmti tools;            /* NULL: not asked for yet, or it is not wanted there */
static atomic_uint parts;         /* those that are in place, or on their way */
static atomic_bool busy;          /* some thread moves in; it alone touches these: */
static unsigned tried;            /* parts */
static bool stands_aside_for_good;

/* What is to be done when this thread next loads a class; see give_natives. */
static struct {
	_Atomic(rm_jenv) thread; /* NULL: nothing */
	bool (*give)(rm_jenv e, rm_jref helper);
	rm_jref helper;
	bool given;
} waiting;

static enum part part_of(const char *class)
{
	return memcmp(class, RM_JAVA_TLS, sizeof(RM_JAVA_TLS) - 1) == 0 ? PART_TLS : PART_SERVER;
}

/* ---- the hook of classes ---- */

/* The rules of a class, of the parts that are in place. */
static const struct rm_java_rule *rules_of(const char *name, size_t n)
{
	const struct rm_java_rule *rule = rm_java_rules_of(name, n);

	return rule && atomic_load(&parts) & part_of(rule->class) ? rule : NULL;
}

static void loaded(rm_jvmti ti, rm_jenv e, rm_jref redefined, rm_jref loader, const char *name, rm_jref domain,
		   int32_t size, const unsigned char *bytes, int32_t *ret_size, unsigned char **ret_bytes)
{
	const struct rm_java_rule *rule = name ? rules_of(name, strlen(name)) : NULL;
	size_t room = rule && size > 0 ? rm_classfile_room(bytes, (size_t)size) : 0, n;
	unsigned char *made;

	if (atomic_load(&waiting.thread) == e) {
		atomic_store(&waiting.thread, NULL);
		waiting.given = waiting.give(e, waiting.helper);
		if (rm_jni_exception(e))
			rm_jni_exception_clear(e);
	}
	if (!room || rm_jvmti_allocate(ti, (int64_t)room, &made) != 0)
		return;
	n = rm_classfile_rewrite(bytes, (size_t)size, rule, made);
	rm_debug(RM_LOG_TRACE, "adapter java: %s %s", name, n ? "rewritten" : "stays as it is");
	if (!n) {
		rm_jvmti_deallocate(ti, made);
		return;
	}
	*ret_size = (int32_t)n;
	*ret_bytes = made;
}

/* Of the classes that are there, those that have rules of these parts. */
static int32_t find_classes(rm_jvmti ti, unsigned wanted, rm_jref ret[RETRANSFORMED_MAX])
{
	const struct rm_java_rule *rule;

	int32_t count = 0, n = 0;
	rm_jref *all;
	char *signature;

	if (rm_jvmti_loaded_classes(ti, &count, &all) != 0)
		return 0;
	for (int32_t i = 0; i < count && n < RETRANSFORMED_MAX; i++) {
		size_t bytes;

		if (rm_jvmti_signature(ti, all[i], &signature) != 0)
			continue;
		bytes = strlen(signature); /* Ljava/lang/Object; */
		rule = bytes > 2 ? rm_java_rules_of(signature + 1, bytes - 2) : NULL;
		if (rule && wanted & part_of(rule->class))
			ret[n++] = all[i];
		rm_jvmti_deallocate(ti, signature);
	}
	rm_jvmti_deallocate(ti, all);
	return n;
}

static bool hook_classes(rm_jvmti ti)
{
	struct rm_jvmti_capabilities add = { { 1u << RM_JVMTI_ALL_CLASS_HOOKS, 1u << (RM_JVMTI_RETRANSFORM - 32) } };
	struct rm_jvmti_callbacks callbacks = { .class_file_load = loaded };

	return rm_jvmti_add_capabilities(ti, &add) == 0 && rm_jvmti_callbacks(ti, &callbacks) == 0 &&
	       rm_jvmti_enable(ti, RM_JVMTI_CLASS_FILE_LOAD_HOOK) == 0;
}

static void change_classes(rm_jvmti ti, rm_jenv e, unsigned wanted)
{
	rm_jref classes[RETRANSFORMED_MAX];
	int32_t n, failed = 0;

	/* It may be loaded first where a virtual thread changes places, and the hook is not called. */
	if (wanted & PART_SERVER && !rm_jni_find_class(e, "java/util/concurrent/ThreadPoolExecutor$Worker"))
		rm_jni_exception_clear(e);
	n = find_classes(ti, wanted, classes);
	if (n && rm_jvmti_retransform(ti, n, classes) != 0)
		for (int32_t i = 0; i < n; i++) /* one of them may be at fault */
			failed += rm_jvmti_retransform(ti, 1, &classes[i]) != 0;
	if (failed)
		rm_debug(RM_LOG_TRACE, "adapter java: %d of %d classes could not be changed", (int)failed, (int)n);
}

/* ---- the helper classes ---- */

/*
 * A JVM prints a warning when methods of a class in java.base are given by what the program's own classes called, as where a
 * native method of theirs accepts connections (Netty's). It looks at who called the method that runs now: while the JDK's
 * Class.forName loads a class, that is the JDK. These are classes of java.base that hardly any program uses; where all of
 * them were loaded before, the adapter stands aside.
 */
static bool give_natives(rm_jenv e, rm_jref helper, bool (*give)(rm_jenv, rm_jref))
{
	static const char unused[][36] = {
		"java.util.zip.CheckedOutputStream", "java.io.LineNumberInputStream", "java.io.StreamTokenizer",
		"java.util.EmptyStackException", "java.io.StringBufferInputStream",
	};
	rm_jref class = rm_jni_find_class(e, "java/lang/Class");
	rm_jmethod m = class ? rm_jni_static_method(e, class, "forName",
						    "(Ljava/lang/String;ZLjava/lang/ClassLoader;)Ljava/lang/Class;") : NULL;

	waiting.give = give;
	waiting.helper = helper;
	waiting.given = false;
	for (size_t i = 0; m && i < sizeof(unused) / sizeof(unused[0]) && !waiting.given; i++) {
		union rm_jvalue given[3] = { { .l = rm_jni_new_string(e, unused[i]) } }; /* not initialized; the JDK's own loader */

		atomic_store(&waiting.thread, e);
		if (given[0].l)
			rm_jni_call_static_object(e, class, m, given);
		atomic_store(&waiting.thread, NULL);
		if (rm_jni_exception(e))
			rm_jni_exception_clear(e);
	}
	return waiting.given;
}

/* Those of one part, the one that is called last. */
static bool define(rm_jenv e, enum part part)
{
	rm_jref helper = NULL;

	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
		if (part_of(classes[i].name) != part)
			continue;
		helper = rm_jni_define_class(e, classes[i].name, class_bytes + classes[i].at, classes[i].size);
		if (!helper || rm_jni_exception(e))
			return false;
	}
	if (part == PART_TLS)
		return give_natives(e, helper, rm_java_register_tls);
	/* Asking for a method initializes the class. */
	return give_natives(e, helper, rm_java_register) &&
	       rm_jni_static_method(e, helper, "capture", "(Ljava/lang/Object;)V") && !rm_jni_exception(e);
}

/* ---- where it is not wanted ---- */

static const char reasons[][36] = {
	/* Tracers, by what their objects are called. */
	"opentelemetry", "otel", "dd-java-agent", "dd-trace", "newrelic", "elastic-apm", "skywalking", "pinpoint",
	"appdynamics", "appserveragent", "liboneagent", "dynatrace", "instana", "glowroot", "scouter", "sentry", "honeycomb",
	"lightstep", "splunk", "applicationinsights", "inspectit", "kamon", "solarwinds", "signalfx",
	/* What the user forbids, and what would keep our classes. */
	"-XX:-EnableDynamicAgentLoading", "-XX:ArchiveClassesAtExit", "-XX:+AutoCreateSharedArchive", "-XX:AOTMode",
	"-XX:AOTCacheOutput", "-XX:CRaCCheckpointTo",
};

static bool is_agent(struct rm_str argument)
{
	return argument.n > 6 && (memcmp(argument.p, "-javaa", 6) == 0 || memcmp(argument.p, "-agent", 6) == 0);
}

/* Does the argument forbid it? Names of tracers count where an agent is named only. */
static bool forbids(struct rm_str argument)
{
	bool agent = is_agent(argument);

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		size_t n = strlen(reasons[i]);

		if (!agent && reasons[i][0] == '-' && argument.n >= n && memcmp(argument.p, reasons[i], n) == 0)
			return true;
		for (size_t at = 0; agent && at + n <= argument.n; at++)
			if (rm_str_ieq((struct rm_str){ argument.p + at, n }, (struct rm_str){ reasons[i], n }))
				return true;
	}
	return false;
}

static bool argument_forbids(rm_jenv e, rm_jref argument)
{
	char text[ARGUMENT_MAX + 1];
	int32_t n = argument ? rm_jni_string_bytes(e, argument) : 0;

	/* One that is longer is a path: it is compared as far as it goes. */
	if (!argument || rm_jni_string_chars(e, argument) != n) /* not ASCII: no option that we know */
		return false;
	n = n < ARGUMENT_MAX ? n : ARGUMENT_MAX;
	rm_jni_string_copy(e, argument, n, text);
	return rm_jni_exception(e) || forbids((struct rm_str){ text, (size_t)n });
}

/* By the arguments of the JVM, wherever they came from. */
static bool stands_aside(rm_jenv e)
{
	rm_jref vm = rm_jni_find_class(e, "jdk/internal/misc/VM"), arguments;
	rm_jmethod m = vm ? rm_jni_static_method(e, vm, "getRuntimeArguments", "()[Ljava/lang/String;") : NULL;
	bool ret = false;

	arguments = m ? rm_jni_call_static_object(e, vm, m, NULL) : NULL;
	if (!m || rm_jni_exception(e))
		return true;
	if (!arguments) /* it has none */
		return false;
	for (int32_t i = 0, n = rm_jni_array_length(e, arguments); i < n && !ret; i++)
		ret = argument_forbids(e, rm_jni_array_at(e, arguments, i));
	return ret;
}

/* ---- the adapter ---- */

/* False: not wanted there, or not possible. */
static bool prepare(rm_jvm vm, rm_jenv e)
{
	int32_t phase = 0;
	void *ti;

	if (tools)
		return true;
	if (stands_aside_for_good || rm_jvm_get_env(vm, &ti, RM_JVMTI_1_2) != 0)
		return false;
	if (rm_jvmti_phase(ti, &phase) == 0 && phase == RM_JVMTI_LIVE && !stands_aside(e) && hook_classes(ti)) {
		tools = ti;
		return true;
	}
	stands_aside_for_good = true;
	rm_jvmti_dispose(ti);
	return false;
}

static void move_in(rm_jvm vm, rm_jenv e, unsigned wanted)
{
	unsigned made = 0;

	if (prepare(vm, e)) {
		for (unsigned part = PART_TLS; part <= PART_SERVER; part <<= 1) {
			made |= wanted & part && define(e, (enum part)part) ? part : 0;
			if (rm_jni_exception(e))
				rm_jni_exception_clear(e);
		}
		atomic_fetch_or(&parts, made);
		change_classes(tools, e, made);
	}
	if (rm_jni_exception(e))
		rm_jni_exception_clear(e);
	rm_debug(RM_LOG_TRACE, "adapter java: %s%s", !made ? "stands aside" : made & PART_SERVER ? "in place" : "in place for TLS",
		 made == PART_SERVER && wanted & PART_TLS ? ", not for TLS" : "");
}

/* True: to be tried again. */
static bool enter(unsigned wanted)
{
	int32_t count = 0;
	rm_jvm vm;
	void *env;
	rm_jenv e;

	if (!find_jvms || find_jvms(&vm, 1, &count) != 0 || count != 1 || rm_jvm_get_env(vm, &env, RM_JNI_1_6) != 0)
		return true;
	e = env;
	if (rm_jni_exception(e) || atomic_exchange(&busy, true))
		return true;
	wanted &= ~tried;
	tried |= wanted;
	if (wanted && rm_jni_push_frame(e, REFERENCES_MAX) == 0) {
		move_in(vm, e, wanted);
		rm_jni_pop_frame(e, NULL);
	} else if (wanted) {
		rm_jni_exception_clear(e);
	}
	atomic_store(&busy, false);
	return false;
}

static bool serve(void)
{
	return enter(PART_TLS | PART_SERVER);
}

static bool secure(void)
{
	return enter(PART_TLS);
}

/* True ends the walk. HotSpot alone tells its inner structure to debuggers. */
static bool is_hotspot(const struct rm_object *o, void *found)
{
	struct rm_str path = rm_str_c(o->path), name = RM_STR("/libjvm.so");
	void *f;

	if (path.n < name.n || memcmp(path.p + path.n - name.n, name.p, name.n) != 0)
		return false;
	f = rm_object_function(o, "JNI_GetCreatedJavaVMs");
	memcpy(found, &f, sizeof(f));
	return f && rm_object_function(o, "JVM_GetVmArguments");
}

static enum rm_arrival arrive(void)
{
	created_jvms found = NULL;

	if (!rm_objects_each(is_hotspot, &found))
		return RM_ARRIVAL_ABSENT;
	find_jvms = found;
	return RM_ARRIVAL_DONE;
}

const struct rm_adapter rm_adapter_java = {
	.name = "java",
	.arrive = arrive,
	.serve = serve,
	.secure = secure,
};
