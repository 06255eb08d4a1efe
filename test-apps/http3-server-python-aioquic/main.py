"""main.py PORT CERTIFICATE KEY: HTTP/3 by aioquic; answers with the traceparent that it was sent. Says when it listens."""
import asyncio
import sys

from aioquic.asyncio import QuicConnectionProtocol, serve
from aioquic.h3.connection import H3_ALPN, H3Connection
from aioquic.h3.events import HeadersReceived
from aioquic.quic.configuration import QuicConfiguration


class Server(QuicConnectionProtocol):
    http = None

    def quic_event_received(self, event):
        self.http = self.http or H3Connection(self._quic)
        for each in self.http.handle_event(event):
            if isinstance(each, HeadersReceived):
                seen = dict(each.headers).get(b"traceparent", b"none")
                self.http.send_headers(each.stream_id, [(b":status", b"200"), (b"server", b"aioquic")])
                self.http.send_data(each.stream_id, seen + b"\n", True)
                self.transmit()


async def main(port, certificate, key):
    configuration = QuicConfiguration(alpn_protocols=H3_ALPN, is_client=False)
    configuration.load_cert_chain(certificate, key)
    await serve("127.0.0.1", int(port), configuration=configuration, create_protocol=Server)
    print("listens", flush=True)
    await asyncio.Future()


asyncio.run(main(*sys.argv[1:]))
