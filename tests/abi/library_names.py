#!/usr/bin/env python3
"""Every function through which a program moves its bytes into or out of a TLS library: is it hooked, or is it known
why it need not be? As TAP, of each library that is installed; a new release with a new function fails here.

Usage: library_names.py READELF REMORA
"""
import ctypes.util
import re
import subprocess
import sys
from pathlib import Path

# Which exported names may move bytes; and those that are not hooked by name, with the reason.
LIBRARIES = {
    "gnutls": (r"gnutls_record_(send|recv|cork|uncork|check_corked|discard)\w*", {
        "gnutls_record_cork": "moves nothing: what is sent from then on passes gnutls_record_send",
        "gnutls_record_discard_queued": "datagrams",
        "gnutls_record_send_early_data": "before the handshake, and left alone if the server takes it: describe()",
    }),
    "ssl": (r"SSL_(read|write|peek|send|recv|shutdown)(?!_ahead)\w*", {
        **dict.fromkeys(("SSL_read", "SSL_read_ex", "SSL_read_early_data", "SSL_peek", "SSL_peek_ex", "SSL_write",
                         "SSL_write_ex", "SSL_write_ex2", "SSL_write_early_data", "SSL_shutdown", "SSL_shutdown_ex"),
                        "calls the tables of functions that lead to us"),
        "SSL_sendfile": "only where the kernel encrypts: such sessions are left alone",
    }),
    # Its own functions that make messages of a handshake are exported, too.
    "mbedtls": (r"mbedtls_ssl_(read|write|peek|send|recv)(_early_data)?", {}),
    "wolfssl": (r"wolfSSL_(mcast_|BIO_)?(read|write|peek|send|recv|inject|sendfile)(v|_ex|_dup|_early_data)?|"
                r"wolfSSL_(tls_)?import|wolfSSL_BIO_[gs]et_ssl", {
        "wolfSSL_mcast_read": "datagrams",
        "wolfSSL_inject": "takes encrypted bytes in the transport's place",
        **dict.fromkeys(("wolfSSL_BIO_read", "wolfSSL_BIO_write", "wolfSSL_BIO_read_ex", "wolfSSL_BIO_write_ex"),
                        "sessions below a BIO are left alone: wolfSSL_BIO_set_ssl"),
    }),
    "nspr4": (r"PR_(Read|Write|Send|Recv|Writev|SendFile|TransmitFile|AcceptRead|SendTo|RecvFrom)", {
        **dict.fromkeys(("PR_Read", "PR_Write", "PR_Send", "PR_Recv", "PR_Writev"),
                        "calls the table of functions that leads to us"),
        **dict.fromkeys(("PR_SendFile", "PR_TransmitFile", "PR_AcceptRead"),
                        "NSPR's own emulation, which calls PR_Send, PR_Write and PR_Recv of the same socket"),
        **dict.fromkeys(("PR_SendTo", "PR_RecvFrom"), "NSS has none"),
    }),
}


def lines(argv):
    return subprocess.run(argv, text=True, check=True, stdout=subprocess.PIPE).stdout.splitlines()


def exported(readelf, path):
    rows = (line.split() for line in lines([readelf, "-W", "--dyn-syms", path]))
    return sorted({row[7].split("@")[0] for row in rows if len(row) > 7 and row[3] == "FUNC" and row[6] != "UND"})


def check(readelf, hooked, soname, pattern, known):
    """The verdict as a directive for TAP, and what is wrong."""
    path = next((p for folder in ("/usr/lib", "/lib") for p in Path(folder).glob(f"*/{soname}")), None)
    if not path:
        return "# SKIP not installed", []
    names = [name for name in exported(readelf, path) if re.fullmatch(pattern, name)]
    wrong = [f"{name}: neither hooked nor known" for name in names if name not in hooked and name not in known]
    return "", wrong if names else [f"{path} exports none of its functions"]


def main():
    readelf, remora = sys.argv[1:]
    hooked = {line.split()[0] for line in lines([remora, "list", "hooks"]) if line.strip()}
    for number, (name, (pattern, known)) in enumerate(LIBRARIES.items(), 1):
        soname = ctypes.util.find_library(name) or f"lib{name}.so"
        directive, wrong = check(readelf, hooked, soname, pattern, known)
        print(f"{'not ok' if wrong else 'ok'} {number} - {soname}: what moves a program's bytes is hooked, or known "
              f"{directive}")
        for line in wrong:
            print("#", line)
    print(f"1..{len(LIBRARIES)}")


main()
