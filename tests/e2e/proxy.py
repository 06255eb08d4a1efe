"""A TCP proxy that keeps what passes: one bytearray per direction and connection."""
import select
import socket
import threading


class Recorder:
    """With `tls`, the context of a server, it ends TLS and keeps what was inside."""

    def __init__(self, target_port, tls=None):
        self.tls = tls
        self.target = ("127.0.0.1", target_port)
        self.connections = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.threads = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            record = {"sent": bytearray(), "answered": bytearray()}
            self.connections.append(record)
            server = socket.create_connection(self.target)
            if self.tls:
                thread = threading.Thread(target=self.pump_tls, args=(client, server, record), daemon=True)
                thread.start()
                self.threads.append(thread)
                continue
            for source, sink, name in ((client, server, "sent"), (server, client, "answered")):
                thread = threading.Thread(target=self.pump, args=(source, sink, record[name]), daemon=True)
                thread.start()
                self.threads.append(thread)

    @staticmethod
    def pump(source, sink, record):
        try:
            while data := source.recv(65536):
                record += data
                sink.sendall(data)
        except OSError:
            pass
        try:
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def pump_tls(self, client, server, record):
        """Both directions in one thread: a session is not for two."""
        try:
            with self.tls.wrap_socket(client, server_side=True) as session, server:
                while True:
                    ready = [session] if session.pending() else select.select([session, server], [], [])[0]
                    for source, sink, name in ((session, server, "sent"), (server, session, "answered")):
                        if source not in ready:
                            continue
                        data = source.recv(65536)
                        if not data:
                            return
                        record[name] += data
                        sink.sendall(data)
        except OSError:
            pass

    def finish(self):
        """Waits until every connection is over; returns the streams of each, in order of arrival."""
        self.listener.close()
        for thread in self.threads:
            thread.join(10)
        return [(bytes(c["sent"]), bytes(c["answered"])) for c in self.connections]
