/*
 * Asks the DNS through libresolv's functions and getaddrinfo_a, at the server of /etc/resolv.conf. Prints what came of each.
 */
#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <errno.h>
#include <netdb.h>
#include <resolv.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned char answer[4096], question[512];

static void say(const char *what, int n)
{
	const HEADER *head = (const HEADER *)answer;

	printf("%s: ", what);
	if (n < 0)
		printf("none, h_errno %d\n", h_errno);
	else
		printf("%d bytes, rcode %d, %d answers\n", n, head->rcode, ntohs(head->ancount));
}

static void all_at_once(const char *names[], int n, int mode)
{
	struct sigevent none = { .sigev_notify = SIGEV_NONE };
	struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM };
	struct gaicb all[4] = { 0 }, *list[4];
	int result;

	for (int i = 0; i < n; i++) {
		all[i].ar_name = names[i];
		all[i].ar_request = &hints;
		list[i] = &all[i];
	}
	result = getaddrinfo_a(mode, list, n, &none);
	for (int i = 0; i < n; i++) {
		while (gai_error(list[i]) == EAI_INPROGRESS)
			gai_suspend((const struct gaicb *const *)&list[i], 1, NULL);
		printf("getaddrinfo_a %d %s: %d %s\n", result, names[i], gai_error(list[i]),
		       all[i].ar_result ? inet_ntoa(((struct sockaddr_in *)all[i].ar_result->ai_addr)->sin_addr) : "-");
		if (all[i].ar_result)
			freeaddrinfo(all[i].ar_result);
	}
}

int main(void)
{
	static const char *wait[] = { "wait.test", "nx.wait.test", "192.0.2.7", "wait2.test" }, *later[] = { "later.test", "fail.later.test" };
	static struct __res_state own;
	int n;

	if (res_init() != 0 || res_ninit(&own) != 0)
		return 1;
	say("res_query", res_query("query.test", ns_c_in, ns_t_a, answer, sizeof(answer)));
	say("res_query", res_query("nx.query.test", ns_c_in, ns_t_aaaa, answer, sizeof(answer)));
	say("res_query", res_query("empty.test.", ns_c_in, ns_t_mx, answer, sizeof(answer)));
	say("res_search", res_search("search.test", ns_c_in, ns_t_aaaa, answer, sizeof(answer)));
	say("res_querydomain", res_querydomain("joined", "test", ns_c_in, ns_t_a, answer, sizeof(answer)));
	say("res_nquerydomain", res_nquerydomain(&own, "nx.joined.test.", NULL, ns_c_in, ns_t_a, answer, sizeof(answer)));
	say("res_nquery", res_nquery(&own, "alias.test", ns_c_in, ns_t_a, answer, sizeof(answer)));
	say("res_nsearch", res_nsearch(&own, "fail.test", ns_c_in, ns_t_a, answer, sizeof(answer)));
	say("res_nquery", res_nquery(&own, "big.test", ns_c_in, ns_t_a, answer, 40));
	n = res_mkquery(ns_o_query, "send.test", ns_c_in, ns_t_a, NULL, 0, NULL, question, sizeof(question));
	say("res_send", res_send(question, n, answer, sizeof(answer)));
	n = res_mkquery(ns_o_query, "nx.send.test", ns_c_in, ns_t_a, NULL, 0, NULL, question, sizeof(question));
	say("res_nsend", res_nsend(&own, question, n, answer, sizeof(answer)));
	n = res_mkquery(ns_o_query, "silent.test", ns_c_in, ns_t_a, NULL, 0, NULL, question, sizeof(question));
	own.retrans = own.retry = 1;
	say("res_nsend", res_nsend(&own, question, n, answer, sizeof(answer)));
	all_at_once(wait, 4, GAI_WAIT);
	all_at_once(later, 2, GAI_NOWAIT);
	res_nclose(&own);
	return 0;
}
