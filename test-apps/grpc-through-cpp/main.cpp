/*
 * main far PORT | near PORT STYLE ADDRESS | ask ADDRESS NUMBER AT: servers of /test.Echo/Through with gRPC C++, and their
 * client. A near one answers a request with the traceparent that it was sent, and those of two calls that it makes to a far one
 * for it; how it comes to make them is its style, see tests/grpc/styles.py.
 */
#include <grpcpp/alarm.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/client_unary_call.h>
#if __has_include(<grpcpp/impl/server_callback_handlers.h>)
#include <grpcpp/impl/server_callback_handlers.h>
#else
#include <grpcpp/impl/codegen/server_callback_handlers.h>
#endif
#include <grpcpp/impl/service_type.h>
#include <grpcpp/support/client_callback.h>
#include <grpcpp/support/method_handler.h>

#include <atomic>
#include <condition_variable>
#include <csignal>
#include <deque>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

using grpc::ByteBuffer;
using grpc::CallbackServerContext;
using grpc::ClientContext;
using grpc::ServerContext;
using grpc::Status;
using grpc::internal::RpcMethod;

static const char path[] = "/test.Echo/Through";
static std::shared_ptr<grpc::Channel> far_channel;
static std::unique_ptr<grpc::GenericStub> far_stub;
static std::string style;

static ByteBuffer bytes_of(const std::string &text)
{
	grpc::Slice slice(text);

	return ByteBuffer(&slice, 1);
}

static std::string text_of(const ByteBuffer &buffer)
{
	std::vector<grpc::Slice> slices;
	std::string text;

	if (!buffer.Dump(&slices).ok())
		return "";
	for (const auto &slice : slices)
		text.append(reinterpret_cast<const char *>(slice.begin()), slice.size());
	return text;
}

template <class Context> static std::string sent_to(Context *c)
{
	auto found = c->client_metadata().find("traceparent");

	return found == c->client_metadata().end() ? "none" : std::string(found->second.data(), found->second.size());
}

static std::chrono::system_clock::time_point soon()
{
	static std::atomic<unsigned> turn;

	return std::chrono::system_clock::now() + std::chrono::microseconds(turn++ * 7919 % 3000);
}

static std::string block(ClientContext *context, const std::shared_ptr<grpc::Channel> &channel = far_channel)
{
	ByteBuffer in = bytes_of("x"), out;
	Status status = grpc::internal::BlockingUnaryCall<ByteBuffer, ByteBuffer, ByteBuffer, ByteBuffer>(
		channel.get(), RpcMethod(path, RpcMethod::NORMAL_RPC, channel), context, in, &out);

	if (!status.ok()) {
		std::cerr << status.error_message() << "\n";
		std::exit(1);
	}
	return text_of(out);
}

static std::string block()
{
	ClientContext context;

	std::this_thread::sleep_until(soon());
	return block(&context);
}

/* ---- synchronous servers ---- */

struct Pending {
	ClientContext context;
	ByteBuffer in = bytes_of("x"), out;
	Status status;
	std::unique_ptr<grpc::ClientAsyncResponseReader<ByteBuffer>> reader;
	std::atomic<bool> done{ false };

	void start(grpc::CompletionQueue *queue, void *tag)
	{
		reader = far_stub->PrepareUnaryCall(&context, path, in, queue);
		reader->StartCall();
		reader->Finish(&out, &status, tag);
	}
};

static Pending *next_of(grpc::CompletionQueue *queue)
{
	void *tag;
	bool ok;

	if (!queue->Next(&tag, &ok))
		std::exit(1);
	return static_cast<Pending *>(tag);
}

/* A queue of its own, on which one of two calls completes first; then a call that blocks. */
static std::string with_queue()
{
	grpc::CompletionQueue queue;
	Pending one, other;

	one.start(&queue, &one);
	other.start(&queue, &other);
	Pending *first = next_of(&queue);
	next_of(&queue);
	return text_of(first->out) + " " + block();
}

/* One queue for all, off which each handler takes what comes until its own call is done. */
static std::string with_shared_queue()
{
	static grpc::CompletionQueue queue;
	std::string text;

	for (int i = 0; i < 2; i++) {
		Pending mine;

		mine.start(&queue, &mine);
		while (!mine.done) {
			void *tag;
			bool ok;

			if (queue.AsyncNext(&tag, &ok, soon()) == grpc::CompletionQueue::GOT_EVENT)
				static_cast<Pending *>(tag)->done = true;
		}
		text += (i ? " " : "") + text_of(mine.out);
	}
	return text;
}

/* Threads for all requests. */
static std::string with_pool()
{
	static std::mutex lock;
	static std::condition_variable more;
	static std::deque<std::function<void()>> jobs;
	static std::once_flag once;
	std::string text;
	bool done = false;

	std::call_once(once, [] {
		for (int i = 0; i < 8; i++)
			std::thread([] {
				for (;;) {
					std::unique_lock<std::mutex> held(lock);
					more.wait(held, [] { return !jobs.empty(); });
					auto job = std::move(jobs.front());
					jobs.pop_front();
					held.unlock();
					job();
				}
			}).detach();
	});
	std::unique_lock<std::mutex> held(lock);
	jobs.push_back([&] {
		std::string said = block() + " " + block();
		std::lock_guard<std::mutex> again(lock);
		text = said;
		done = true;
		more.notify_all();
	});
	more.notify_all();
	more.wait(held, [&] { return done; });
	return text;
}

