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

# Libraries of Java, from Maven Central into deps/java-packages/, as each program's pom.xml names them.
java_packages()
{
	local pom app
	for pom in test-apps/*/pom.xml; do
		app=$(basename "$(dirname "$pom")")
		[ ! -d "deps/java-packages/$app" ] || continue
		command -v mvn >/dev/null || return 0
		say "maven: $app"
		mvn -q -B -f "$pom" org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies -DincludeScope=runtime \
			-DoutputDirectory="$PWD/deps/java-packages/$app" || rm -rf "deps/java-packages/$app"
	done
}

main()
{
	need "${build_packages[@]}" "${test_packages[@]}"
	need --optional "${http2_packages[@]}" "${context_packages[@]}"
	build >/dev/null
	node_packages
	java_packages
	"$release_python" tests/context/run.py --build build "$@"
}
