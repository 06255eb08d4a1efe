#!/bin/sh
# Builds the private libcurl that remora-export.so carries: Debian's (or Ubuntu's) own curl source,
# verified by apt, as a small static library with nothing but http and https in it, in deps/curl;
# beside it nghttp2, for HTTP/2; and in deps/unwind the libunwind of libremora.so, the one of its libraries
# that asks for memory instead of reading it. The distribution's static libraries of these two are not made for
# shared objects.
# A second run finds its stamps and returns at once; remove deps/ to follow an update of any.
# Needs apt, dpkg-dev, a compiler, make, pkg-config, libssl-dev and libc-ares-dev.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
prefix=$root/deps/curl
unwind=$root/deps/unwind
work=$root/deps/work
sources=$work/apt/sources.list
flags="-O2 -g0 -fvisibility=hidden -ffunction-sections -fdata-sections"

# Every option of configure is part of the stamp: a changed list builds again.
options="--disable-shared --enable-static --with-pic --enable-http --with-openssl --enable-ares
	--without-zlib --without-brotli --without-zstd --with-nghttp2=$prefix --without-nghttp3
	--without-ngtcp2 --without-libidn2 --without-libpsl --without-librtmp --without-libssh
	--without-libssh2 --without-libgsasl --without-gssapi --without-ca-bundle --without-ca-path
	--disable-ftp --disable-file --disable-ldap --disable-ldaps --disable-rtsp --disable-dict
	--disable-telnet --disable-tftp --disable-pop3 --disable-imap --disable-smb --disable-smtp
	--disable-gopher --disable-mqtt --disable-manual --disable-docs --disable-libcurl-option
	--disable-cookies --disable-netrc --disable-proxy --disable-alt-svc --disable-hsts
	--disable-aws --disable-ntlm --disable-ntlm-wb --disable-tls-srp --disable-kerberos-auth
	--disable-negotiate-auth --disable-doh --disable-mime --disable-headers-api
	--disable-verbose --disable-progress-meter --disable-get-easy-options --disable-dnsshuffle
	--disable-socketpair --disable-openssl-auto-load-config --disable-versioned-symbols
	--disable-websockets --disable-curldebug --disable-werror
	--enable-ipv6 --enable-unix-sockets --enable-symbol-hiding"
nghttp2_options="-fPIC -DNGHTTP2_STATICLIB -DNDEBUG -DHAVE_ARPA_INET_H -DHAVE_NETINET_IN_H -DHAVE_TIME_H
	-DHAVE_CLOCK_GETTIME -DHAVE_DECL_CLOCK_MONOTONIC=1"
unwind_options="--disable-shared --enable-static --with-pic --disable-minidebuginfo
	--disable-zlibdebuginfo --disable-coredump --disable-ptrace --disable-setjmp --disable-tests
	--disable-documentation --disable-debug-frame --disable-cxx-exceptions --disable-per-thread-cache"

die()
{
	echo "tools/deps.sh: $1" >&2
	echo "tools/deps.sh: this takes apt's source packages and build-essential, dpkg-dev, pkg-config," \
		"libssl-dev and libc-ares-dev; ./dev build installs those" >&2
	exit 1
}

# Copies apt's sources as source-package entries: deb822 stanzas and one-line entries alike.
write_sources()
{
	mkdir -p "$work/apt/lists/partial" "$work/apt/parts"
	: >"$sources"
	for file in /etc/apt/sources.list.d/*.sources; do
		[ -f "$file" ] || continue
		sed 's/^[Tt]ypes:.*/Types: deb-src/' "$file" >"$work/apt/parts/$(basename "$file")"
	done
	for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
		[ -f "$file" ] || continue
		sed -n 's/^[[:space:]]*deb[[:space:]]/deb-src /p' "$file" >>"$sources"
	done
}

# apt as any user, with lists of its own: the machine's are neither read nor changed.
private_apt()
{
	command=$1
	shift
	"$command" -qq -o Dir::Etc::sourcelist="$sources" \
		-o Dir::Etc::sourceparts="$work/apt/parts" -o Dir::State::lists="$work/apt/lists" \
		-o Dir::Cache="$work/apt" -o Dir::Cache::archives="$work/apt" \
		-o APT::Sandbox::User= -o Debug::NoLocking=1 "$@"
}

# Unpacks the source of $1, with the distribution's patches, into $work/$1.
fetch()
{
	(cd "$work" && private_apt apt-get --download-only source "$1") ||
		die "apt could not fetch the source of $1"
	dpkg-source --no-check -x "$work/$1"_*.dsc "$work/$1" >"$work/unpack-$1.log" 2>&1 ||
		die "the source of $1 does not unpack: $work/unpack-$1.log"
}

