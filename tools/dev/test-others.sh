# ./dev test-others [SUITE[:PART]...]: see tests/others/run.py. What it fetches goes to deps/others/.
main()
{
	local packages
	build >/dev/null
	read -ra packages < <(python3 tests/others/run.py --packages "$@")
	need dpkg-dev iproute2 "${packages[@]}"
	nice -n 5 python3 tests/others/run.py --build build "$@"
}
