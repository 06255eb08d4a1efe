/*
 * Stands in for a kernel that has kTLS, where there is none: an object to be preloaded, which takes a TLS library's
 * keys (AES-GCM) in setsockopt and encrypts what write, send, sendmsg and sendfile are given, and decrypts what
 * recvmsg gives, as tls.rst of Linux says. What it does not know it refuses as a kernel without the module does.
 *
 * KTLS_RECEIVES=0 refuses the keys of the receiving side. Before each process ends, it writes to the file that KTLS_TOLD names
 * how often keys were taken, how many bytes it sent for calls with memory, and how many for sendfile.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/tls.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#ifndef SOL_TLS
#define SOL_TLS 282
#endif

enum { FDS = 4096, HEAD = 5, TAG = 16, EXPLICIT = 8, DATA = 23, PLAIN = 16384, RECORD = HEAD + PLAIN + 256 };

struct direction {
	bool on, tls13;
	const EVP_CIPHER *cipher;
	unsigned char key[32], iv[12], explicit[EXPLICIT];
	uint64_t number;
};

struct channel {
	bool layered;
	struct direction out, in;
	unsigned char record[RECORD]; /* what is there of the next one from the peer */
	size_t have;
};

static struct channel channels[FDS];
static _Atomic unsigned long keys_taken, copied, from_files;
static bool receives = true;
static char told[4096];

static struct channel *channel_of(int fd)
{
	return fd >= 0 && fd < FDS && channels[fd].layered ? &channels[fd] : NULL;
}

static void put_number(unsigned char *ret, uint64_t number)
{
	for (int i = 7; i >= 0; i--, number >>= 8)
		ret[i] = (unsigned char)number;
}

/* The nonce of the next record, and what is authenticated besides its text of `n` bytes. */
static int prepare(struct direction *d, unsigned char nonce[12], unsigned char aad[13], const unsigned char *head, size_t n)
{
	unsigned char number[8];

	put_number(number, d->number++);
	memcpy(nonce, d->iv, 12);
	if (d->tls13) {
		for (int i = 0; i < 8; i++)
			nonce[4 + i] ^= number[i];
		memcpy(aad, head, HEAD);
		return HEAD;
	}
	memcpy(nonce + 4, d->explicit, EXPLICIT);
	memcpy(aad, number, 8);
	memcpy(aad + 8, head, 3);
	aad[11] = (unsigned char)(n >> 8);
	aad[12] = (unsigned char)n;
	return 13;
}

/* ---- out ---- */

static void send_all(int fd, const unsigned char *p, size_t n)
{
	while (n > 0) {
		long sent = syscall(SYS_sendto, fd, p, n, MSG_NOSIGNAL, NULL, 0);
		struct pollfd wait = { .fd = fd, .events = POLLOUT };

		if (sent < 0 && errno == EAGAIN) {
			syscall(SYS_poll, &wait, 1, 1000);
			continue;
		}
		if (sent <= 0)
			return;
		p += sent;
		n -= (size_t)sent;
	}
}

static void send_record(int fd, struct direction *d, unsigned char type, const unsigned char *p, size_t n)
{
	unsigned char record[RECORD], text[PLAIN + 1], nonce[12], aad[13];
	size_t front = HEAD + (d->tls13 ? 0 : EXPLICIT), bytes = n + d->tls13, whole = front - HEAD + bytes + TAG;
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int done = 0, aad_bytes;

	memcpy(text, p, n);
	text[n] = type;
	memcpy(record, (unsigned char[]){ d->tls13 ? DATA : type, 3, 3, (unsigned char)(whole >> 8), (unsigned char)whole }, HEAD);
	memcpy(record + HEAD, d->explicit, d->tls13 ? 0 : EXPLICIT);
	aad_bytes = prepare(d, nonce, aad, record, n);
	EVP_EncryptInit_ex(ctx, d->cipher, NULL, d->key, nonce);
	EVP_EncryptUpdate(ctx, NULL, &done, aad, aad_bytes);
	EVP_EncryptUpdate(ctx, record + front, &done, text, (int)bytes);
	EVP_EncryptFinal_ex(ctx, record + front + bytes, &done);
	EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, TAG, record + front + bytes);
	EVP_CIPHER_CTX_free(ctx);
	put_number(d->explicit, be64toh(*(uint64_t *)d->explicit) + 1);
	send_all(fd, record, HEAD + whole);
}

