"""TLS libraries whose tables lead to us: what can be seen of that, and what happens to the libraries meanwhile."""
import re
from pathlib import Path

from b_neighbours import TlsPeer
from frame import case

# One https request over a socket. Needs torture.h and OpenSSL's headers.
REQUEST = r"""
#include "torture.h"
#include <dlfcn.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdatomic.h>

static SSL_CTX *context;

static void make_context(void)
{
	context = SSL_CTX_new(TLS_client_method());
	FAIL_IF(SSL_CTX_load_verify_locations(context, getenv("CA"), NULL) != 1);
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
}

static int tls_connect(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(getenv("TLS_PORT"))),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	FAIL_IF(connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0);
	return fd;
}

static void get_tls(void)
{
	static const char request[] = "GET /torture HTTP/1.1\r\nHost: peer\r\nConnection: close\r\n\r\n";
	SSL *ssl = SSL_new(context);
	char answer[4096];
	int fd = tls_connect(), n, have = 0;

	SSL_set_fd(ssl, fd);
	FAIL_IF(SSL_connect(ssl) != 1);
	FAIL_IF(SSL_write(ssl, request, sizeof(request) - 1) != sizeof(request) - 1);
	while ((n = SSL_read(ssl, answer + have, sizeof(answer) - have)) > 0)
		have += n;
	FAIL_IF(have < 12 || memcmp(answer + have - 12, "hello, host\n", 12) != 0);
	SSL_free(ssl);
	close(fd);
	FAIL_IF(ERR_peek_error() && ERR_GET_REASON(ERR_peek_error()) != 294); /* a server that just closes */
	ERR_clear_error();
}
"""

LIBS = ("-lssl", "-lcrypto", "-ldl")

SEEN = REQUEST + r"""
/* What the memory of libssl may be used for, page by page, as far as that changes. */
static void print_rights(void)
{
	char line[600], last[5] = "", path[300];
	FILE *f = fopen("/proc/self/maps", "r");

	while (fgets(line, sizeof(line), f)) {
		char rights[5];

		path[0] = 0;
		sscanf(line, "%*s %4s %*s %*s %*s %299s", rights, path);
		if (strstr(path, "/libssl.so") && strcmp(rights, last) != 0)
			puts(strcpy(last, rights));
	}
	fclose(f);
}


int main(void)
{
	static const char *const names[] = { "SSL_read", "SSL_write", "SSL_peek", "SSL_read_ex", "SSL_write_ex", "SSL_shutdown",
					     "SSL_free", "SSL_do_handshake", "SSL_get_error", "TLS_method" };
	const SSL_METHOD *before = TLS_client_method();
	Dl_info info;

	make_context();
	for (int i = 0; i < 3; i++)
		get_tls();
	for (int i = 0; i < sizeof(names) / sizeof(*names); i++) {
		void *found = dlsym(RTLD_DEFAULT, names[i]);

		FAIL_IF(!found || !dladdr(found, &info));
		printf("%s %s %s %d\n", names[i], info.dli_sname, strrchr(info.dli_fname, '/'), found == dlsym(RTLD_NEXT, names[i]));
	}
	FAIL_IF(!dladdr(&SSL_write, &info));
	printf("SSL_write here: %s\n", info.dli_sname);
	printf("method %d %d\n", before == TLS_client_method(), SSL_CTX_get_ssl_method(context) == before);
	printf("error %lu\n", ERR_peek_error());
	print_rights();
	return 7;
}
"""

# A program without TLS has no name of a TLS library, nor do we bring one.
NONE = r"""
#include "torture.h"
#include <dlfcn.h>
int main(void)
{
	static const char *const names[] = { "SSL_read", "SSL_write", "SSL_new", "TLS_method", "gnutls_record_send" };

	FAIL_IF(get() != 200);
	for (int i = 0; i < sizeof(names) / sizeof(*names); i++)
		FAIL_IF(dlsym(RTLD_DEFAULT, names[i]));
	return 6;
}
"""

