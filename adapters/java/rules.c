/*
 * Where the adapter stands in the JDK and in libraries: all tables of rules/, and which rules a class has.
 * Context: any.
 */
#include <stdbool.h>
#include <string.h>

#include "adapters/java/rules/tables.h"

/* Not an array: each address in one would be another for the loader to write, in every process. */
const struct rm_java_rule *rm_java_rules_in(unsigned table)
{
	switch (table) {
	case 0: return rm_java_rules_jdk;
	case 1: return rm_java_rules_jdk_tls;
	case 2: return rm_java_rules_servers;
	case 3: return rm_java_rules_netty;
	case 4: return rm_java_rules_reactor;
	case 5: return rm_java_rules_rxjava;
	case 6: return rm_java_rules_vertx;
	case 7: return rm_java_rules_kotlin;
	case 8: return rm_java_rules_grpc;
	case 9: return rm_java_rules_clients;
	default: return NULL;
	}
}

static bool is_of(const struct rm_java_rule *rule, const char *class, size_t n)
{
	return n < sizeof(rule->class) && rule->class[n] == '\0' && memcmp(rule->class, class, n) == 0;
}

const struct rm_java_rule *rm_java_rules_of(const char *class, size_t n)
{
	const struct rm_java_rule *rule;

	for (unsigned i = 0; (rule = rm_java_rules_in(i)); i++)
		for (; rule->class[0]; rule++)
			if (is_of(rule, class, n))
				return rule;
	return NULL;
}
