"""Runs a server on a machine that says of itself what is wanted, with a metadata service at EC2's own address.

on_ec2.py SETTINGS, as JSON: {"dmi": {file: text}, "command": [...], "environment": {...}, "port": N, "spans": file}. To be run in
namespaces of its own (unshare -rnm). Prints as JSON what the service was asked, and the resources of the spans in that file.
"""
import fcntl
import json
import socket
import struct
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

from metadata import Instance

ADDRESS = "169.254.169.254"
SIOCSIFADDR, SIOCSIFNETMASK, SIOCSIFFLAGS = 0x8916, 0x891C, 0x8914


def ifreq(name, data):
    return struct.pack("16s24s", name.encode(), data)


def make_network():
    """Loopback, and the address on it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        fcntl.ioctl(s, SIOCSIFFLAGS, ifreq("lo", struct.pack("h", 0x41)))
        for name, address in (("lo:1", ADDRESS),):
            fcntl.ioctl(s, SIOCSIFADDR, ifreq(name, struct.pack("HH4s", socket.AF_INET, 0, socket.inet_aton(address))))
            fcntl.ioctl(s, SIOCSIFNETMASK, ifreq(name, struct.pack("HH4s", socket.AF_INET, 0, socket.inet_aton("255.255.255.255"))))


def make_machine(files):
    subprocess.run(["mount", "-t", "tmpfs", "none", "/sys"], check=True)
    for name, text in files.items():
        path = Path("/sys") / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def until(holds, seconds=60):
    end = time.monotonic() + seconds
    while not holds() and time.monotonic() < end:
        time.sleep(0.05)
    return holds()


def answers(port):
    try:
        return urllib.request.urlopen(f"http://127.0.0.1:{port}/hello", timeout=5).status == 200
    except OSError:
        return False


def main():
    settings = json.loads(sys.argv[1])
    make_machine(settings["dmi"])
    make_network()
    service = Instance((ADDRESS, 80))
    threading.Thread(target=service.serve_forever, daemon=True).start()
    server = subprocess.Popen(settings["command"], env=settings["environment"], stdout=sys.stderr)
    spans = Path(settings["spans"])
    until(lambda: answers(settings["port"]))
    until(lambda: spans.exists() and spans.read_text().endswith("\n"))
    server.terminate()
    server.wait(60)
    lines = [json.loads(line) for line in spans.read_text().splitlines()]
    resources = [{a["key"]: a["value"].get("stringValue") for a in r["resource"]["attributes"]} for line in lines for r in line["resourceSpans"]]
    print(json.dumps({"asked": service.asked, "resources": resources}))


main()
