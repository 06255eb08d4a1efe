"""The tests of Perl modules that talk to sockets, on the installed perl: HTTP::Tiny and IO from perl's
source, IO::Socket::IP, IO::Socket::SSL, LWP, HTTP::Daemon."""
from debian import version
from suite import Suite, ending, tap_results

# Source package, folder in it, further folders of modules.
PARTS = {
    "HTTP::Tiny": ("perl", "cpan/HTTP-Tiny", "t"),
    "IO": ("perl", "dist/IO", "t"),
    "IO::Socket::IP": ("perl", "cpan/IO-Socket-IP", "t"),
    "IO::Socket::SSL": ("libio-socket-ssl-perl", ".", "t"),
    "LWP": ("libwww-perl", ".", "t/base t/leak t/local t/robot t"),
    "HTTP::Daemon": ("libhttp-daemon-perl", ".", "t"),
}


class Perl(Suite):
    name = "perl"
    packages = ("perl", "libwww-perl", "libhttp-daemon-perl", "libio-socket-ssl-perl",
                "libtest-fatal-perl", "libtest-needs-perl", "libtest-requiresinternet-perl")

    def prepare(self, debian):
        for package in {package for package, _, _ in PARTS.values()}:
            debian.source(package, self.work / package)
        self.version = version(self.work / "perl")

    def parts(self):
        return list(PARTS)

    def run(self, part, env, log):
        package, folder, tests = PARTS[part]
        cwd = self.work / package / folder
        results, texts = {}, []
        for folder_of_tests in tests.split():
            for test in sorted((cwd / folder_of_tests).glob("*.t")):
                name = test.relative_to(cwd)
                status, text = self.execute(["/usr/bin/perl", "-I", "lib", "-I", ".", name], env, log, cwd)
                texts.append(f"== {name}\n{text}")
                results.update(tap_results(text, f"{part} {name}"))
                results.update(ending(f"{part} {name}", status, range(256)))
        log.write_text("\n".join(texts))
        return results
