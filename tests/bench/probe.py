"""What the kernel says of running processes: CPU time, memory, how often they slept."""
import contextlib
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
from http2_apps import family  # noqa: E402

OUR_THREAD = "remora"
NS = 1e-9


def process_seconds(pid):
    """CPU time of a process with all its threads, those that ended too, to the nanosecond."""
    return time.clock_gettime((~pid << 3) | 2)  # the process's clock, as clock_getcpuclockid(3) makes its number


def worker_seconds(pid):
    """CPU time of the agent's own thread in a process."""
    spent = 0
    with contextlib.suppress(OSError):  # threads end meanwhile
        for task in Path(f"/proc/{pid}/task").iterdir():
            if (task / "comm").read_text().strip() == OUR_THREAD:
                spent += int((task / "schedstat").read_text().split()[0])
    return spent * NS


def cpu_seconds(pid):
    """CPU time of a process and those below it: (of the program, of the agent's thread)."""
    total = worker = 0
    for member in family(pid):
        with contextlib.suppress(OSError):
            total += process_seconds(member)
            worker += worker_seconds(member)
    return total - worker, worker


def rollup(pid, *names):
    """Sums of these fields of smaps_rollup over a process and those below it, in bytes."""
    sums = dict.fromkeys(names, 0)
    for member in family(pid):
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{member}/smaps_rollup").read_text().splitlines()[1:]:
                name, value = line.split()[:2]
                if name[:-1] in sums:
                    sums[name[:-1]] += int(value) * 1024
    return [sums[name] for name in names]


def sleeps(pid):
    """How often the threads of a process and of those below it gave up the CPU to wait."""
    count = 0
    for member in family(pid):
        for status in Path(f"/proc/{member}/task").glob("*/status"):
            with contextlib.suppress(OSError):
                count += int(next(line for line in status.read_text().splitlines() if line.startswith("voluntary")).split()[1])
    return count
