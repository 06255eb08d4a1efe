# ./dev lint: what the meson suite checks, warnings of both compilers, and the shell scripts.
# --no-build: the compilers have had their turn already (./dev test).
main()
{
	local status=0
	need "${build_packages[@]}" "${lint_packages[@]}"
	if [ "${1:-}" != --no-build ]; then
		build || status=1
		build_variant clang || status=1
		meson test -C build --no-rebuild --suite lint || status=1
	fi
	shellcheck --shell=bash --exclude=SC1090,SC1091,SC2034,SC2154 dev .ci/run tools/dev/*.sh || status=1
	shellcheck tools/deps.sh test-apps/shop/*.sh || status=1
	python3 -m compileall -q -f -o 0 tests tools test-apps >/dev/null || status=1
	return $status
}
