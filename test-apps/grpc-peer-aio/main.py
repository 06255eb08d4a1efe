"""main.py server PORT | through ADDRESS OTHER: test.Echo with grpc.aio, without generated code. What each method and each line of
the client is, tests/grpc/run.py says; a handler asks another server directly, in tasks of its own, by streams, and past
an interceptor, all over one channel."""
import asyncio
import signal
import sys

import grpc
from grpc import aio


class Interceptor(aio.UnaryUnaryClientInterceptor):
    async def intercept_unary_unary(self, go_on, details, request):
        await asyncio.sleep(0)
        return await go_on(details, request)


channels = {}


def channel_to(address, interceptors=()):
    if (address, interceptors) not in channels:
        channels[address, interceptors] = aio.insecure_channel(address, interceptors=[kind() for kind in interceptors])
    return channels[address, interceptors]


async def seen(request, context):
    return dict(context.invocation_metadata()).get("traceparent", "none").encode()


def seen_in_thread(request, context):  # aio runs what is no coroutine in its pool
    return dict(context.invocation_metadata()).get("traceparent", "none").encode()


async def directly(address):
    return await channel_to(address).unary_unary("/test.Echo/Seen")(b"x")


async def intercepted(address):
    return await channel_to(address, (Interceptor,)).unary_unary("/test.Echo/Seen")(b"x", metadata=(("a", "b"),))


async def streamed(address):
    call = channel_to(address).stream_stream("/test.Echo/SeenEach")()
    await call.write(b"x")
    await call.done_writing()
    answers = [answer async for answer in call]
    return b" ".join([*answers, await directly(address)])


async def delayed(address):
    await asyncio.sleep(0.001)
    return await channel_to(address).unary_unary("/test.Echo/SeenInThread")(b"x")


async def through(request, context):
    """What this handler was sent, and what those of another server were that it asks."""
    address = request.decode()
    answers = [await directly(address), await intercepted(address)]
    answers += await asyncio.gather(streamed(address), delayed(address), intercepted(address))
    return b" ".join([await seen(request, context), *answers])


async def seen_each(requests, context):
    async for request in requests:
        yield await seen(request, context)


async def serve(port):
    server = aio.server()
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("test.Echo", {
        "Seen": grpc.unary_unary_rpc_method_handler(seen),
        "SeenInThread": grpc.unary_unary_rpc_method_handler(seen_in_thread),
        "SeenEach": grpc.stream_stream_rpc_method_handler(seen_each),
        "Through": grpc.unary_unary_rpc_method_handler(through),
    }),))
    server.add_insecure_port(f"127.0.0.1:{port}")
    over = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, over.set)
    await server.start()
    await over.wait()
    await server.stop(1)


async def ask_through(address, other):
    async with aio.insecure_channel(address) as channel:
        for _ in range(5):
            for answer in await asyncio.gather(*(channel.unary_unary("/test.Echo/Through")(other.encode()) for _ in range(20))):
                print(answer.decode())


asyncio.run(serve(sys.argv[2]) if sys.argv[1] == "server" else ask_through(sys.argv[2], sys.argv[3]))
