/*
 * Moves into HotSpot when the program turns out to be a server: it accepted its first connection. What
 * serves nobody (java -version, javac, clients) is left alone. The thread that accepted is in native code then,
 * holds nothing of ours, and may wait for a safepoint as in any call of JNI.
 *
 * Through the tools' interface (JVMTI) a helper class is added to java.base, and calls of it to the methods that
 * rules.c lists: of classes that are there and, in a hook, of those that are loaded from now on. No option, no
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

static created_jvms find_jvms;
static rm_jvmti tools;

/* ---- the hook of classes ---- */

static void loaded(rm_jvmti ti, rm_jenv e, rm_jref redefined, rm_jref loader, const char *name, rm_jref domain,
		   int32_t size, const unsigned char *bytes, int32_t *ret_size, unsigned char **ret_bytes)
{
	const struct rm_java_rule *rule = name ? rm_java_rules_of(name, strlen(name)) : NULL;
	size_t room = rule && size > 0 ? rm_classfile_room(bytes, (size_t)size) : 0, n;
	unsigned char *made;

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

/* Of the classes that are there, those that have rules. */
static int32_t find_classes(rm_jvmti ti, rm_jref ret[RETRANSFORMED_MAX])
{
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
		if (bytes > 2 && rm_java_rules_of(signature + 1, bytes - 2))
			ret[n++] = all[i];
		rm_jvmti_deallocate(ti, signature);
	}
	rm_jvmti_deallocate(ti, all);
	return n;
}

static bool hook_classes(rm_jvmti ti, rm_jenv e)
{
	struct rm_jvmti_capabilities add = { { 1u << RM_JVMTI_ALL_CLASS_HOOKS, 1u << (RM_JVMTI_RETRANSFORM - 32) } };
	struct rm_jvmti_callbacks callbacks = { .class_file_load = loaded };
	rm_jref classes[RETRANSFORMED_MAX];
	int32_t n, failed = 0;

	if (rm_jvmti_add_capabilities(ti, &add) != 0 || rm_jvmti_callbacks(ti, &callbacks) != 0 ||
	    rm_jvmti_enable(ti, RM_JVMTI_CLASS_FILE_LOAD_HOOK) != 0)
		return false;
	/* It may be loaded first where a virtual thread changes places, and the hook is not called. */
	if (!rm_jni_find_class(e, "java/util/concurrent/ThreadPoolExecutor$Worker"))
		rm_jni_exception_clear(e);
	n = find_classes(ti, classes);
	if (n && rm_jvmti_retransform(ti, n, classes) != 0)
		for (int32_t i = 0; i < n; i++) /* one of them may be at fault */
			failed += rm_jvmti_retransform(ti, 1, &classes[i]) != 0;
	if (failed)
		rm_debug(RM_LOG_TRACE, "adapter java: %d of %d classes could not be changed", (int)failed, (int)n);
	return true;
}

/* ---- the helper class ---- */

static bool define(rm_jenv e)
{
	rm_jref helper = NULL;

	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
		helper = rm_jni_define_class(e, classes[i].name, classes[i].bytes, classes[i].size);
		if (!helper || rm_jni_exception(e))
			return false;
	}
	/* Asking for a method initializes the class. */
	return rm_java_register(e, helper) &&
	       rm_jni_static_method(e, helper, "capture", "(Ljava/lang/Object;)V") && !rm_jni_exception(e);
}

/* ---- where it is not wanted ---- */

static const char *const reasons[] = {
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

	arguments = m ? rm_jni_call_static_object(e, vm, m) : NULL;
	if (!m || rm_jni_exception(e))
		return true;
	if (!arguments) /* it has none */
		return false;
	for (int32_t i = 0, n = rm_jni_array_length(e, arguments); i < n && !ret; i++)
		ret = argument_forbids(e, rm_jni_array_at(e, arguments, i));
	return ret;
}

/* ---- the adapter ---- */

static bool move_in(rm_jvm vm, rm_jenv e)
{
	int32_t phase = 0;
	void *ti;
	bool ret;

	if (rm_jvm_get_env(vm, &ti, RM_JVMTI_1_2) != 0)
		return false;
	tools = ti;
	ret = rm_jvmti_phase(tools, &phase) == 0 && phase == RM_JVMTI_LIVE && !stands_aside(e) && define(e) &&
	      hook_classes(tools, e);
	if (rm_jni_exception(e))
		rm_jni_exception_clear(e);
	if (!ret)
		rm_jvmti_dispose(tools);
	return ret;
}

static bool serve(void)
{
	static atomic_bool begun;
	int32_t count = 0;
	rm_jvm vm;
	void *env;
	rm_jenv e;
	bool in_place;

	if (!find_jvms || find_jvms(&vm, 1, &count) != 0 || count != 1 || rm_jvm_get_env(vm, &env, RM_JNI_1_6) != 0)
		return true;
	e = env;
	if (rm_jni_exception(e) || atomic_exchange(&begun, true))
		return true;
	if (rm_jni_push_frame(e, REFERENCES_MAX) != 0) {
		rm_jni_exception_clear(e);
		return false;
	}
	in_place = move_in(vm, e);
	rm_jni_pop_frame(e, NULL);
	rm_debug(RM_LOG_TRACE, "adapter java: %s", in_place ? "in place" : "stands aside");
	return false;
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
};