# nghttp2's source as Debian has it brings no configure: its library is a folder of plain C files.
compile_nghttp2()
{
	cd "$work/nghttp2/lib"
	version=$(sed -n 's/^AC_INIT(\[nghttp2\], \[\([0-9.]*\).*/\1/p' ../configure.ac)
	number=$(echo "$version" | awk -F. '{ printf "0x%02x%02x%02x", $1, $2, $3 }')
	mkdir -p "$prefix/include/nghttp2" "$prefix/lib/pkgconfig"
	sed "s/@PACKAGE_VERSION@/$version/; s/@PACKAGE_VERSION_NUM@/$number/" \
		includes/nghttp2/nghttp2ver.h.in >"$prefix/include/nghttp2/nghttp2ver.h"
	cp includes/nghttp2/nghttp2.h "$prefix/include/nghttp2/"
	sed "s|@prefix@|$prefix|; s|@exec_prefix@|$prefix|; s|@libdir@|$prefix/lib|
		s|@includedir@|$prefix/include|; s|@VERSION@|$version|" \
		libnghttp2.pc.in >"$prefix/lib/pkgconfig/libnghttp2.pc"
	# shellcheck disable=SC2086
	printf '%s\n' ./*.c | xargs -P "$(nproc)" -n 4 "${CC:-cc}" -c $flags $nghttp2_options -I"$prefix/include" \
		>"$work/make-nghttp2.log" 2>&1 || die "nghttp2 does not compile: $work/make-nghttp2.log"
	ar rcs "$prefix/lib/libnghttp2.a" ./*.o
}

# curl 7.88 puts a second layer of HTTP/2 on a connection in clear that is used again, which then fails; as
# curl 8.0 has it. Other versions do not have this line.
mend_curl()
{
	sed -i 's/^  if(data->state.httpwant == CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE) {$/  if(!Curl_conn_is_http2(data, conn, sockindex) \&\&\n     data->state.httpwant == CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE) {/' \
		"$work/curl/lib/http2.c"
}

compile_curl()
{
	cd "$work/curl"
	# The environment's own flags (sanitizers, say) stay outside.
	# shellcheck disable=SC2086
	env -u LDFLAGS -u LIBS -u CPPFLAGS CFLAGS="$flags" CPPFLAGS=-DNGHTTP2_STATICLIB \
		./configure --prefix="$prefix" $options >"$work/configure.log" 2>&1 ||
		die "curl's configure failed: $work/configure.log"
	for part in lib include; do
		make -C "$part" -j"$(nproc)" install >"$work/make-$part.log" 2>&1 ||
			die "curl does not compile: $work/make-$part.log"
	done
}

# No target installs one library of several.
compile_unwind()
{
	cd "$work/libunwind"
	# shellcheck disable=SC2086
	env -u LDFLAGS -u LIBS -u CPPFLAGS CFLAGS="$flags" ./configure $unwind_options >"$work/configure.log" 2>&1 ||
		die "libunwind's configure failed: $work/configure.log"
	machine=$(sed -n 's/^arch *= *//p' src/Makefile)
	make -C src -j"$(nproc)" "libunwind-$machine.la" >"$work/make-unwind.log" 2>&1 ||
		die "libunwind does not compile: $work/make-unwind.log"
	mkdir -p "$unwind/lib" "$unwind/include"
	cp "src/.libs/libunwind-$machine.a" "$unwind/lib/libunwind.a"
	cp include/libunwind.h include/libunwind-*.h "$unwind/include/"
}

# is_made FOLDER STAMP: it was made of the same options.
is_made()
{
	[ -f "$1/stamp" ] && [ "$(cat "$1/stamp")" = "$2" ]
}

curl_stamp=$(printf '%s\n' mended "$options" "$nghttp2_options" | sed "s|$prefix||" | cksum)
unwind_stamp=$(printf '%s\n' "$unwind_options" | cksum)
is_made "$prefix" "$curl_stamp" && is_made "$unwind" "$unwind_stamp" && exit 0

for tool in apt-get dpkg-source make pkg-config "${CC:-cc}"; do
	command -v "$tool" >/dev/null || die "there is no $tool"
done
rm -rf "$work"
write_sources
private_apt apt-get update || die "apt could not read the lists of source packages (see above)"
if ! is_made "$prefix" "$curl_stamp"; then
	echo "== libcurl and nghttp2: fetching and building them once, into deps/curl" >&2
	rm -rf "$prefix"
	fetch nghttp2
	fetch curl
	mend_curl
	compile_nghttp2
	compile_curl
	printf '%s\n' "$curl_stamp" >"$prefix/stamp"
fi
if ! is_made "$unwind" "$unwind_stamp"; then
	echo "== libunwind: fetching and building it once, into deps/unwind" >&2
	rm -rf "$unwind"
	fetch libunwind
	compile_unwind
	printf '%s\n' "$unwind_stamp" >"$unwind/stamp"
fi
rm -rf "$work"
