"""libuv's own test program: event loops, processes, signals, threads, files and sockets of every kind."""
import os
import pwd
import shutil

from debian import run, version
from suite import Suite, ending, tap_results


class Libuv(Suite):
    name = "libuv"
    packages = ("cmake", "build-essential")

    def prepare(self, debian):
        source, build = self.work / "source", self.work / "build"
        debian.source("libuv1", source)
        self.program = build / "uv_run_tests"
        if not self.program.exists():
            build.mkdir(exist_ok=True)
            run(["cmake", "-DCMAKE_BUILD_TYPE=RelWithDebInfo", source], debian.log, cwd=build)
            run(["make", f"-j{os.cpu_count()}", "uv_run_tests"], debian.log, cwd=build)
        self.version = version(source)

    def parts(self):
        return ["all"]

    def run(self, part, env, log):
        # It refuses to run as root, and writes where it stands.
        stage = self.work / "stage"
        shutil.rmtree(stage, ignore_errors=True)
        shutil.copytree(self.work / "source" / "test" / "fixtures", stage / "test" / "fixtures")
        options = {}
        if os.getuid() == 0:
            nobody = pwd.getpwnam("nobody")
            for folder, _, files in os.walk(stage):
                for path in [folder, *(os.path.join(folder, f) for f in files)]:
                    os.chown(path, nobody.pw_uid, nobody.pw_gid)
            options = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        status, text = self.execute([self.program], {**env, "HOME": str(stage), "TMPDIR": str(stage)},
                                    log, stage, **options)
        results = tap_results(text, "libuv")
        # The status counts the failed tests.
        return {**results, **ending("libuv", status, range(256))}
