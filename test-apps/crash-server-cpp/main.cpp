// crash-server-cpp PORT: answers every request; of the path depends what is thrown, and whether it is caught:
// /std, /own, /int, /virtual, /quiet, /noexcept, /thread, /terminate, /caught. Knows nothing of tracing.
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <stdexcept>
#include <string>
#include <thread>

namespace shop {
struct out_of_stock : std::runtime_error {
	using std::runtime_error::runtime_error;
};

struct says_itself : std::exception {
	const char *what() const noexcept override
	{
		return std::getenv("HOME"); // code of the program, which nobody else is to run
	}
};

struct left {
	virtual ~left() = default;
	long value = 7;
};

struct twice : left, std::runtime_error {
	twice() : std::runtime_error("not at the start of the object")
	{
	}
};

__attribute__((noinline)) void sell(const std::string &path)
{
	if (path == "std")
		throw std::out_of_range("no item 7");
	if (path == "own" || path == "caught")
		throw out_of_stock("no more rope");
	if (path == "int")
		throw 42;
	if (path == "quiet")
		throw says_itself();
	if (path == "virtual")
		throw twice();
	if (path == "terminate")
		std::terminate();
}

__attribute__((noinline)) void promise(const std::string &path) noexcept
{
	sell(path);
}
} // namespace shop

static void answer(const std::string &path)
{
	if (path == "noexcept")
		shop::promise("own");
	if (path == "thread")
		std::thread([] { shop::sell("own"); }).join();
	if (path == "caught") {
		try {
			shop::sell(path);
		} catch (const std::exception &e) {
			std::fprintf(stderr, "caught: %s\n", e.what());
		}
		return;
	}
	shop::sell(path);
}

int main(int argc, char **argv)
{
	static const char said[] = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n";
	int listener = socket(AF_INET, SOCK_STREAM, 0), yes = 1;
	sockaddr_in at{};

	at.sin_family = AF_INET;
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	at.sin_port = htons(static_cast<uint16_t>(std::atoi(argv[argc - 1])));
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (bind(listener, reinterpret_cast<sockaddr *>(&at), sizeof(at)) != 0 || listen(listener, 16) != 0)
		return 1;
	for (;;) {
		char request[4096], path[32] = "";
		int fd = accept(listener, nullptr, nullptr);
		ssize_t n = read(fd, request, sizeof(request) - 1);

		if (n > 0) {
			request[n] = '\0';
			std::sscanf(request, "GET /%31[a-z]", path);
			answer(path);
			if (write(fd, said, sizeof(said) - 1) < 0)
				std::perror("write");
		}
		close(fd);
	}
}
