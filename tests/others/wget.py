"""wget's own tests on the installed wget, with their servers in Perl and in Python.

They compare what the servers read and what wget prints; the servers are traced as well.
"""
from debian import version
from suite import Suite, ending

# Folder, names of its tests, what runs one.
PARTS = {
    "perl": ("tests", "Test-*.px", ("/usr/bin/perl", "-I", ".")),
    "python": ("testenv", "Test-*.py", ("/usr/bin/python3",)),
}


class Wget(Suite):
    name = "wget"
    packages = ("wget", "perl", "libhttp-daemon-perl", "libio-socket-ssl-perl", "python3")

    def prepare(self, debian):
        debian.source("wget", self.work)
        self.version = version(self.work)

    def parts(self):
        return list(PARTS)

    def run(self, part, env, log):
        folder, names, interpreter = PARTS[part]
        cwd = self.work / folder
        env = {**env, "WGET_PATH": "/usr/bin/wget", "srcdir": str(cwd), "PYTHONPATH": str(cwd)}
        results, texts = {}, []
        for test in sorted(path.name for path in cwd.glob(names)):
            status, text = self.execute([*interpreter, test], env, log, cwd)
            texts.append(f"== {test}\n{text}")
            # 77 is automake's word for a skipped test.
            results.update({test: "skip"} if status == 77 else ending(test, status))
        log.write_text("\n".join(texts))
        return results
