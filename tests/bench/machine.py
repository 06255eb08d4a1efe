"""The machine that was measured on, and how busy it was with other things."""
import os
import platform
import re
import subprocess
from pathlib import Path

from harness import which

PROGRAMS = {"nginx": ("nginx", "-v"), "Node": ("node", "--version"), "Python": ("/usr/bin/python3", "--version"),
            "gunicorn": ("gunicorn", "--version"), "Java": ("java", "-version"), "PHP": ("php", "--version"),
            "Redis": ("redis-server", "--version"), "pgbench": ("pgbench", "--version"), "curl": ("curl", "--version"),
            "nghttp2": ("h2load", "--version"), "gcc": ("gcc", "-dumpfullversion"), "OpenSSL": ("openssl", "version")}


def release():
    text = Path("/etc/os-release").read_text()
    return re.search(r'PRETTY_NAME="(.*)"', text)[1]


def version(argv):
    if not which(argv[0]):
        return None
    done = subprocess.run([which(argv[0]), *argv[1:]], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    found = re.search(r"\d+(\.\d+)+", done.stdout + done.stderr)
    return found and found[0]


def shape():
    """One line: cores, processor, kernel, release."""
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    memory = re.search(r"MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text())
    return (f"{os.cpu_count()} cores{f' of {model[1]}' if model else ''}, {int(memory[1]) / 2**20:.0f} GiB, {platform.machine()}, "
            f"Linux {platform.release().split('-')[0]}, {release()}")


def versions():
    found = {name: version(argv) for name, argv in PROGRAMS.items()}
    return ", ".join(f"{name} {v}" for name, v in found.items() if v)


def waiting():
    """How many threads ran or waited for a core, on average over the last minute."""
    return os.getloadavg()[0]
