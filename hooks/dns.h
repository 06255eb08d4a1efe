/* What the hooks of look-ups share: hooks/dns.c has those of getaddrinfo's kin, hooks/resolv.c those of libresolv's. */
#ifndef RM_HOOKS_DNS_H
#define RM_HOOKS_DNS_H

#include "agent/lookup.h"

struct addrinfo;

/* An error of getaddrinfo, and one of h_errno, in the words of the conventions. Context: any. */
struct rm_str rm_dns_error(int code);
struct rm_str rm_dns_host_error(int code);

/* Refused for what the program said of services and sockets: nobody was asked. Context: any. */
bool rm_dns_refused(int code);

/* h_errno of this thread; NETDB_INTERNAL where libc has none. Context: any. */
int rm_dns_last_error(void);
void rm_dns_set_last_error(int code);

/* Adds the addresses that getaddrinfo found. Context: app. */
void rm_dns_add_found(struct rm_answers *answers, const struct addrinfo *found);

#endif
