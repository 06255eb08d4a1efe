// A thread for each connection, which makes calls that block, over one channel of gRPC for all: grpc PORT
#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/client_unary_call.h>

#include <memory>
#include <string>

#include "connections.h"

using grpc::internal::RpcMethod;

static std::shared_ptr<grpc::Channel> channel;

static void fan_out(long number, unsigned *seed, void **)
{
	for (int i = 0, count = how_many(seed); i < count; i++) {
		std::string path = "/call/" + std::to_string(number) + "/" + std::to_string(i);
		grpc::ByteBuffer in, out;
		grpc::ClientContext context;

		sleep_ms(rest_ms(seed));
		grpc::Slice slice("x");
		in = grpc::ByteBuffer(&slice, 1);
		if (!grpc::internal::BlockingUnaryCall<grpc::ByteBuffer, grpc::ByteBuffer, grpc::ByteBuffer, grpc::ByteBuffer>(
			     channel.get(), RpcMethod(path.c_str(), RpcMethod::NORMAL_RPC, channel), &context, in, &out)
			     .ok())
			exit(1);
	}
}

static void end(void *)
{
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return 1;
	channel = grpc::CreateChannel("127.0.0.1:" + std::to_string(far_port()), grpc::InsecureChannelCredentials());
	return serve_all(atoi(argv[1]));
}
