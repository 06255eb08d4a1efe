#!/bin/sh
# Builds the private libcurl that remora-export.so carries: Debian's (or Ubuntu's) own curl source,
# verified by apt, as a small static library with nothing but http and https in it, in deps/curl.
# A second run finds its stamp and returns at once; remove deps/ to follow an update of curl.
# Needs apt, dpkg-dev, a compiler, make, libssl-dev and libc-ares-dev.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
prefix=$root/deps/curl
work=$root/deps/work
sources=$work/apt/sources.list

# Every option of configure is part of the stamp: a changed list builds again.
options="--disable-shared --enable-static --with-pic --enable-http --with-openssl --enable-ares
	--without-zlib --without-brotli --without-zstd --without-nghttp2 --without-nghttp3
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

die()
{
	echo "tools/deps.sh: $1" >&2
	echo "tools/deps.sh: this takes apt's source packages and build-essential, dpkg-dev," \
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

# Unpacks curl's source, with the distribution's patches, into $work/curl.
fetch()
{
	rm -rf "$work"
	write_sources
	private_apt apt-get update ||
		die "apt could not read the lists of source packages (see above)"
	(cd "$work" && private_apt apt-get --download-only source curl) ||
		die "apt could not fetch curl's source"
	dpkg-source --no-check -x "$work"/curl_*.dsc "$work/curl" >"$work/unpack.log" 2>&1 ||
		die "curl's source does not unpack: $work/unpack.log"
}

compile()
{
	# The environment's own flags (sanitizers, say) stay outside.
	cd "$work/curl"
	# shellcheck disable=SC2086
	env -u LDFLAGS -u LIBS -u CPPFLAGS \
		CFLAGS="-O2 -g0 -fvisibility=hidden -ffunction-sections -fdata-sections" \
		./configure --prefix="$prefix" $options >"$work/configure.log" 2>&1 ||
		die "curl's configure failed: $work/configure.log"
	for part in lib include; do
		make -C "$part" -j"$(nproc)" install >"$work/make-$part.log" 2>&1 ||
			die "curl does not compile: $work/make-$part.log"
	done
}

stamp=$(printf '%s\n' "$options" | cksum)
[ -f "$prefix/stamp" ] && [ "$(cat "$prefix/stamp")" = "$stamp" ] && exit 0

for tool in apt-get dpkg-source make "${CC:-cc}"; do
	command -v "$tool" >/dev/null || die "there is no $tool"
done
echo "== libcurl: fetching and building it once, into deps/curl" >&2
fetch
rm -rf "$prefix"
compile
printf '%s\n' "$stamp" >"$prefix/stamp"
rm -rf "$work"
