/*
 * The `remora` command is linked statically, so that it runs in any image, also one of an older glibc or
 * of musl. What OpenSSL and c-ares name but our use of them never calls is not here then: libc's own
 * would load parts of the image's libc, of another version, into the process. Hosts are resolved by
 * c-ares, which reads /etc/hosts and /etc/resolv.conf. Context: any.
 */
#include <errno.h>
#include <netdb.h>
#include <stddef.h>

/* libc cannot do without a dlopen, so the linker puts this in the place of those of others (--wrap). */
void *__wrap_dlopen(const char *path, int flags);
void *__wrap_dlopen(const char *path, int flags)
{
	return NULL;
}

int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
		struct addrinfo **ret)
{
	return EAI_FAIL;
}

void freeaddrinfo(struct addrinfo *list)
{
}

int getnameinfo(const struct sockaddr *address, socklen_t n, char *host, socklen_t host_n,
		char *service, socklen_t service_n, int flags)
{
	return EAI_FAIL;
}

struct hostent *gethostbyname(const char *name)
{
	h_errno = NO_RECOVERY;
	return NULL;
}

/* Of older and of newer c-ares. */
struct servent *getservbyname(const char *name, const char *protocol)
{
	return NULL;
}

int getservbyname_r(const char *name, const char *protocol, struct servent *room, char *texts,
		    size_t n, struct servent **ret)
{
	*ret = NULL;
	return ENOENT;
}

int getservbyport_r(int port, const char *protocol, struct servent *room, char *texts, size_t n,
		    struct servent **ret)
{
	*ret = NULL;
	return ENOENT;
}
