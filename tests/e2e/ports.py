"""Ports for servers that are told where to listen.

One that the kernel chose and that was given back can go to any connection or server that is made before the program
listens. These are below what the kernel chooses from, and reserved among all tests that run at once.
"""
import contextlib
import random
import socket

PORTS = (10000, 32768)  # below net.ipv4.ip_local_port_range


def is_free(port):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_INET, kind) as s:
            try:
                s.bind(("0.0.0.0", port))
            except OSError:
                return False
    return True


def reserve():
    """Returns (port, reservation): nobody else gets the port here before the reservation is closed or its process ends."""
    while True:
        port = random.randrange(*PORTS)
        reservation = socket.socket(socket.AF_UNIX)
        with contextlib.suppress(OSError):
            # Abstract names belong to a network namespace, as ports do.
            reservation.bind(f"\0remora-test-port-{port}")
            if is_free(port):
                return port, reservation
        reservation.close()