static ssize_t send_plain(int fd, unsigned char type, const void *p, size_t n)
{
	for (size_t at = 0; at < n; at += PLAIN)
		send_record(fd, &channels[fd].out, type, (const unsigned char *)p + at, n - at < PLAIN ? n - at : PLAIN);
	copied += n;
	return (ssize_t)n;
}

static bool encrypts(int fd)
{
	struct channel *c = channel_of(fd);

	return c && c->out.on;
}

ssize_t write(int fd, const void *p, size_t n)
{
	return encrypts(fd) ? send_plain(fd, DATA, p, n) : syscall(SYS_write, fd, p, n);
}

ssize_t send(int fd, const void *p, size_t n, int flags)
{
	return encrypts(fd) ? send_plain(fd, DATA, p, n) : syscall(SYS_sendto, fd, p, n, flags, NULL, 0);
}

ssize_t sendmsg(int fd, const struct msghdr *m, int flags)
{
	struct cmsghdr *c = m ? CMSG_FIRSTHDR(m) : NULL;
	ssize_t sent = 0;

	if (!encrypts(fd))
		return syscall(SYS_sendmsg, fd, m, flags);
	for (size_t i = 0; i < m->msg_iovlen; i++)
		sent += send_plain(fd, c && c->cmsg_level == SOL_TLS ? *CMSG_DATA(c) : DATA, m->msg_iov[i].iov_base, m->msg_iov[i].iov_len);
	return sent;
}

ssize_t writev(int fd, const struct iovec *iov, int count)
{
	struct msghdr m = { .msg_iov = (struct iovec *)iov, .msg_iovlen = (size_t)count };

	return encrypts(fd) ? sendmsg(fd, &m, 0) : syscall(SYS_writev, fd, iov, count);
}

ssize_t sendfile(int out, int in, off_t *at, size_t n)
{
	static __thread unsigned char piece[PLAIN];
	off_t from = at ? *at : lseek(in, 0, SEEK_CUR);
	ssize_t got;

	if (!encrypts(out))
		return syscall(SYS_sendfile, out, in, at, n);
	got = pread(in, piece, n < sizeof(piece) ? n : sizeof(piece), from);
	if (got <= 0)
		return got;
	send_record(out, &channels[out].out, DATA, piece, (size_t)got);
	from_files += (unsigned long)got;
	if (at)
		*at += got;
	else
		lseek(in, got, SEEK_CUR);
	return got;
}

ssize_t sendfile64(int out, int in, off64_t *at, size_t n) __attribute__((alias("sendfile")));

/* ---- in ---- */

/* The next record, whole; -1 with errno. 0 at the end. */
static ssize_t receive_record(int fd, struct channel *c, int flags)
{
	size_t want = HEAD;
	long got;

	while (c->have < want) {
		got = syscall(SYS_recvfrom, fd, c->record + c->have, want - c->have, flags, NULL, NULL);
		if (got <= 0)
			return got;
		c->have += (size_t)got;
		if (c->have >= HEAD)
			want = HEAD + (size_t)(c->record[3] << 8 | c->record[4]);
	}
	return (ssize_t)want;
}

