/*
 * main server PORT | client ADDRESS: test.Echo with gRPC C++, as generated code has it, but for its messages, which
 * are plain bytes; see tests/grpc/run.py for what each method and each line of the client is, and for GRPC_PEER_TLS.
 */
#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/client_unary_call.h>
#include <grpcpp/impl/service_type.h>
#include <grpcpp/support/client_callback.h>
#include <grpcpp/support/method_handler.h>

#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <memory>
#include <mutex>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

using grpc::ByteBuffer;
using grpc::ClientContext;
using grpc::ServerContext;
using grpc::Status;
using grpc::internal::RpcMethod;
using Channel = std::shared_ptr<grpc::Channel>;

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

static RpcMethod method(const char *path, RpcMethod::RpcType type, const Channel &channel)
{
	return RpcMethod(path, type, channel);
}

/* ---- inside TLS, where GRPC_PEER_TLS names the folder of key and certificates ---- */

static std::string pem(const std::string &folder, const char *name)
{
	std::ifstream file(folder + "/" + name);
	std::stringstream text;

	text << file.rdbuf();
	return text.str();
}

static Channel channel_to(const std::string &address)
{
	const char *folder = std::getenv("GRPC_PEER_TLS");
	grpc::SslCredentialsOptions options;

	if (!folder)
		return grpc::CreateChannel(address, grpc::InsecureChannelCredentials());
	options.pem_root_certs = pem(folder, "ca.pem");
	return grpc::CreateChannel(address, grpc::SslCredentials(options));
}

static std::shared_ptr<grpc::ServerCredentials> server_credentials()
{
	const char *folder = std::getenv("GRPC_PEER_TLS");
	grpc::SslServerCredentialsOptions options;

	if (!folder)
		return grpc::InsecureServerCredentials();
	options.pem_key_cert_pairs.push_back({ pem(folder, "key.pem"), pem(folder, "cert.pem") });
	return grpc::SslServerCredentials(options);
}

static std::string name_of(grpc::StatusCode code)
{
	switch (code) {
	case grpc::StatusCode::CANCELLED:
		return "CANCELLED";
	case grpc::StatusCode::DEADLINE_EXCEEDED:
		return "DEADLINE_EXCEEDED";
	case grpc::StatusCode::NOT_FOUND:
		return "NOT_FOUND";
	case grpc::StatusCode::UNIMPLEMENTED:
		return "UNIMPLEMENTED";
	default:
		return std::to_string(code);
	}
}

static std::string unary(const Channel &channel, const char *path, ClientContext *context)
{
	ByteBuffer in = bytes_of("hello"), out;
	Status status = grpc::internal::BlockingUnaryCall<ByteBuffer, ByteBuffer, ByteBuffer, ByteBuffer>(
		channel.get(), method(path, RpcMethod::NORMAL_RPC, channel), context, in, &out);

	return status.ok() ? text_of(out) : name_of(status.error_code());
}

/* ---- server ---- */

using Reader = grpc::ServerReader<ByteBuffer>;
using Writer = grpc::ServerWriter<ByteBuffer>;
using Stream = grpc::ServerReaderWriter<ByteBuffer, ByteBuffer>;

class Echo : public grpc::Service {
	using Unary = Status (*)(ServerContext *, const ByteBuffer *, ByteBuffer *);

	void add(const char *path, RpcMethod::RpcType type, grpc::internal::MethodHandler *handler)
	{
		AddMethod(new grpc::internal::RpcServiceMethod(path, type, handler));
	}

	void unary(const char *path, Unary work)
	{
		add(path, RpcMethod::NORMAL_RPC, new grpc::internal::RpcMethodHandler<Echo, ByteBuffer, ByteBuffer, ByteBuffer, ByteBuffer>(
			[work](Echo *, ServerContext *c, const ByteBuffer *in, ByteBuffer *out) { return work(c, in, out); }, this));
	}

	static Status say(ServerContext *, const ByteBuffer *in, ByteBuffer *out)
	{
		*out = *in;
		return Status::OK;
	}