static std::string from_thread(ServerContext *c)
{
	std::string text;

	std::thread([&] {
		auto one = ClientContext::FromServerContext(*c), other = ClientContext::FromServerContext(*c);
		text = block(one.get()) + " " + block(other.get());
	}).join();
	return text;
}

static Status synchronous(ServerContext *c, const ByteBuffer *, ByteBuffer *out)
{
	std::string said = style == "queue" ? with_queue() :
			   style == "shared-queue" ? with_shared_queue() :
			   style == "pool" ? with_pool() :
			   style == "from-thread" ? from_thread(c) : block() + " " + block();

	*out = bytes_of(sent_to(c) + " " + said);
	return Status::OK;
}

/* ---- callback servers ---- */

struct Talk {
	CallbackServerContext *c;
	grpc::ServerUnaryReactor *reactor;
	ByteBuffer *out;
	std::string said;
	std::unique_ptr<ClientContext> context;
	ByteBuffer in = bytes_of("x"), answer;
	grpc::Alarm alarm;
	int turn = 0;
};

static void call(Talk *t);

/* With "line" few calls are under way at once, and who wants one more waits until one is answered. */
static std::mutex line_lock;
static std::deque<Talk *> line;
static int under_way;

static bool stands_in_line(Talk *t)
{
	std::lock_guard<std::mutex> held(line_lock);

	if (style != "line" || under_way++ < 4)
		return false;
	under_way--;
	line.push_back(t);
	return true;
}

static void next_in_line()
{
	Talk *next = nullptr;
	{
		std::lock_guard<std::mutex> held(line_lock);
		if (line.empty()) {
			under_way--;
			return;
		}
		next = line.front();
		line.pop_front();
	}
	call(next);
}

static void go_on(Talk *t)
{
	if (stands_in_line(t))
		return;
	if (style == "alarm" || style == "from-alarm")
		t->alarm.Set(soon(), [t](bool) { call(t); });
	else
		call(t);
}

static void call(Talk *t)
{
	t->context = style == "from-alarm" ? ClientContext::FromCallbackServerContext(*t->c) : std::make_unique<ClientContext>();
	far_stub->UnaryCall(t->context.get(), path, {}, &t->in, &t->answer, [t](Status status) {
		if (!status.ok())
			std::exit(1);
		t->said += " " + text_of(t->answer);
		if (style == "line")
			next_in_line();
		if (++t->turn < 2) {
			go_on(t);
			return;
		}
		*t->out = bytes_of(t->said);
		t->reactor->Finish(Status::OK);
		delete t;
	});
}

static grpc::ServerUnaryReactor *callback(CallbackServerContext *c, const ByteBuffer *, ByteBuffer *out)
{
	auto *reactor = c->DefaultReactor();

	if (style == "far") {
		*out = bytes_of(sent_to(c));
		reactor->Finish(Status::OK);
		return reactor;
	}
	auto *t = new Talk;
	t->c = c;
	t->reactor = reactor;
	t->out = out;
	t->said = sent_to(c);
	go_on(t);
	return reactor;
}

/* ---- servers with completion queues ---- */

class Tag {
public:
	virtual void go(bool ok) = 0;
	virtual ~Tag() = default;
};

class Service : public grpc::Service {
public:
	explicit Service(bool asynchronous)
	{
		AddMethod(new grpc::internal::RpcServiceMethod(path, RpcMethod::NORMAL_RPC, nullptr));
		if (asynchronous)
			MarkMethodAsync(0);
		else
			MarkMethodCallback(0, new grpc::internal::CallbackUnaryHandler<ByteBuffer, ByteBuffer>(callback));
	}

	void ask(ServerContext *c, ByteBuffer *in, grpc::ServerAsyncResponseWriter<ByteBuffer> *out,
		 grpc::ServerCompletionQueue *queue, Tag *tag)
	{
		RequestAsyncUnary(0, c, in, out, queue, queue, tag);
	}
};

class Synchronous : public grpc::Service {
public:
	Synchronous()
	{
		AddMethod(new grpc::internal::RpcServiceMethod(
			path, RpcMethod::NORMAL_RPC,
			new grpc::internal::RpcMethodHandler<Synchronous, ByteBuffer, ByteBuffer, ByteBuffer, ByteBuffer>(
				[](Synchronous *, ServerContext *c, const ByteBuffer *in, ByteBuffer *out) {
					return synchronous(c, in, out);
				}, this)));
	}
};

static std::unique_ptr<grpc::ServerCompletionQueue> served;
static Service *service;

