#!/usr/bin/env python3
"""`remora check` of programs, as a user meets it; the reasons one by one are in tests/unit/test_check.c.

Usage: test_check.py REMORA        prints TAP; needs nothing but python3 (and cc for programs with TLS inside)
"""
import shutil
import subprocess
import sys
from pathlib import Path

from cli_harness import Folder, equal, main, remora, test

# What OpenSSL exports and is known by, and what its kin have of that.
OPENSSL = "int TLS_method, SSL_read_ex, SSL_get_client_random, SSL_waiting_for_async, SSL_CTX_new, SSL_read, SSL_write;\n"
KIN = "int TLS_method, SSL_get_client_random, SSL_CTX_new, SSL_read, SSL_write;\n"
MAIN = "int main(void) { return 0; }\n"


def compiled(path, source, *options):
    subprocess.run(["cc", "-xc", "-", "-xnone", "-o", path, *options], input=source, text=True, check=True)
    return path


def notes_of(path):
    return [line for line in remora("check", path).stdout.splitlines() if line.startswith("note: ")]


@test
def check_tells_what_can_be_instrumented():
    result = remora("check", "--", sys.executable)
    equal((result.returncode, result.stderr), (0, ""))
    with Folder() as path:
        script = path / "script"
        script.write_text(f"#!{sys.executable}\n")
        script.chmod(0o755)
        result = remora("check", str(script))
        equal(result.returncode, 0)
        assert "is a script for" in result.stdout
        result = remora("check", str(path))
        equal(result.returncode, 1)
    if shutil.which("wget"):
        assert "is linked with GnuTLS (libgnutls.so." in remora("check", "wget").stdout
    if shutil.which("cc"):
        with Folder() as path:
            for name, text, options, word in (
                    ("open", OPENSSL, ["-rdynamic"], "has OpenSSL inside, where its TLS is seen"),
                    ("closed", OPENSSL, [], "has OpenSSL inside and does not export it"),
                    ("kin", KIN, ["-rdynamic"], "has a kin of OpenSSL inside that is not known here"),
                    ("kin-closed", KIN, [], "has a kin of OpenSSL inside that is not known here"),
                    ("boring", 'const char *p = "OpenSSL 1.1.1 (compatible; BoringSSL)";', ["-s"], "has BoringSSL inside"),
                    ("stripped", 'const char *p = "../ssl/ssl_lib.c";', ["-s"], "has OpenSSL inside and does not export it"),
                    ("stripped-kin", 'const char *p = "/src/ssl/ssl_lib.cc";', ["-s"], "has BoringSSL or AWS-LC inside"),
                    ("rust", 'const char *p = "src/rustls-0.23/x.rs";', ["-s"], "has rustls inside"),
                    ("java", OPENSSL, ["-s"], "encrypts by itself (JSSE)")):
                notes = [note for note in notes_of(compiled(path / name, text + MAIN, *options)) if "the adapter" not in note]
                equal([word in note for note in notes], [True])
            for name, file, text, word in (
                    ("known", "libssl.so.1.1", OPENSSL, "linked with OpenSSL (libssl.so.1.1), where its TLS is seen"),
                    ("bundled", "libssl-0123abcd.so.3", OPENSSL, "linked with OpenSSL (libssl-0123abcd.so.3), where its TLS"),
                    ("old", "libssl.so.1.1", KIN, "no OpenSSL that is known here: its TLS is not seen"),
                    ("unversioned", "libssl.so", KIN, "no OpenSSL that is known here: its TLS is not seen")):
                (path / f"lib-{name}").mkdir()
                library = compiled(path / f"lib-{name}" / file, text, "-shared", "-fPIC", f"-Wl,-soname,{file}")
                program = compiled(path / name, MAIN, "-Wl,--no-as-needed", library, f"-Wl,-rpath,{library.parent}")
                equal([word in note for note in notes_of(program)], [True])
            equal("inside" in remora("check", sys.executable).stdout, False)
            asan = path / "asan"
            if subprocess.run(["cc", "-xc", "-", "-fsanitize=address", "-o", asan], input="int main(void) { return 0; }",
                              text=True, stderr=subprocess.DEVNULL).returncode == 0:
                assert "ASAN_OPTIONS=verify_asan_link_order=0" in remora("check", asan).stdout
    if shutil.which("git") and Path("/usr/lib/git-core/git-remote-https").exists():
        result = remora("check", "--", "git")
        equal((result.returncode, "yes: git leads to" in result.stdout), (0, True))
    with Folder() as path:
        (path / "script").write_text(f"#!/bin/sh\nexec {sys.executable} \"$@\"\n")
        (path / "script").chmod(0o755)
        result = remora("check", str(path / "script"))
        equal((result.returncode, f"hands over to {sys.executable} (exec)" in result.stdout), (0, True))
    result = remora("check", "--", "no-such-command")
    equal(result.returncode, 1)
    assert result.stdout.startswith("no: ")
    for settings, word in (({"REMORA_DISABLED": "1"}, "would not be traced"),
                           ({"REMORA_DENY": "python*"}, "named by REMORA_DENY"),
                           ({"REMORA_ALLOW": "nginx"}, "not named by REMORA_ALLOW")):
        result = remora("check", "--", sys.executable, env=settings)
        equal((word, result.returncode), (word, 1))
        assert word in result.stdout, result.stdout
    assert "built-in list" in remora("check", "true").stdout
    result = remora("check", sys.executable, env={"OTEL_BSP_MAX_QUEUE_SIZE": "many"})
    equal((result.returncode, result.stderr.count("OTEL_BSP_MAX_QUEUE_SIZE: 'many'")), (0, 1))


sys.exit(main())
