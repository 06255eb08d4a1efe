"""How a program can be run: without an agent, with Remora, with OpenTelemetry's agent for its language.

Each variant has a backend of its own (counter.c), so that what came of it is known.
"""
import subprocess
import time
import urllib.request
from pathlib import Path


class Counter:
    """A backend that counts: one process of counter.c."""

    def __init__(self, program, folder, name):
        file = Path(folder) / f"counter-{name}.port"
        self.popen = subprocess.Popen([program, file])
        while not file.exists() or not file.read_text().endswith("\n"):
            if self.popen.poll() is not None:
                raise SystemExit("bench: the counter does not start")
            time.sleep(0.01)
        self.endpoint = f"http://127.0.0.1:{file.read_text().strip()}"

    def counts(self):
        """(requests, spans, bytes) that came until now."""
        with urllib.request.urlopen(self.endpoint + "/", timeout=60) as answer:
            words = answer.read().split()
        return tuple(int(n) for n in words[1::2])

    def close(self):
        self.popen.terminate()
        self.popen.wait()


class Variant:
    """`settings`: the environment that a program gets beside."""

    def __init__(self, name, counter=None, settings=None):
        self.name, self.counter = name, counter
        self.settings = settings

    def environment(self, name):
        if not self.counter:
            return {}
        return {"OTEL_SERVICE_NAME": name, "OTEL_EXPORTER_OTLP_ENDPOINT": self.counter.endpoint,
                "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf", "OTEL_METRICS_EXPORTER": "none",
                "OTEL_LOGS_EXPORTER": "none", **self.settings}