/* One stream to the far side for all requests: what comes on it wakes the request that has waited longest. */
class Shared : public Tag {
	ClientContext context;
	std::unique_ptr<grpc::GenericClientAsyncReaderWriter> stream;
	std::mutex lock;
	std::deque<Tag *> waiting;
	ByteBuffer in;
	struct : Tag {
		void go(bool) override {}
	} nothing;

public:
	Shared()
	{
		stream = far_stub->PrepareCall(&context, "/test.Echo/Ticks", served.get());
		stream->StartCall(this);
	}

	void go(bool ok) override
	{
		Tag *woken = nullptr;

		if (!ok)
			return;
		{
			std::lock_guard<std::mutex> held(lock);
			if (!waiting.empty()) {
				woken = waiting.front();
				waiting.pop_front();
			}
		}
		if (woken)
			woken->go(true);
		stream->Read(&in, this);
	}

	void wait(Tag *tag)
	{
		std::lock_guard<std::mutex> held(lock);
		waiting.push_back(tag);
	}
};

class Conversation : public Tag {
	ServerContext c;
	ByteBuffer in;
	grpc::ServerAsyncResponseWriter<ByteBuffer> out{ &c };
	std::unique_ptr<Pending> pending;
	std::string said;
	int state = 0;
	bool woken = true;

	void call()
	{
		static Shared *shared = style == "stream" ? new Shared : nullptr;

		if (shared && woken) {
			woken = false;
			shared->wait(this);
			return;
		}
		woken = true;
		state++;
		pending = std::make_unique<Pending>();
		pending->start(served.get(), static_cast<Tag *>(this));
	}

public:
	Conversation()
	{
		service->ask(&c, &in, &out, served.get(), this);
	}

	void go(bool ok) override
	{
		if (!ok || state == 4) {
			delete this;
			return;
		}
		if (state == 0) {
			new Conversation;
			said = sent_to(&c);
			state = 1;
		} else if (woken) {
			said += " " + text_of(pending->out);
		}
		if (state < 3) {
			call();
			return;
		}
		state = 4;
		out.Finish(bytes_of(said), Status::OK, static_cast<Tag *>(this));
	}
};

static void poll()
{
	void *tag;
	bool ok;

	while (served->Next(&tag, &ok))
		static_cast<Tag *>(tag)->go(ok);
}

/* Sends something now and then, for as long as it is read. */
class Ticks : public grpc::Service {
public:
	Ticks()
	{
		AddMethod(new grpc::internal::RpcServiceMethod(
			"/test.Echo/Ticks", RpcMethod::BIDI_STREAMING,
			new grpc::internal::BidiStreamingHandler<Ticks, ByteBuffer, ByteBuffer>(
				[](Ticks *, ServerContext *c, grpc::ServerReaderWriter<ByteBuffer, ByteBuffer> *stream) {
					while (!c->IsCancelled() && stream->Write(bytes_of("tick")))
						std::this_thread::sleep_for(std::chrono::microseconds(500));
					return Status::OK;
				}, this)));
	}
};

static int serve(const std::string &port)
{
	bool asynchronous = style == "async" || style == "stream";
	bool callbacks = style == "callback" || style == "line" || style == "alarm" || style == "from-alarm" || style == "far";
	grpc::ServerBuilder builder;
	Synchronous blocking;
	Service other(asynchronous);
	Ticks ticks;
	std::vector<std::thread> threads;
	sigset_t signals;
	int got;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &signals, nullptr);
	builder.AddListeningPort("127.0.0.1:" + port, grpc::InsecureServerCredentials());
	if (asynchronous || callbacks)
		builder.RegisterService(&other);
	else
		builder.RegisterService(&blocking);
	if (style == "far")
		builder.RegisterService(&ticks);
	if (asynchronous)
		served = builder.AddCompletionQueue();
	service = &other;
	auto server = builder.BuildAndStart();
	for (int i = 0; asynchronous && i < 4; i++) {
		new Conversation;
		threads.emplace_back(poll);
	}
	sigwait(&signals, &got);
	_exit(0);
}

static int ask(const std::string &address, int number, int at)
{
	auto channel = grpc::CreateChannel(address, grpc::InsecureChannelCredentials());
	std::vector<std::thread> threads;
	std::mutex lock;

	for (int i = 0; i < at; i++)
		threads.emplace_back([&] {
			for (;;) {
				{
					std::lock_guard<std::mutex> held(lock);
					if (number-- <= 0)
						return;
				}
				ClientContext context;
				std::string line = block(&context, channel);
				std::lock_guard<std::mutex> held(lock);
				std::cout << line << "\n";
			}
		});
	for (auto &thread : threads)
		thread.join();
	return 0;
}

int main(int argc, char **argv)
{
	std::vector<std::string> words(argv, argv + argc);

	if (argc == 3 && words[1] == "far") {
		style = "far";
		return serve(words[2]);
	}
	if (argc == 5 && words[1] == "near") {
		style = words[3];
		far_channel = grpc::CreateChannel(words[4], grpc::InsecureChannelCredentials());
		far_stub = std::make_unique<grpc::GenericStub>(far_channel);
		return serve(words[2]);
	}
	if (argc == 5 && words[1] == "ask")
		return ask(words[2], std::stoi(words[3]), std::stoi(words[4]));
	return 2;
}
