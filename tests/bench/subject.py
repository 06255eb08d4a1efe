"""One copy of a program under measurement, in one variant, in a folder of its own."""
import sys
import time
import types
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
from harness import Test  # noqa: E402

START_SECONDS = 120  # what an agent of others takes on a busy machine


class Subject(Test):
    """What is started with agent=False only helps it: backends, proxies in front, databases."""
    pause = 0.001

    def __init__(self, name, build, variant, prefix=()):
        super().__init__(f"bench.{name}", build)
        self.sink.close()
        self.sink = types.SimpleNamespace(close=lambda: None)
        self.variant, self.prefix = variant, prefix
        self.begun = 0

    def environment(self, name, agent, extra):
        env = super().environment(name, False, extra)
        return {**env, **self.variant.environment(name)} if agent else env

    def wait_for_port(self, process, seconds=None):
        super().wait_for_port(process, seconds or START_SECONDS)

    def start(self, name, argv, port=None, agent=True, *rest, **more):
        if agent:
            self.begun = time.perf_counter()
        return super().start(name, [*self.prefix, *argv] if agent else argv, port, agent, *rest, **more)

    @property
    def tool(self):
        """The folder of pace and counter."""
        return self.build.folder / "tests" / "bench"