	static std::string traceparent(ServerContext *c)
	{
		auto found = c->client_metadata().find("traceparent");

		return found == c->client_metadata().end() ? "none" : std::string(found->second.data(), found->second.size());
	}

	static Status seen(ServerContext *c, const ByteBuffer *, ByteBuffer *out)
	{
		*out = bytes_of(traceparent(c));
		return Status::OK;
	}

	/* What this handler was sent, and what that of another server was that it asks. */
	static Status through(ServerContext *c, const ByteBuffer *in, ByteBuffer *out)
	{
		static Channel other = channel_to(text_of(*in));
		ClientContext context;

		*out = bytes_of(traceparent(c) + " " + ::unary(other, "/test.Echo/Seen", &context));
		return Status::OK;
	}

	static Status fail(ServerContext *, const ByteBuffer *, ByteBuffer *)
	{
		return Status(grpc::StatusCode::NOT_FOUND, "nothing here");
	}

	static Status slow(ServerContext *c, const ByteBuffer *in, ByteBuffer *out)
	{
		for (int i = 0; i < 500 && !c->IsCancelled(); i++)
			std::this_thread::sleep_for(std::chrono::milliseconds(10));
		*out = *in;
		return Status::OK;
	}

	static Status sum(Echo *, ServerContext *, Reader *reader, ByteBuffer *out)
	{
		ByteBuffer message;
		size_t bytes = 0;

		while (reader->Read(&message))
			bytes += message.Length();
		*out = bytes_of(std::to_string(bytes));
		return Status::OK;
	}

	static Status count(Echo *, ServerContext *, const ByteBuffer *in, Writer *writer)
	{
		for (int i = std::stoi(text_of(*in)); i > 0; i--)
			writer->Write(bytes_of(std::string(100, 'x')));
		return Status::OK;
	}

	static Status chat(Echo *, ServerContext *, Stream *stream)
	{
		ByteBuffer message;

		while (stream->Read(&message)) {
			stream->Write(message);
			stream->Write(message);
		}
		return Status::OK;
	}

public:
	Echo()
	{
		unary("/test.Echo/Say", say);
		unary("/test.Echo/Seen", seen);
		unary("/test.Echo/Through", through);
		unary("/test.Echo/Fail", fail);
		unary("/test.Echo/Slow", slow);
		add("/test.Echo/Sum", RpcMethod::CLIENT_STREAMING,
		    new grpc::internal::ClientStreamingHandler<Echo, ByteBuffer, ByteBuffer>(sum, this));
		add("/test.Echo/Count", RpcMethod::SERVER_STREAMING,
		    new grpc::internal::ServerStreamingHandler<Echo, ByteBuffer, ByteBuffer>(count, this));
		add("/test.Echo/Chat", RpcMethod::BIDI_STREAMING,
		    new grpc::internal::BidiStreamingHandler<Echo, ByteBuffer, ByteBuffer>(chat, this));
	}
};

static int serve(const std::string &port)
{
	grpc::ServerBuilder builder;
	sigset_t signals;
	Echo echo;
	int got;

	/* Before there are threads, which inherit that. */
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &signals, nullptr);
	builder.AddListeningPort("127.0.0.1:" + port, server_credentials());
	builder.RegisterService(&echo);
	auto server = builder.BuildAndStart();
	sigwait(&signals, &got);
	server->Shutdown(std::chrono::system_clock::now() + std::chrono::seconds(1));
	return 0;
}

/* ---- client ---- */

static std::string unary(const Channel &channel, const char *path)
{
	ClientContext context;

	return unary(channel, path, &context);
}

/* "MESSAGES BYTES" of a stream of answers. */
template <class Answers> static std::string total(Answers &answers)
{
	size_t messages = 0, bytes = 0;
	ByteBuffer message;

	while (answers->Read(&message)) {
		messages++;
		bytes += message.Length();
	}
	Status status = answers->Finish();
	return status.ok() ? std::to_string(messages) + " " + std::to_string(bytes) : name_of(status.error_code());
}

