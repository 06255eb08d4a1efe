# ./dev context [PATTERN...]: counts right, missing and wrong parents of calls that real servers make under
# load, see tests/context/run.py.
packages=(pg@8 ioredis@6 redis@6 mysql2@3 express@5 fastify@5 koa@3 undici@7)

# Packages of Node, from npm into deps/node-packages/; without them their programs say so.
node_packages()
{
	[ ! -d deps/node-packages ] || return 0
	say "npm: ${packages[*]}"
	npm install --silent --no-audit --no-fund --prefix deps/node-packages "${packages[@]}" || rm -rf deps/node-packages
}

main()
{
	need "${build_packages[@]}" "${test_packages[@]}"
	need --optional "${context_packages[@]}"
	build >/dev/null
	node_packages
	python3 tests/context/run.py --build build "$@"
}
