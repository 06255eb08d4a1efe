// An HTTP/1.1 server with one std::thread per connection, in ordinary C++. /call fetches
// $BACKEND/hello over a connection of its own and answers with what it got.
#include <arpa/inet.h>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <netdb.h>
#include <netinet/in.h>
#include <signal.h>
#include <sstream>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

namespace {

std::string backend;

class Reader {
public:
	explicit Reader(int fd) : fd_(fd) {}

	bool line(std::string &out)
	{
		size_t at;

		while ((at = data_.find("\r\n")) == std::string::npos)
			if (!more())
				return false;
		out = data_.substr(0, at);
		data_.erase(0, at + 2);
		return true;
	}

	bool bytes(size_t n, std::string &out)
	{
		while (data_.size() < n)
			if (!more())
				return false;
		out = data_.substr(0, n);
		data_.erase(0, n);
		return true;
	}

private:
	bool more()
	{
		char buffer[4096];
		ssize_t n = recv(fd_, buffer, sizeof(buffer), 0);

		if (n > 0)
			data_.append(buffer, static_cast<size_t>(n));
		return n > 0;
	}

	int fd_;
	std::string data_;
};

struct Message {
	std::string start, body;
	bool close = false;
};

bool read_message(Reader &in, Message &m)
{
	std::string line;
	size_t length = 0;

	m = {};
	if (!in.line(m.start))
		return false;
	while (in.line(line) && !line.empty()) {
		if (strncasecmp(line.c_str(), "content-length:", 15) == 0)
			length = std::stoul(line.substr(15));
		if (strncasecmp(line.c_str(), "connection: close", 17) == 0)
			m.close = true;
	}
	return in.bytes(length, m.body);
}

bool send_all(int fd, const std::string &text)
{
	size_t sent = 0;

	while (sent < text.size()) {
		ssize_t n = send(fd, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		sent += static_cast<size_t>(n);
	}
	return true;
}

std::string fetch(const std::string &target)
{
	std::string host = backend.substr(7), port = host.substr(host.find(':') + 1);
	sockaddr_in to{};
	Message m;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	to.sin_family = AF_INET;
	to.sin_port = htons(static_cast<uint16_t>(std::stoi(port)));
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (connect(fd, reinterpret_cast<sockaddr *>(&to), sizeof(to)) == 0 &&
	    send_all(fd, "GET " + target + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n")) {
		Reader in(fd);

		read_message(in, m);
	}
	close(fd);
	return m.body;
}

void serve(int fd)
{
	Reader in(fd);
	Message m;

	while (read_message(in, m)) {
		std::istringstream start(m.start);
		std::string method, target, body = "hello\n";
		std::ostringstream out;
		int status = 200;

		start >> method >> target;
		if (target.compare(0, 8, "/status/") == 0) {
			status = std::stoi(target.substr(8));
			body.clear();
		} else if (target.compare(0, 5, "/echo") == 0) {
			body = m.body;
		} else if (target.compare(0, 5, "/call") == 0) {
			body = fetch("/hello" + target.substr(5));
		} else if (target.compare(0, 6, "/hello") != 0) {
			status = 404;
		}
		out << "HTTP/1.1 " << status << " Done\r\nContent-Length: " << body.size() << "\r\n\r\n";
		if (!send_all(fd, method == "HEAD" ? out.str() : out.str() + body) || m.close)
			break;
	}
	close(fd);
}

} // namespace

int main(int argc, char **argv)
{
	sockaddr_in at{};
	int one = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (argc < 2)
		return 2;
	backend = getenv("BACKEND") ? getenv("BACKEND") : "";
	signal(SIGTERM, [](int) { _exit(0); });
	at.sin_family = AF_INET;
	at.sin_port = htons(static_cast<uint16_t>(atoi(argv[1])));
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(listener, reinterpret_cast<sockaddr *>(&at), sizeof(at)) != 0 || listen(listener, 128) != 0) {
		std::cerr << "cannot listen\n";
		return 1;
	}
	for (;;) {
		int fd = accept(listener, nullptr, nullptr);

		if (fd >= 0)
			std::thread(serve, fd).detach();
	}
}