static std::string sum(const Channel &channel)
{
	ClientContext context;
	ByteBuffer out;
	std::unique_ptr<grpc::ClientWriter<ByteBuffer>> writer(grpc::internal::ClientWriterFactory<ByteBuffer>::Create(
		channel.get(), method("/test.Echo/Sum", RpcMethod::CLIENT_STREAMING, channel), &context, &out));

	for (int i = 0; i < 50; i++)
		writer->Write(bytes_of(std::string(3000, 'x')));
	writer->WritesDone();
	Status status = writer->Finish();
	return status.ok() ? text_of(out) : name_of(status.error_code());
}

static std::string count(const Channel &channel)
{
	ClientContext context;
	std::unique_ptr<grpc::ClientReader<ByteBuffer>> reader(grpc::internal::ClientReaderFactory<ByteBuffer>::Create(
		channel.get(), method("/test.Echo/Count", RpcMethod::SERVER_STREAMING, channel), &context, bytes_of("100")));

	return total(reader);
}

static std::string chat(const Channel &channel)
{
	ClientContext context;
	std::unique_ptr<grpc::ClientReaderWriter<ByteBuffer, ByteBuffer>> stream(
		grpc::internal::ClientReaderWriterFactory<ByteBuffer, ByteBuffer>::Create(
			channel.get(), method("/test.Echo/Chat", RpcMethod::BIDI_STREAMING, channel), &context));

	for (int i = 0; i < 50; i++)
		stream->Write(bytes_of(std::string(1000, 'x')));
	stream->WritesDone();
	return total(stream);
}

static std::string slow(const Channel &channel)
{
	ClientContext context;

	context.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(500));
	return unary(channel, "/test.Echo/Slow", &context);
}

/* Calls that are all under way at once on one channel. */
struct Call {
	ClientContext context;
	ByteBuffer in = bytes_of("x"), out;
	Status status;
};

class Calls {
	std::vector<std::unique_ptr<Call>> calls;
	std::mutex lock;
	std::condition_variable over;
	size_t left = 0;

public:
	Call *start(const Channel &channel, const char *path)
	{
		calls.push_back(std::make_unique<Call>());
		Call *call = calls.back().get();
		{
			std::lock_guard<std::mutex> held(lock);
			left++;
		}
		grpc::internal::CallbackUnaryCall<ByteBuffer, ByteBuffer, ByteBuffer, ByteBuffer>(
			channel.get(), method(path, RpcMethod::NORMAL_RPC, channel), &call->context, &call->in, &call->out,
			[this, call](Status status) {
				std::lock_guard<std::mutex> held(lock);
				call->status = status;
				left--;
				over.notify_all();
			});
		return call;
	}

	std::string wait()
	{
		std::unique_lock<std::mutex> held(lock);
		std::string text;

		over.wait(held, [this] { return left == 0; });
		for (const auto &call : calls)
			text += " " + (call->status.ok() ? text_of(call->out) : name_of(call->status.error_code()));
		return text;
	}
};

static std::string cancel(const Channel &channel)
{
	Calls calls;
	Call *call = calls.start(channel, "/test.Echo/Slow");

	unary(channel, "/test.Echo/Say"); /* the server reads in order */
	call->context.TryCancel();
	return calls.wait();
}

static std::string many(const Channel &channel)
{
	Calls calls;

	for (int i = 0; i < 50; i++)
		calls.start(channel, "/test.Echo/Seen");
	return calls.wait();
}

static int ask(const std::string &address)
{
	Channel channel = channel_to(address);

	std::cout << "say " << unary(channel, "/test.Echo/Say") << "\n";
	std::cout << "seen " << unary(channel, "/test.Echo/Seen") << "\n";
	std::cout << "fail " << unary(channel, "/test.Echo/Fail") << "\n";
	std::cout << "none " << unary(channel, "/test.Echo/None") << "\n";
	std::cout << "sum " << sum(channel) << "\n";
	std::cout << "count " << count(channel) << "\n";
	std::cout << "chat " << chat(channel) << "\n";
	std::cout << "slow " << slow(channel) << "\n";
	std::cout << "cancel" << cancel(channel) << "\n";
	std::cout << "many" << many(channel) << "\n";
	return 0;
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	return std::string(argv[1]) == "server" ? serve(argv[2]) : ask(argv[2]);
}
