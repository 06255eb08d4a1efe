/*
 * Asks a DNS server, whose address is named, over datagram sockets in all the ways there are: connected and not, by each call
 * that sends and receives; again before there is an answer, and not waiting for one. Prints what came.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

static struct sockaddr_in server = { .sin_family = AF_INET };

static size_t question(unsigned char *p, unsigned id, const char *name)
{
	static const unsigned char head[] = { 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0 }, tail[] = { 0, 0, 1, 0, 1 };
	size_t n = sizeof(head);

	memcpy(p, head, sizeof(head));
	p[0] = (unsigned char)(id >> 8);
	p[1] = (unsigned char)id;
	while (*name) {
		size_t label = strcspn(name, ".");

		p[n++] = (unsigned char)label;
		memcpy(p + n, name, label);
		n += label;
		name += label + (name[label] == '.');
	}
	memcpy(p + n, tail, sizeof(tail));
	return n + sizeof(tail);
}

static int open_socket(int connected)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (connected && connect(fd, (struct sockaddr *)&server, sizeof(server)) != 0)
		perror("connect");
	return fd;
}

static void say(const char *how, const unsigned char *p, ssize_t n)
{
	printf("%s %zd", how, n);
	if (n > 12)
		printf(" %d %d.%d.%d.%d", p[3] & 15, p[n - 4], p[n - 3], p[n - 2], p[n - 1]);
	putchar('\n');
}

int main(int argc, char **argv)
{
	unsigned char p[512], q[512], r[512], s[512];
	struct iovec iov[2] = { { p, 0 }, { q, 0 } }, in[2] = { { r, sizeof(r) }, { s, sizeof(s) } };
	struct msghdr m = { .msg_name = &server, .msg_namelen = sizeof(server), .msg_iov = iov, .msg_iovlen = 1 };
	struct mmsghdr both[2] = { { .msg_hdr = { .msg_iov = &iov[0], .msg_iovlen = 1 } }, { .msg_hdr = { .msg_iov = &iov[1], .msg_iovlen = 1 } } };
	struct mmsghdr got[2] = { { .msg_hdr = { .msg_iov = &in[0], .msg_iovlen = 1 } }, { .msg_hdr = { .msg_iov = &in[1], .msg_iovlen = 1 } } };
	struct pollfd ready;
	int fd, other, count;

	server.sin_port = htons(53);
	inet_pton(AF_INET, argc > 1 ? argv[1] : "127.0.0.1", &server.sin_addr);

	fd = open_socket(1);
	send(fd, p, question(p, 1, "send.test"), 0);
	ready = (struct pollfd){ fd, POLLIN, 0 };
	printf("%d\n", poll(&ready, 1, 10000));
	say("peeked", r, recv(fd, r, sizeof(r), MSG_PEEK));
	say("recv", r, recv(fd, r, sizeof(r), 0));
	if (write(fd, p, question(p, 2, "write.test")) < 0)
		perror("write");
	say("read", r, read(fd, r, sizeof(r)));

	iov[0].iov_len = question(p, 3, "first.test");
	iov[1].iov_len = question(q, 3, "second.test");
	printf("%d\n", sendmmsg(fd, both, 2, 0));
	for (count = 0; count < 2;)
		count += recvmmsg(fd, got + count, 2 - (unsigned)count, MSG_WAITFORONE, NULL);
	say("recvmmsg", r, got[0].msg_len);
	say("recvmmsg", s, got[1].msg_len);

	/* Asked again before there is an answer, and then no more. */
	send(fd, p, question(p, 4, "silent.test"), 0);
	send(fd, p, question(p, 4, "silent.test"), 0);
	close(fd);

	fd = open_socket(0);
	sendto(fd, p, question(p, 5, "sendto.test"), 0, (struct sockaddr *)&server, sizeof(server));
	say("recvfrom", r, recvfrom(fd, r, sizeof(r), 0, NULL, NULL));
	iov[0].iov_len = question(p, 6, "sendmsg.test");
	sendmsg(fd, &m, 0);
	m.msg_iov = in;
	say("recvmsg", r, recvmsg(fd, &m, 0));

	/* The socket gets another one's number. */
	sendto(fd, p, question(p, 7, "silent2.test"), 0, (struct sockaddr *)&server, sizeof(server));
	other = open_socket(0);
	dup2(other, fd);
	/* No question, and no answer that anybody asked for. */
	sendto(fd, "hello", 5, 0, (struct sockaddr *)&server, sizeof(server));
	sendto(fd, p, question(p, 8, "silent3.test"), 0, (struct sockaddr *)&server, sizeof(server));
	fflush(stdout);
	return 0;
}
