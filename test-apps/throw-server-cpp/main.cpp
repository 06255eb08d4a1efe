// throw-server-cpp PORT [small|threads|fork|LIBRARY]: answers every request with what came of it; of the path depends what is thrown and
// caught: /at, /number, /own, /alloc, /quiet, /int, /pointer, /again, /moved, /future, /nested, /many, /deep, /library, /none.
// small: requests are served by a thread with next to no stack. threads: by eight, which a timer interrupts all the time. fork:
// by four processes. LIBRARY: what /library calls. Knows nothing of tracing.
#include <dlfcn.h>
#include <limits.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <future>
#include <new>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace shop {
struct out_of_stock : std::runtime_error {
	using std::runtime_error::runtime_error;
};

struct says_itself : std::exception {
	const char *what() const noexcept override
	{
		std::fputs("what() was called\n", stderr); // code of the program, which nobody else is to run
		return "itself";
	}
};

static thread_local int destroyed;

struct guard {
	~guard()
	{
		destroyed++;
	}
};

__attribute__((noinline)) void sell(const std::string &path)
{
	guard g;
	std::vector<int> none;

	if (path == "at")
		none.at(static_cast<size_t>(7));
	if (path == "number")
		destroyed += std::stoi("no number");
	if (path == "alloc")
		delete[] new char[PTRDIFF_MAX / 2];
	if (path == "quiet")
		throw says_itself();
	if (path == "int")
		throw 42;
	if (path == "pointer")
		throw "a text";
	if (path != "none")
		throw out_of_stock("no more rope");
}

__attribute__((noinline)) int deep(int n)
{
	guard g;

	if (n == 0) {
		sell("own");
		return 0;
	}
	return deep(n - 1) + destroyed;
}

static void many()
{
	for (int i = 0; i < 500; i++) {
		try {
			sell("own");
		} catch (const out_of_stock &) {
		}
	}
}

static void again()
{
	try {
		sell("own");
	} catch (...) {
		throw;
	}
}

// Thrown here, and once more in another thread.
static void moved()
{
	try {
		sell("own");
	} catch (...) {
		std::exception_ptr held = std::current_exception();

		std::thread([held] {
			try {
				std::rethrow_exception(held);
			} catch (const std::exception &e) {
				destroyed += static_cast<int>(std::strlen(e.what()));
			}
		}).join();
	}
}

static void nested()
{
	try {
		sell("own");
	} catch (...) {
		std::throw_with_nested(std::logic_error("while selling"));
	}
}

static void library(const char *file)
{
	void *handle = dlopen(file, RTLD_NOW | RTLD_LOCAL);
	int (*call)(int) = handle ? reinterpret_cast<int (*)(int)>(dlsym(handle, "measure")) : nullptr;

	close(dup(0)); // any call between loading and using, as there always is one
	destroyed += call ? call(9) : 1000;
}

static void answer(const std::string &path, const char *file)
{
	if (path == "again")
		again();
	else if (path == "moved")
		moved();
	else if (path == "future")
		std::async(std::launch::async, [] { sell("own"); }).get();
	else if (path == "nested")
		nested();
	else if (path == "many")
		many();
	else if (path == "deep")
		destroyed += deep(1000);
	else if (path == "library")
		library(file);
	else
		sell(path);
}

static std::string outcome(const std::string &path, const char *file)
{
	destroyed = 0;
	try {
		answer(path, file);
	} catch (const says_itself &) {
		return "itself " + std::to_string(destroyed);
	} catch (const std::exception &e) {
		return std::string(e.what()) + " " + std::to_string(destroyed);
	} catch (...) {
		return "something " + std::to_string(destroyed);
	}
	return "nothing " + std::to_string(destroyed);
}
} // namespace shop

static int listener;
static const char *file = "";

static void *serve(void *)
{
	for (;;) {
		char request[1024], path[32] = "";
		int fd = accept(listener, nullptr, nullptr);
		ssize_t n = read(fd, request, sizeof(request) - 1);

		if (n > 0) {
			std::string said = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: ", body;

			request[n] = '\0';
			std::sscanf(request, "GET /%31[a-z]", path);
			body = shop::outcome(path, file);
			said += std::to_string(body.size()) + "\r\n\r\n" + body;
			if (write(fd, said.data(), said.size()) < 0)
				std::perror("write");
		}
		close(fd);
	}
	return nullptr;
}

static volatile sig_atomic_t ticks;

static void tick(int)
{
	ticks = ticks + 1;
}

static void start_timer()
{
	struct sigaction act{};
	itimerval often{};

	act.sa_handler = tick;
	act.sa_flags = SA_RESTART;
	sigaction(SIGPROF, &act, nullptr);
	often.it_interval.tv_usec = often.it_value.tv_usec = 1000;
	setitimer(ITIMER_PROF, &often, nullptr);
}

static int serve_as(const std::string &how)
{
	pthread_attr_t attr;
	pthread_t server;

	pthread_attr_init(&attr);
	if (how == "small")
		pthread_attr_setstacksize(&attr, 3 * PTHREAD_STACK_MIN / 2); // the unwinder alone takes some 8 KiB
	else if (how == "threads")
		start_timer();
	else if (how == "fork")
		for (int i = 0; i < 3 && fork() != 0; i++)
			;
	else
		file = how.c_str();
	for (int i = 0; i < (how == "threads" ? 8 : 1); i++)
		if (pthread_create(&server, &attr, serve, nullptr) != 0)
			return 1;
	pthread_join(server, nullptr);
	return 0;
}

int main(int argc, char **argv)
{
	int yes = 1;
	sockaddr_in at{};
	std::string how = argc > 2 ? argv[2] : "";

	listener = socket(AF_INET, SOCK_STREAM, 0);
	at.sin_family = AF_INET;
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	at.sin_port = htons(static_cast<uint16_t>(std::atoi(argv[1])));
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (bind(listener, reinterpret_cast<sockaddr *>(&at), sizeof(at)) != 0 || listen(listener, 64) != 0)
		return 1;
	if (how.empty())
		serve(nullptr);
	return serve_as(how);
}
