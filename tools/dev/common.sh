# Shared by the subcommands of ./dev: packages and builds. Sourced from the top of the tree.

build_packages=(build-essential meson ninja-build pkg-config python3 protobuf-c-compiler
	libprotobuf-c-dev libssl-dev libc-ares-dev zlib1g-dev libzstd-dev dpkg-dev ca-certificates
	binutils libiberty-dev)
demo_packages=(nginx-light gunicorn python3-flask python3-requests nodejs curl
	libcurl4-openssl-dev)
test_packages=("${demo_packages[@]}" clang lld libclang-rt-dev apache2-bin lighttpd haproxy fcgiwrap php-cli
	php-fpm php-curl ruby ruby-webrick puma ruby-concurrent ruby-async-http
	default-jdk-headless libwww-perl wget
	apache2-utils wrk g++ rustc python3-venv openssl python3-aiohttp python3-httpx
	python3-hypercorn uvicorn liblwp-protocol-https-perl nghttp2-client nghttp2-server
	golang-go golang-golang-x-net-dev python3-h2 iproute2
	python3-grpcio python3-gevent python3-eventlet python3-uvloop python3-httptools python3-tornado
	php-cgi php-pgsql fcgiwrap uwsgi-core uwsgi-plugin-python3
	redis-server redis-tools python3-redis node-redis postgresql postgresql-contrib
	python3-psycopg2 python3-psycopg python3-asyncpg libpostgresql-jdbc-java pgbouncer
	mariadb-server mariadb-client libmariadb-dev python3-pymysql python3-mysqldb node-mysql php-mysql libmariadb-java
	sqlite3 php-sqlite3 libsqlite3-dev python3-pymongo python3-snappy node-mongodb
	memcached libmemcached-tools python3-pymemcache python3-memcache php-memcached
	nats-server rabbitmq-server mosquitto mosquitto-clients kcat python3-pika python3-amqp python3-paho-mqtt maven python3-pip npm)
# TLS libraries and what uses them. Not every release has each; without one its cases are skipped.
tls_packages=(lighttpd-mod-gnutls lighttpd-mod-mbedtls lighttpd-mod-wolfssl lighttpd-mod-nss libgnutls28-dev
	libmbedtls-dev libwolfssl-dev libnss3-dev gnutls-bin git libcurl3-gnutls libcurl3-nss nss-plugin-pem
	python3-gi gir1.2-soup-3.0 glib-networking)
# Servers and libraries of HTTP/2; the same holds of them.
http2_packages=(nghttp2-proxy h2o ruby-http-2 libnetty-java libprotocol-http2-perl libnghttp3-dev)
# Clients and servers of databases that not every release has; without one its cases are skipped.
database_packages=(python3-boto3 python3-elasticsearch clickhouse-server python3-cassandra maven npm cargo)
# Libraries and servers of ./dev context alone; without one of them its rows are skipped.
context_packages=(libevent-dev libev-dev libuv1-dev libasio-dev libglib2.0-dev libsoup-3.0-dev libnghttp2-dev ruby-grpc
	unicorn thin ruby-http ruby-excon ruby-httpclient ruby-typhoeus ruby-faraday ruby-pg ruby-redis ruby-eventmachine
	starman twiggy libanyevent-http-perl libmojolicious-perl maven)
# What the torture cases put programs beside and below; without one of them its case is skipped. Not
# every release has each.
torture_packages=(libjemalloc2 libtcmalloc-minimal4 libgoogle-perftools4 libmimalloc2.0 fakeroot
	fakechroot faketime proxychains4 torsocks trickle eatmydata libkeepalive0 libsocket-wrapper
	libnss-wrapper heaptrack musl-tools busybox-static gcc-multilib golang-go bubblewrap sudo
	valgrind gdb strace ltrace rr linux-perf libseccomp-dev libcap2-bin chromium redis-server
	redis-tools postgresql uwsgi-core uwsgi-plugin-python3 libcurl3-gnutls python3-pip npm maven
	make git zsh fish ksh lua5.4 tcl gawk mawk bc dc m4 ed cpio zip unzip jq libxml2-utils rsync autoconf cmake
	netcat-openbsd uuid-runtime ncal sqlite3 gnupg openssh-client openssh-server file procps iproute2
	bsdextrautils liblwp-protocol-https-perl)
# Implementations of gRPC; without one of them its pairs are skipped.
grpc_packages=(g++ pkg-config libgrpc++-dev python3-grpcio python3-venv nodejs npm default-jdk-headless maven cargo
	golang-go openssl)
lint_packages=(clang shellcheck)
fuzz_packages=(clang lld libclang-rt-dev)
bench_packages=(nginx-light nodejs wrk curl)
# Programs that are measured, and what agents of others are fetched with.
bench_programs=(g++ gunicorn python3-flask python3-requests python3-aiohttp python3-venv default-jdk-headless php-fpm redis-server redis-tools
	postgresql postgresql-contrib nghttp2-client openssl valgrind npm maven)

# The modules that apt installs belong to the release's own Python, which need not be the first in PATH.
release_python=/usr/bin/python3

say()
{
	printf '\033[1m== %s\033[0m\n' "$*" >&2
}

# A program that came from elsewhere than apt (rustup, nodesource, a vendor's JDK) is as good.
provided_otherwise()
{
	case $1 in
		rustc) command -v rustc ;;
		nodejs) command -v node ;;
		npm) command -v npm ;;
		cargo) command -v cargo ;;
		maven) command -v mvn ;;
		golang-go) command -v go ;;
		default-jdk-headless) command -v javac ;;
		nginx-light) command -v nginx || [ -x /usr/sbin/nginx ] ;;
		libclang-rt-dev) compgen -G '/usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.asan-*' ;;
		*) false ;;
	esac >/dev/null 2>&1
}

# need [--optional] PACKAGE...: installs those that are missing. When none is, apt is not called at all.
# Optional ones are left out where the release does not know them.
need()
{
	local missing=() installed package sudo="" optional=()
	if [ "$1" = --optional ]; then
		optional=("$1")
		shift
	fi
	installed=" $(dpkg-query -W -f '${Package}/${db:Status-Status} ' "$@" 2>/dev/null || true)"
	for package; do
		[[ $installed == *" $package/installed "* ]] || provided_otherwise "$package" ||
			missing+=("$package")
	done
	[ ${#missing[@]} -gt 0 ] || return 0

	if [ "$(id -u)" != 0 ]; then
		command -v sudo >/dev/null || {
			echo "dev: as root, please: apt-get install ${missing[*]}" >&2
			exit 1
		}
		sudo=sudo
	fi
	say "apt: ${missing[*]}"
	$sudo env bash tools/dev/install.sh "${optional[@]}" "${missing[@]}"
}

# configure DIR ARGS...: a meson build directory, set up once. Compilers come from CC and CXX.
configure()
{
	local dir=$1
	shift
	[ -f "$dir/build.ninja" ] || meson setup "$dir" "$@"
}

# Remora's exporter carries a private libcurl; tools/deps.sh makes it once, from Debian's source.
deps()
{
	sh tools/deps.sh
}

# build [TARGET...]: all targets, unless some are named.
build()
{
	need "${build_packages[@]}"
	deps
	configure build
	ninja -C build "$@"
}

# build_variant NAME MESON-OPTION...: the same sources in build-NAME/; clang has a compiler of its own.
build_variant()
{
	local name=$1
	shift
	need "${build_packages[@]}"
	deps
	if [ "$name" = clang ]; then
		need clang
		CC=clang configure build-clang "$@"
	else
		configure "build-$name" "$@"
	fi
	ninja -C "build-$name"
}
