# ./dev test-releases [RELEASE...]: programs of Debian releases in root file systems of their own, with the
# agent built here. The roots are made once, in deps/roots/, from the mirror that apt uses, or REMORA_MIRROR.
releases=(bullseye bookworm trixie sid)
release_packages=(debootstrap musl-tools busybox-static)
inside=python3-minimal,python3,curl,perl,nginx-light,nodejs,ca-certificates

mirror()
{
	local uri
	[ -z "${REMORA_MIRROR:-}" ] || { echo "$REMORA_MIRROR" && return; }
	# shellcheck disable=SC2016 # apt fills it in
	while read -r uri; do
		[[ $uri == */debian?(/) ]] && echo "$uri" && return
	done < <(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages')
	echo "dev: apt has no mirror of Debian; name one in REMORA_MIRROR" >&2
	return 1
}

# make_root RELEASE: complete or not there.
make_root()
{
	local root=deps/roots/$1 from
	[ ! -e "$root" ] || return 0
	from=$(mirror)
	say "$1: making its root file system, once"
	mkdir -p deps/roots
	rm -rf "$root.new"
	debootstrap --variant=minbase --include="$inside" "$1" "$root.new" "$from" >"$root.log" 2>&1 || {
		echo "dev: debootstrap could not make $1; see $root.log" >&2
		return 1
	}
	mv "$root.new" "$root"
}

main()
{
	local release
	build >/dev/null
	need "${release_packages[@]}"
	[ "$(id -u)" = 0 ] || {
		echo "dev: test-releases changes its root: run it as root" >&2
		exit 1
	}
	[ $# -gt 0 ] || set -- "${releases[@]}" musl
	for release; do
		[ "$release" = musl ] || make_root "$release"
	done
	# Mounts that nobody else sees, and that go away with it.
	unshare --mount --propagation private \
		nice -n 5 python3 tests/releases/run.py --build build --roots deps/roots "$@"
}
