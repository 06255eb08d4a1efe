/* The tables of rules, each in the file of its name beside. Each ends with a rule of class "". */
#ifndef RM_ADAPTERS_JAVA_RULES_TABLES_H
#define RM_ADAPTERS_JAVA_RULES_TABLES_H

#include "adapters/java/classfile.h"

extern const struct rm_java_rule rm_java_rules_clients[];
extern const struct rm_java_rule rm_java_rules_grpc[];
extern const struct rm_java_rule rm_java_rules_jdk[];
extern const struct rm_java_rule rm_java_rules_jdk_tls[];
extern const struct rm_java_rule rm_java_rules_kotlin[];
extern const struct rm_java_rule rm_java_rules_netty[];
extern const struct rm_java_rule rm_java_rules_reactor[];
extern const struct rm_java_rule rm_java_rules_rxjava[];
extern const struct rm_java_rule rm_java_rules_servers[];
extern const struct rm_java_rule rm_java_rules_vertx[];

#endif
