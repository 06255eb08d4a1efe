/*
 * Looks names up with libc, by all of its functions, at the server on the port that is named: libc's resolver is told where
 * that is, as it has no variable for it. Prints what came of each.
 *   main PORT threads    looks up one name in each of 8 threads
 *   main PORT longjmp    an alarm's handler jumps out of a look-up that nobody answers; then another one
 *   main PORT deeper     the same, and that one from further down the stack
 *   main PORT exit       ends while another thread waits for an answer
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <resolv.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int port;

/* The resolver's state is each thread's own. */
static void use_server(void)
{
	res_init();
	_res.nscount = 1;
	_res.nsaddr_list[0].sin_family = AF_INET;
	_res.nsaddr_list[0].sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	_res.nsaddr_list[0].sin_port = htons((unsigned short)port);
	_res.dnsrch[0] = NULL;
	_res.retrans = 20;
	_res.retry = 1;
}

static void addresses(const char *name, int family, int flags)
{
	struct addrinfo hints = { .ai_family = family, .ai_socktype = SOCK_STREAM, .ai_flags = flags }, *found = NULL;
	int result = getaddrinfo(name, "80", &hints, &found);
	char text[INET6_ADDRSTRLEN];
	int count = 0;

	for (struct addrinfo *a = found; a; a = a->ai_next)
		count++;
	text[0] = '\0';
	if (found && found->ai_family == AF_INET)
		inet_ntop(AF_INET, &((struct sockaddr_in *)found->ai_addr)->sin_addr, text, sizeof(text));
	printf("getaddrinfo %s: %d %d %s\n", name ? name : "-", result, count, text);
	if (result == 0)
		freeaddrinfo(found);
}

static void host(const char *what, const struct hostent *h, int error)
{
	char text[INET6_ADDRSTRLEN] = "";

	if (h && h->h_addr_list[0])
		inet_ntop(h->h_addrtype, h->h_addr_list[0], text, sizeof(text));
	printf("%s: %s %s %d\n", what, h ? h->h_name : "-", text, h ? 0 : error);
}

static void hosts(void)
{
	struct hostent room, *found;
	char text[2048], small[8];
	int error = 0, result;

	host("gethostbyname", gethostbyname("byname.test"), h_errno);
	host("gethostbyname", gethostbyname("nx.byname.test"), h_errno);
	host("gethostbyname", gethostbyname("192.0.2.9"), h_errno);
	host("gethostbyname2", gethostbyname2("byname2.test", AF_INET6), h_errno);
	result = gethostbyname_r("byname-r.test", &room, text, sizeof(text), &found, &error);
	printf("%d ", result);
	host("gethostbyname_r", found, error);
	result = gethostbyname_r("fail.test", &room, text, sizeof(text), &found, &error);
	printf("%d ", result != 0);
	host("gethostbyname_r", found, error);
	result = gethostbyname_r("small.test", &room, small, sizeof(small), &found, &error);
	printf("%d %d\n", result == ERANGE, error);
	result = gethostbyname2_r("byname2-r.test", AF_INET, &room, text, sizeof(text), &found, &error);
	printf("%d ", result);
	host("gethostbyname2_r", found, error);
}

static void names(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = inet_addr("203.0.113.7") };
	struct hostent room, *found;
	char text[2048];
	int error = 0, result;

	host("gethostbyaddr", gethostbyaddr(&address.sin_addr, sizeof(address.sin_addr), AF_INET), h_errno);
	result = gethostbyaddr_r(&address.sin_addr, sizeof(address.sin_addr), AF_INET, &room, text, sizeof(text), &found, &error);
	printf("%d ", result);
	host("gethostbyaddr_r", found, error);
	result = getnameinfo((struct sockaddr *)&address, sizeof(address), text, sizeof(text), NULL, 0, 0);
	printf("getnameinfo: %d %s\n", result, text);
	result = getnameinfo((struct sockaddr *)&address, sizeof(address), text, sizeof(text), NULL, 0, NI_NUMERICHOST);
	printf("getnameinfo: %d %s\n", result, text);
	address.sin_addr.s_addr = inet_addr("203.0.113.99");
	result = getnameinfo((struct sockaddr *)&address, sizeof(address), text, sizeof(text), NULL, 0, 0);
	printf("getnameinfo: %d %s\n", result, text);
}

static void *look_up(void *name)
{
	use_server();
	addresses(name, AF_INET, 0);
	return NULL;
}

static void threads(void)
{
	static char name[8][24];
	pthread_t thread[8];

	for (int i = 0; i < 8; i++) {
		snprintf(name[i], sizeof(name[i]), "thread%d.test", i);
		pthread_create(&thread[i], NULL, look_up, name[i]);
	}
	for (int i = 0; i < 8; i++)
		pthread_join(thread[i], NULL);
}

static sigjmp_buf out;

static void on_alarm(int signal)
{
	(void)signal;
	siglongjmp(out, 1);
}

/* Behind a buffer that nobody writes to: what was below stays as it was left. */
static __attribute__((noinline)) void from_further_down(const char *name)
{
	volatile char room[65536];

	room[0] = 0;
	addresses(name, AF_INET, room[0]);
}

static void jump(void (*next)(const char *))
{
	signal(SIGALRM, on_alarm);
	if (sigsetjmp(out, 1) == 0) {
		alarm(1);
		addresses("silent.test", AF_INET, 0);
	}
	puts("out");
	use_server();
	next("after.test");
}

static void from_here(const char *name)
{
	addresses(name, AF_INET, 0);
}

int main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[2] : "";
	pthread_t thread;

	port = argc > 1 ? atoi(argv[1]) : 53;
	use_server();
	if (strcmp(what, "threads") == 0) {
		threads();
	} else if (strcmp(what, "longjmp") == 0) {
		jump(from_here);
	} else if (strcmp(what, "deeper") == 0) {
		jump(from_further_down);
	} else if (strcmp(what, "exit") == 0) {
		pthread_create(&thread, NULL, look_up, "silent.test");
		sleep(1);
	} else {
		addresses("one.test", AF_INET, 0);
		addresses("both.test", AF_UNSPEC, 0);
		addresses("alias.test", AF_INET, 0);
		addresses("big.test", AF_INET, 0);
		addresses("nx.test", AF_INET, 0);
		addresses("fail.test", AF_INET, 0);
		addresses("empty.test", AF_INET, 0);
		addresses("127.0.0.1", AF_INET, 0);
		addresses("0x7f.1", AF_INET, 0);
		addresses("::1", AF_INET6, AI_NUMERICHOST);
		addresses("numeric.test", AF_INET, AI_NUMERICHOST);
		addresses("localhost", AF_INET, 0);
		addresses(NULL, AF_INET, AI_PASSIVE);
		hosts();
		names();
	}
	return 0;
}
