"""Case 7, continued: what other users could make of the agent: files that it opens, programs with more rights."""
import os
import re

from frame import case, which

# ---- files ----

EXCHANGE = r"""
#include "torture.h"

int main(void)
{
	for (int i = 0; i < 3; i++) {
		FAIL_IF(get() != 200);
		settle(60);
	}
	return 3;
}
"""

# All that the agent ever opens (docs/SAFETY.md, X1), beside its own objects and what settings name.
OURS = re.compile(r"/(proc/self/(cgroup|mountinfo|exe)|proc/thread-self/fd|etc/machine-id|var/lib/dbus/machine-id|etc/os-release"
                  r"|usr/lib/os-release|dev/null|dev/u?random|sys/devices/system/cpu/online|proc/sys/vm/overcommit_memory"
                  r"|sys/class/dmi/id/(sys_vendor|board_asset_tag|product_name)|sys/hypervisor/uuid|var/elasticbeanstalk/xray/environment.conf"
                  r"|var/run/secrets/kubernetes.io/serviceaccount/(namespace|token))")
FOR_NAMES = re.compile(r"/etc/(hosts|resolv\.conf|nsswitch\.conf|host\.conf|services|ssl/.*|pki/.*)|/usr/lib/ssl/.*")
OPENS = re.compile(rb'open(?:at)?\((?:[^,"]+, )?"([^"]*)", ([A-Z_|]+)')


def opened(t, program, state, **env):
    trace = t.dir / "trace"
    trace.unlink(missing_ok=True)
    ran = t.run(["strace", "-f", "-qq", "-o", trace, "-e", "trace=open,openat,creat", program], state, seconds=60,
                env={"REMORA_EXIT_TIMEOUT": 5000, **env})
    t.check(ran.status == 3 and not ran.stderr, str(ran))
    return {(path.decode(), flags.decode()) for path, flags in OPENS.findall(trace.read_bytes())}


@case(7, "the agent opens no file but its own, those of settings, and few of the system; it writes to none",
      needs=["strace"])
def c07_files(t):
    program = t.compile("exchange", EXCHANGE)
    own = opened(t, program, None)
    for state, env in (("up", {}), ("tls", {}), ("down", {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector.invalid:4318"})):
        more = opened(t, program, state, **env) - own
        t.check(more, "the trace shows what the agent opens")
        for path, flags in more:
            known = OURS.fullmatch(path) or FOR_NAMES.fullmatch(path) or path.startswith(f"{t.agent.stage}/")
            t.check(known, f"{state}: the agent opens {path} ({flags})")
            t.check(path == "/dev/null" or not re.search("WRONLY|RDWR|CREAT|TRUNC", flags), f"{state}: {path} ({flags})")


# ---- more rights than the caller ----

PRIVILEGED = r"""
#include "torture.h"
#include <sys/auxv.h>

int main(void)
{
	char line[512];
	FILE *maps = fopen("/proc/self/maps", "r");
	int loaded = 0;

	while (fgets(line, sizeof(line), maps))
		loaded |= strstr(line, "libremora") != NULL;
	printf("secure %lu loaded %d status %d\n", getauxval(AT_SECURE), loaded, get());
	return 3;
}
"""

# Under /etc of its own, that names the object for all programs; then as nobody.
EVERYWHERE = r"""
set -e
mount -t tmpfs none "$1"
mkdir "$1/above" "$1/work"
mount -t overlay -o "lowerdir=/etc,upperdir=$1/above,workdir=$1/work" none /etc
echo "$2" >/etc/ld.so.preload
exec setpriv --reuid=65534 --regid=65534 --clear-groups "$3"
"""


@case(7, "a setuid program that is given the agent by /etc/ld.so.preload is not traced", needs=["unshare", "setpriv"])
def c07_everywhere(t):
    if os.geteuid() != 0:
        t.skip("needs root")
    script, spans = t.script("everywhere.sh", EVERYWHERE), {}
    for name, mode in (("plain", 0o755), ("setuid", 0o4755)):
        program = t.compile(name, PRIVILEGED)
        program.chmod(mode)
        folder = t.dir / f"root-{name}"
        folder.mkdir()
        on = t.run(["unshare", "--mount", "--propagation", "private", which("sh"), script, folder, t.agent.library,
                    program], "up", wait_spans=1, env={"LD_PRELOAD": ""})
        if b"loaded 1" not in on.stdout:
            t.skip(f"/etc cannot be another one here: {on}")
        t.check(on.stdout == b"secure %d loaded 1 status 200\n" % (name == "setuid"), str(on))
        t.check(on.status == 3 and not on.stderr, str(on))
        spans[name] = len(on.spans)
    t.check(spans == {"plain": 1, "setuid": 0}, f"spans: {spans}")
