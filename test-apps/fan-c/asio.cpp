// asio, 4 threads that run one io_context: callbacks of a request may run in any of them.
#include <asio.hpp>

#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "fan.h"

using asio::ip::tcp;

static asio::io_context loop;
static std::mutex lock; // of the pool
static std::vector<std::shared_ptr<tcp::socket>> pool;

struct Session : std::enable_shared_from_this<Session> {
	explicit Session(tcp::socket s) : socket(std::move(s)), timer(loop) {}

	void read()
	{
		auto self = shared_from_this();
		asio::async_read_until(socket, asio::dynamic_buffer(in), "\r\n\r\n", [self](std::error_code e, size_t n) {
			if (e)
				return;
			self->number = number_of(self->in.c_str());
			self->in.erase(0, n);
			self->calls = how_many(&self->seed);
			self->turn = 0;
			self->rest();
		});
	}

	void rest()
	{
		auto self = shared_from_this();
		timer.expires_after(std::chrono::milliseconds(rest_ms(&seed)));
		timer.async_wait([self](std::error_code) { self->call(); });
	}

	void call()
	{
		char text[128];
		auto self = shared_from_this();

		out.assign(text, (size_t)call_text(text, sizeof(text), number, turn));
		{
			std::lock_guard<std::mutex> hold(lock);
			if (!pool.empty()) {
				far = pool.back();
				pool.pop_back();
			}
		}
		if (far)
			return ask();
		far = std::make_shared<tcp::socket>(loop);
		far->async_connect({ asio::ip::address_v4::loopback(), (unsigned short)far_port() }, [self](std::error_code e) {
			if (e)
				exit(1);
			self->ask();
		});
	}

	void ask()
	{
		auto self = shared_from_this();
		asio::async_write(*far, asio::buffer(out), [self](std::error_code, size_t) {
			asio::async_read_until(*self->far, asio::dynamic_buffer(self->reply), "\r\n\r\nfar", [self](std::error_code e, size_t n) {
				if (e)
					exit(1);
				self->reply.erase(0, n);
				self->answered();
			});
		});
	}

	void answered()
	{
		auto self = shared_from_this();
		{
			std::lock_guard<std::mutex> hold(lock);
			pool.push_back(std::move(far));
		}
		far.reset();
		if (++turn < calls)
			return rest();
		out = ANSWER;
		asio::async_write(socket, asio::buffer(out), [self](std::error_code, size_t) { self->read(); });
	}

	tcp::socket socket;
	asio::steady_timer timer;
	std::shared_ptr<tcp::socket> far;
	std::string in, out, reply;
	long number = 0;
	int calls = 0, turn = 0;
	unsigned seed = (unsigned)now_ms();
};

static void accept_next(tcp::acceptor &acceptor)
{
	acceptor.async_accept([&acceptor](std::error_code e, tcp::socket socket) {
		if (!e)
			std::make_shared<Session>(std::move(socket))->read();
		accept_next(acceptor);
	});
}

int main(int argc, char **argv)
{
	tcp::acceptor acceptor(loop, { asio::ip::address_v4::loopback(), (unsigned short)atoi(argv[argc > 1]) });
	std::vector<std::thread> threads;

	acceptor.listen(1024);
	accept_next(acceptor);
	for (int i = 0; i < 4; i++)
		threads.emplace_back([] { loop.run(); });
	for (auto &thread : threads)
		thread.join();
}
