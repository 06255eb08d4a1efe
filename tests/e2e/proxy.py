"""A TCP proxy that keeps what passes: one bytearray per direction and connection."""
import socket
import threading


class Recorder:
    def __init__(self, target_port):
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

    def finish(self):
        """Waits until every connection is over; returns the streams of each, in order of arrival."""
        self.listener.close()
        for thread in self.threads:
            thread.join(10)
        return [(bytes(c["sent"]), bytes(c["answered"])) for c in self.connections]
