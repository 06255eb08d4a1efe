/*
 * Asks a DNS server, whose address is named, with c-ares, as programs without a resolver of their own do: one question after the
 * other, and two at once. Prints what came of each.
 */
#include <ares.h>
#include <ares_nameser.h>
#include <netdb.h>
#include <stdio.h>
#include <sys/select.h>

static void on_answer(void *arg, int status, int timeouts, unsigned char *answer, int bytes)
{
	(void)timeouts, (void)answer;
	printf("%s: %s, %d bytes\n", (const char *)arg, ares_strerror(status), bytes);
}

static void wait_for_all(ares_channel channel)
{
	for (;;) {
		struct timeval most = { 5, 0 }, time, *left;
		fd_set readers, writers;
		int n;

		FD_ZERO(&readers);
		FD_ZERO(&writers);
		n = ares_fds(channel, &readers, &writers);
		if (n == 0)
			return;
		left = ares_timeout(channel, &most, &time);
		select(n, &readers, &writers, NULL, left);
		ares_process(channel, &readers, &writers);
	}
}

static void ask(ares_channel channel, const char *name, int type)
{
	ares_query(channel, name, ns_c_in, type, on_answer, (void *)name);
	wait_for_all(channel);
}

int main(int argc, char **argv)
{
	struct ares_options options = { .timeout = 5000, .tries = 1 };
	ares_channel channel;

	if (argc < 2 || ares_library_init(ARES_LIB_INIT_ALL) || ares_init_options(&channel, &options, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES) ||
	    ares_set_servers_csv(channel, argv[1]))
		return 1;
	ask(channel, "one.test", ns_t_a);
	ask(channel, "one.test", ns_t_aaaa);
	ask(channel, "alias.test", ns_t_a);
	ask(channel, "nx.one.test", ns_t_a);
	ask(channel, "fail.test", ns_t_a);
	ask(channel, "empty.test", ns_t_mx);
	ask(channel, "big.test", ns_t_a);
	ask(channel, "7.113.0.203.in-addr.arpa", ns_t_ptr);
	ares_destroy(channel);
	ares_library_cleanup();
	return 0;
}