# Threads that do TLS while a copy of the library comes and goes, whose tables are found each time.
CHURN = REQUEST + r"""
static atomic_int going = 1;

static void *work(void *arg)
{
	for (int i = 0; i < ROUNDS; i++)
		get_tls();
	return NULL;
}

static void *churn(void *arg)
{
	int loads = 0;

	while (atomic_load(&going) || loads < 50) {
		void *copy = dlopen(getenv("COPY"), RTLD_NOW | RTLD_LOCAL);

		FAIL_IF(!copy);
		close(tls_connect()); /* a connection begins: libraries are looked for */
		if (loads % 2)
			sched_yield();
		dlclose(copy);
		loads++;
	}
	return NULL;
}

int main(void)
{
	pthread_t threads[6];

	make_context();
	for (int i = 0; i < 6; i++)
		pthread_create(&threads[i], NULL, i < 4 ? work : churn, NULL);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	atomic_store(&going, 0);
	for (int i = 4; i < 6; i++)
		pthread_join(threads[i], NULL);
	FAIL_IF(dlopen(getenv("COPY"), RTLD_NOLOAD | RTLD_NOW)); /* it does go */
	puts("done");
	return 3;
}
"""

# Children that are forked while threads are in the middle of TLS, and do the same.
FORKS = REQUEST + r"""
static atomic_int going = 1;

static void *work(void *arg)
{
	while (atomic_load(&going))
		get_tls();
	return NULL;
}

int main(void)
{
	pthread_t threads[3];

	make_context();
	get_tls();
	for (int i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, work, NULL);
	for (int i = 0; i < FORKS; i++) {
		pid_t child = fork();
		int status;

		if (child == 0) {
			alarm(30); /* a lock of the library's own may be another thread's for ever: that is no hang of ours */
			close(tls_connect());
			_exit(44);
		}
		FAIL_IF(waitpid(child, &status, 0) != child);
		FAIL_IF(!WIFEXITED(status) || WEXITSTATUS(status) != 44);
	}
	atomic_store(&going, 0);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	/* One that is forked in quiet does TLS of its own, and its parent goes on with its own session. */
	for (int i = 0; i < 5; i++) {
		pid_t child = fork();
		int status;

		if (child == 0) {
			get_tls();
			_exit(45);
		}
		get_tls();
		FAIL_IF(waitpid(child, &status, 0) != child);
		FAIL_IF(!WIFEXITED(status) || WEXITSTATUS(status) != 45);
	}
	puts("done");
	return 4;
}
"""


def unloadable(t, library):
    """A copy of a library without the mark that keeps it loaded (DF_1_NODELETE), under another name."""
    data = bytearray(Path(library).read_bytes())
    flags = (0x6ffffffb).to_bytes(8, "little")
    at = [m.start() for m in re.finditer(re.escape(flags), data) if not m.start() % 8]
    t.check(len(at) == 1, f"one DT_FLAGS_1 in {library}")
    value = int.from_bytes(data[at[0] + 8:at[0] + 16], "little")
    data[at[0] + 8:at[0] + 16] = (value & ~0x8).to_bytes(8, "little")
    soname = data.find(b"\0libssl.so.3\0")
    t.check(soname > 0, "its soname")
    data[soname + 1:soname + 12] = b"libcopy.so1"
    copy = t.dir / "libcopy.so1"
    copy.write_bytes(data)
    return copy


def library_of(t, program):
    maps = t.run(["ldd", program]).stdout.decode()
    return re.search(r"libssl\.so\S* => (\S+)", maps).group(1)


@case(45, "after https, names, addresses, methods and rights of libssl's memory are what they were", needs=["openssl"])
def c45_tables_unseen(t):
    program = t.compile("seen", SEEN, *LIBS)
    t.same([program], spans=3, status=7, env=TlsPeer(t).env)


@case(45, "a process without a TLS library has no name of one")
def c45_no_names(t):
    t.same([t.compile("none", NONE, "-ldl")], spans=1, status=6)


@case(45, "threads do TLS while a copy of the library is loaded, found, and unloaded again and again", needs=["openssl", "ldd"])
def c45_churn(t):
    rounds = t.count(40, 400)
    program = t.compile("churn", CHURN.replace("ROUNDS", str(rounds)), *LIBS)
    env = {**TlsPeer(t).env, "COPY": unloadable(t, library_of(t, program))}
    t.same([program], ("up", "relay"), spans=4 * rounds, status=3, env=env)


@case(45, "forks while threads are in the middle of TLS, and TLS in the children", needs=["openssl"])
def c45_forks(t):
    program = t.compile("forks", FORKS.replace("FORKS", str(t.count(40, 400))), *LIBS)
    t.same([program], status=4, env=TlsPeer(t).env)
