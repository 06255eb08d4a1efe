# ./dev torture [--full] [PATTERN...]: what programs do to a preloaded object, each case with and without
# the agent, under every state of the collector. Apart from ./dev test: it takes its time.
nodes=(12 16 18 20 22 24)
wheels=(psycopg2-binary grpcio cryptography pycurl curl_cffi uvloop pyopenssl)

musl_cmake()
{
	local wheel
	python3 -m pip download -q --no-deps --only-binary :all: --platform "musllinux_1_1_$(uname -m)" \
		-d deps/hosts/musl 'cmake<4' || return
	for wheel in deps/hosts/musl/*.whl; do
		python3 -m zipfile -e "$wheel" deps/hosts/musl || return
	done
	chmod 755 deps/hosts/musl/cmake/data/bin/cmake
}

# Programs that bring a TLS or a libc of their own, from npm and PyPI into deps/hosts/; without them
# their cases say so.
hosts()
{
	local node kind
	mkdir -p deps/hosts
	case $(uname -m) in
		x86_64) kind=x64 ;;
		*) kind=arm64 ;;
	esac
	for node in "${nodes[@]}"; do
		[ ! -d "deps/hosts/node-$node" ] || continue
		say "npm: node $node"
		npm install --silent --no-audit --no-fund --prefix "deps/hosts/node-$node" "node-linux-$kind@$node" ||
			rm -rf "deps/hosts/node-$node"
	done
	if [ ! -d deps/hosts/wheels ]; then
		say "pip: ${wheels[*]}"
		python3 -m venv deps/hosts/wheels
		deps/hosts/wheels/bin/pip install -q --only-binary :all: "${wheels[@]}" || rm -rf deps/hosts/wheels
	fi
	if [ ! -d deps/hosts/musl ]; then
		say "pip: cmake for musl"
		mkdir deps/hosts/musl
		musl_cmake || rm -rf deps/hosts/musl
	fi
}

main()
{
	need "${build_packages[@]}" "${test_packages[@]}"
	need --optional "${torture_packages[@]}"
	build
	hosts
	python3 tests/torture/run.py --build build "$@"
}
