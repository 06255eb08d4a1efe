#!/bin/bash
# install.sh [--optional] PACKAGE...: installs packages (as root) without starting or enabling the
# services some of them bring. Optional ones may be unknown to this release.
set -euo pipefail

export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
policy=/usr/sbin/policy-rc.d
services=(nginx lighttpd haproxy redis-server postgresql mariadb nats-server rabbitmq-server mosquitto)
optional=
if [ "${1:-}" = --optional ]; then
	optional=1
	shift
fi

# apt-cache succeeds for a name that it knows from another package's dependencies only.
known()
{
	[ "$(apt-cache show --no-all-versions "$@" 2>/dev/null | grep -c '^Package: ')" -ge $# ]
}

if [ ! -e $policy ]; then
	# 101 is "action forbidden by policy": invoke-rc.d then starts nothing. Only while apt runs.
	printf '#!/bin/sh\nexit 101\n' >$policy
	chmod 755 $policy
	trap 'rm -f $policy' EXIT
fi
known "$@" || apt-get -qq update
wanted=()
for package; do
	# Debian 12 has the sanitizer runtimes under the compiler's version only.
	if [ "$package" = libclang-rt-dev ] && ! known "$package"; then
		package=$(apt-cache depends clang | sed -n 's/.*Depends: clang-\([0-9]*\).*/libclang-rt-\1-dev/p' | head -1)
	fi
	if [ -n "$optional" ] && ! known "$package"; then
		echo "not in this release: $package" >&2
		continue
	fi
	wanted+=("$package")
done
[ ${#wanted[@]} -gt 0 ] || exit 0
before=$(systemctl list-unit-files --state=enabled --no-legend 2>/dev/null || true)
apt-get -q -y -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 --no-install-recommends install "${wanted[@]}"

# A package that was just installed has enabled its service for the next boot: nobody asked for that.
mapfile -t fpm < <(systemctl list-unit-files --no-legend 'php*-fpm.service' 2>/dev/null | cut -d' ' -f1)
for unit in "${services[@]/%/.service}" "${fpm[@]}"; do
	[[ $before == *"$unit"* ]] || systemctl -q disable "$unit" 2>/dev/null || true
done
