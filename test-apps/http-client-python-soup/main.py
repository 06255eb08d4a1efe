"""main.py URL CA COUNT: fetches it with libsoup, whose TLS is GIO's: a module opened at run time, with a transport
of its own below GnuTLS. The bodies are printed."""
import sys

import gi
gi.require_version("Soup", "3.0")
from gi.repository import Gio, Soup  # noqa: E402

session = Soup.Session(tls_database=Gio.TlsFileDatabase.new(sys.argv[2]))
for _ in range(int(sys.argv[3])):
    print(session.send_and_read(Soup.Message.new("GET", sys.argv[1]), None).get_data().decode(), end="")
