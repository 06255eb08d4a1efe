// An epoll thread reads requests into queues, from which workers take them: queue PORT WORKERS fifo|lifo|priority|batch|many
#include <sys/epoll.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "fan.h"

struct Request {
	int fd;
	long number;
};

class Queue {
public:
	void put(Request r)
	{
		{
			std::lock_guard<std::mutex> hold(lock);
			requests.push_back(r);
		}
		news.notify_one();
	}

	// One of them, of "batch" up to four.
	std::vector<Request> take(const char *order)
	{
		std::unique_lock<std::mutex> hold(lock);
		std::vector<Request> ret;

		news.wait(hold, [this] { return !requests.empty(); });
		size_t most = strcmp(order, "batch") == 0 ? 4 : 1;
		while (!requests.empty() && ret.size() < most) {
			auto at = requests.begin();

			if (strcmp(order, "lifo") == 0)
				at = requests.end() - 1;
			else if (strcmp(order, "priority") == 0)
				at = std::max_element(requests.begin(), requests.end(), [](auto &a, auto &b) {
					return a.number % 7 < b.number % 7;
				});
			ret.push_back(*at);
			requests.erase(at);
		}
		return ret;
	}

private:
	std::mutex lock;
	std::condition_variable news;
	std::deque<Request> requests;
};

static void work(Queue &queue, const char *order, unsigned seed)
{
	int far = connect_far();

	for (;;) {
		for (Request r : queue.take(order)) {
			int calls = how_many(&seed);

			for (int turn = 0; turn < calls; turn++) {
				sleep_ms(rest_ms(&seed));
				call_over(far, r.number, turn);
			}
			answer(r.fd);
		}
	}
}

int main(int argc, char **argv)
{
	if (argc < 4)
		return 1;
	const char *order = argv[3];
	std::vector<Queue> queues(strcmp(order, "many") == 0 ? 4 : 1);
	std::vector<std::thread> threads;
	int workers = atoi(argv[2]), loop = epoll_create1(0), listener = listen_on(atoi(argv[1]), SOCK_NONBLOCK);
	epoll_event e = {};

	for (int i = 0; i < workers; i++)
		threads.emplace_back(work, std::ref(queues[(size_t)i % queues.size()]), order, (unsigned)i);
	e.events = EPOLLIN;
	e.data.fd = listener;
	epoll_ctl(loop, EPOLL_CTL_ADD, listener, &e);
	for (;;) {
		epoll_event ready[64];
		int n = epoll_wait(loop, ready, 64, -1);

		for (int i = 0; i < n; i++) {
			int fd = ready[i].data.fd;
			char head[2048];

			if (fd == listener) {
				e.data.fd = accept(listener, nullptr, nullptr);
				if (e.data.fd >= 0)
					epoll_ctl(loop, EPOLL_CTL_ADD, e.data.fd, &e);
				continue;
			}
			ssize_t got = recv(fd, head, sizeof(head) - 1, 0);
			if (got <= 0) {
				close(fd);
				continue;
			}
			head[got] = '\0';
			queues[(size_t)number_of(head) % queues.size()].put({ fd, number_of(head) });
		}
	}
}