ssize_t recvmsg(int fd, struct msghdr *m, int flags)
{
	struct channel *c = channel_of(fd);
	unsigned char text[RECORD], nonce[12], aad[13], type;
	size_t front, bytes, room;
	EVP_CIPHER_CTX *ctx;
	int done = 0, good;
	ssize_t whole;

	if (!c || !c->in.on)
		return syscall(SYS_recvmsg, fd, m, flags);
	whole = receive_record(fd, c, flags);
	if (whole <= 0)
		return whole;
	c->have = 0;
	front = HEAD + (c->in.tls13 ? 0 : EXPLICIT);
	bytes = (size_t)whole - front - TAG;
	if (!c->in.tls13)
		memcpy(c->in.explicit, c->record + HEAD, EXPLICIT);
	good = prepare(&c->in, nonce, aad, c->record, bytes);
	ctx = EVP_CIPHER_CTX_new();
	EVP_DecryptInit_ex(ctx, c->in.cipher, NULL, c->in.key, nonce);
	EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, TAG, c->record + front + bytes);
	EVP_DecryptUpdate(ctx, NULL, &done, aad, good);
	EVP_DecryptUpdate(ctx, text, &done, c->record + front, (int)bytes);
	good = EVP_DecryptFinal_ex(ctx, text + done, &done);
	EVP_CIPHER_CTX_free(ctx);
	type = c->record[0];
	while (c->in.tls13 && bytes > 0 && !(type = text[--bytes]))
		;
	room = m->msg_iovlen ? m->msg_iov[0].iov_len : 0;
	if (good != 1 || bytes > room || m->msg_controllen < CMSG_SPACE(1)) {
		errno = EBADMSG;
		return -1;
	}
	memcpy(m->msg_iov[0].iov_base, text, bytes);
	CMSG_FIRSTHDR(m)->cmsg_level = SOL_TLS;
	CMSG_FIRSTHDR(m)->cmsg_type = TLS_GET_RECORD_TYPE;
	CMSG_FIRSTHDR(m)->cmsg_len = CMSG_LEN(1);
	*CMSG_DATA(CMSG_FIRSTHDR(m)) = type;
	m->msg_flags = MSG_EOR;
	copied += bytes;
	return (ssize_t)bytes;
}

/* ---- keys ---- */

#define TAKE(d, info)                                                                    \
	do {                                                                             \
		memcpy((d)->key, (info)->key, sizeof((info)->key));                      \
		memcpy((d)->iv, (info)->salt, 4);                                        \
		memcpy((d)->iv + 4, (info)->iv, 8);                                      \
		memcpy((d)->explicit, (info)->iv, 8);                                    \
		(d)->number = be64toh(*(const uint64_t *)(info)->rec_seq);               \
	} while (0)

static int take_keys(struct direction *d, const struct tls_crypto_info *info)
{
	if (info->cipher_type == TLS_CIPHER_AES_GCM_128)
		TAKE(d, (const struct tls12_crypto_info_aes_gcm_128 *)info);
	else if (info->cipher_type == TLS_CIPHER_AES_GCM_256)
		TAKE(d, (const struct tls12_crypto_info_aes_gcm_256 *)info);
	else
		return EINVAL;
	d->cipher = info->cipher_type == TLS_CIPHER_AES_GCM_128 ? EVP_aes_128_gcm() : EVP_aes_256_gcm();
	d->tls13 = info->version == TLS_1_3_VERSION;
	d->on = true;
	keys_taken++;
	return 0;
}

int setsockopt(int fd, int level, int option, const void *value, socklen_t n)
{
	struct channel *c = channel_of(fd);

	if (level == IPPROTO_TCP && option == TCP_ULP && fd >= 0 && fd < FDS && strcmp(value, "tls") == 0) {
		channels[fd].layered = true;
		return 0;
	}
	if (level != SOL_TLS)
		return (int)syscall(SYS_setsockopt, fd, level, option, value, n);
	errno = ENOPROTOOPT;
	if (!c || (option == TLS_RX && !receives) || (option != TLS_TX && option != TLS_RX))
		return -1;
	errno = take_keys(option == TLS_TX ? &c->out : &c->in, value);
	return errno ? -1 : 0;
}

int close(int fd)
{
	if (fd >= 0 && fd < FDS && channels[fd].layered)
		memset(&channels[fd], 0, sizeof(channels[fd]));
	return (int)syscall(SYS_close, fd);
}

/* Some programs throw their environment away. */
static __attribute__((constructor)) void look_around(void)
{
	const char *path = getenv("KTLS_TOLD"), *say = getenv("KTLS_RECEIVES");

	receives = !say || *say != '0';
	snprintf(told, sizeof(told), "%s", path ? path : "");
}

static __attribute__((destructor)) void tell(void)
{
	char line[100];
	int fd = *told && keys_taken ? open(told, O_WRONLY | O_CREAT | O_APPEND, 0644) : -1;

	if (fd < 0)
		return;
	snprintf(line, sizeof(line), "%lu %lu %lu\n", keys_taken, copied, from_files);
	syscall(SYS_write, fd, line, strlen(line));
	syscall(SYS_close, fd);
}
