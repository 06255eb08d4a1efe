"""The ordinary commands of a system (case 3, and the tools of 35): byte for byte the same output and
status below the agent, as it comes and with every program instrumented.

A row is a shell line of some commands that says the same each time it runs, in a fresh copy of the same
folder; a line is what is counted. `env`, `ldd` and their like are missing on purpose: they print LD_PRELOAD,
which is what they are asked for.
"""
import os
import re
import subprocess
from pathlib import Path

from a_loading import without_times
from frame import case

FILES = {
    "text": "the quick brown fox\njumps over\nthe lazy dog\n\nÄpfel und Birnen\n",
    "numbers": "".join(f"{i * 7919 % 1000}\n" for i in range(300)),
    "table": "".join(f"{i % 10}\tname{i}\t{i * i}\n" for i in range(40)),
    "data.json": '{"b": [1, 2, {"c": null}], "a": "x"}\n',
    "hello.c": '#include <stdio.h>\nint main(void) { puts("hello"); return 3; }\n',
    "part.c": "int part(int x) { return x * 2; }\n",
    "hello.cc": '#include <iostream>\nint main() { std::cout << "hello" << std::endl; return 3; }\n',
    "Hello.java": 'class Hello { public static void main(String[] a) { System.out.println("hello " + 6 * 7); '
                  'System.exit(3); } }\n',
    "hello.rs": 'fn main() { println!("hello"); std::process::exit(3); }\n',
    "hello.go": 'package main\nimport ("fmt"; "os")\nfunc main() { fmt.Println("hello"); os.Exit(3) }\n',
    "a.py": "import b\nprint(b.twice(21))\n",
    "b.py": "def twice(x):\n    return x * 2\n",
    "Makefile": "all: one two\none two: %: text\n\t@echo make $@; wc -l <$< >$@\nfail:\n\tfalse\n",
    "old.txt": "a\nb\nc\nd\n", "new.txt": "a\nB\nc\nd\ne\n",
    "tree/x/deep": "deep\n", "tree/y": "y\n", "tree/z with space": "z\n",
}

COREUTILS = r"""
cat text numbers | wc; cat -A text; cat nothing
tac text | rev | tr a-z A-Z
head -c 100 numbers; tail -n 3 numbers; head -n -290 numbers
sort -n numbers | uniq -c | sort -rn | head -5
sort -t "$(printf '\t')" -k3,3nr table | head; sort -R --random-source=text numbers | cksum
cut -f2 table | paste -sd, ; cut -c1-3 text
comm old.txt new.txt; join old.txt old.txt; diff old.txt new.txt; cmp old.txt new.txt
fold -w 10 text; fmt -w 20 text; nl text; expand table | unexpand -a | cksum
od -An -tx1 text | head; hexdump -C text; xxd text | head -3; strings -n 5 /bin/true | wc -l
split -l 100 -d numbers part. && ls part.*; csplit -s numbers 100 && wc -l xx*
seq -w 1 5 20; factor 1234567890123; expr 6 \* 7; numfmt --to=iec 123456789; bc <<<'2^200'
md5sum text; sha1sum text; sha256sum text numbers >sums && sha256sum -c sums; sha512sum text; b2sum text; cksum text; sum text
base64 text | base64 -d | cmp - text; base32 text; basenc --base16 text
date -u -d @1700000000; date -u -d '2024-02-30' ; TZ=Europe/Berlin date -d @1700000000 +%c
stat -c '%a %s %Y %n' text; ls -l --time-style=+%s tree; ls -laR --time-style=+ tree | grep -c .; du -ab tree | sort
mkdir -p a/b && touch a/b/c && cp -a tree a/ && mv a/tree a/forest && rm -r a/b && find a | sort
ln -s text link && readlink link && realpath --relative-to=. link && rm link; readlink -f nothing/more
chmod 640 text && stat -c %a text; chown nobody text && stat -c %U text; install -m 755 text bin && stat -c %a bin
dd if=numbers of=out bs=10 count=5 2>&1 | grep -v copied; truncate -s 5 text; cat text
printf '%s-%05.2f\n' a 3.14159; echo -e 'a\tb'; yes | head -3; true; false
tsort <<<'a b b c'; ptx -G text | head -3; pr -t -2 old.txt; shuf --random-source=numbers -i 1-9
tee one two <text >/dev/null && cmp one two; mkfifo pipe; (cat text >pipe &) ; cat pipe
env -i /bin/echo alone; printenv HOME >/dev/null && echo home; nice -n 5 nice; nohup echo kept 2>/dev/null
timeout 0.2 sleep 5; echo $?; timeout -s KILL 0.2 sleep 5; echo $?; timeout 5 true; echo $?
stdbuf -oL echo buffered; tty; id; groups; whoami; logname; uname -sm; arch; nproc --all; hostname
test -f text && [ -d tree ] && echo both; pathchk nothing; basename a/b.c .c; dirname a/b.c; sleep 0
"""

TEXT_AND_FILES = r"""
find tree -type f -print0 | xargs -0 -n1 cat; find . -name '*.c' -exec wc -l {} + ; find nothing
find tree -printf '%P %s\n' | sort; find tree -type f -name y -delete; ls tree
seq 20 | xargs -P4 -n3 echo | sort; xargs -a numbers -n 100 echo | md5sum; echo a | xargs -I{} sh -c 'echo {}; exit 3'
grep -rn lazy . ; grep -P '\d{3}' numbers | head -3; grep -c . text; grep -v o text; grep -q nothing text
egrep 'f.x|dog' text; fgrep -o the text; zgrep fox text; grep --color=always fox text
sed -n '2,3p;s/the/THE/gp' text; sed -i.bak s/a/b/ old.txt && cat old.txt old.txt.bak; sed -E 's/(.)(.)/\2\1/g' text
awk '{s+=$1} END {print s, NR}' numbers; awk -F'\t' '$1==3{print $2}' table; awk 'BEGIN{"echo sub"|getline x; print x; system("exit 4"); exit 5}'
awk 'BEGIN{while((getline l < "text")>0) n++; print n; printf "%c%5.1f\n", 65, 3.14}'; mawk 'BEGIN{print 1}'; gawk 'BEGIN{print 2}'
diff -u old.txt new.txt | sed 1,2d; diff -r tree tree; diff3 old.txt new.txt old.txt; sdiff -s old.txt new.txt
diff -u old.txt new.txt >p; patch <p; cat old.txt; patch -R -s <p
column -t table | head -3; look a /dev/null; iconv -f utf8 -t latin1 text | od -c | tail -3; iconv -f utf8 -t ascii text
tar cf - tree --sort=name --mtime=@0 --owner=0 --group=0 | tee t.tar | sha1sum; tar tvf t.tar; tar xf t.tar -C . ; tar xf nothing
tar czf t.tgz tree && tar tzf t.tgz | sort; tar cJf t.txz tree && tar tJf t.txz | wc -l; tar --zstd -cf t.tzst tree && tar tf t.tzst | wc -l
gzip -kn9 numbers && gzip -l numbers.gz && gunzip -c numbers.gz | cmp - numbers && zcat numbers.gz | md5sum; gzip -t text
xz -k numbers && xz -t numbers.xz && xzcat numbers.xz | md5sum; bzip2 -k numbers && bzcat numbers.bz2 | md5sum
zstd -q numbers && zstd -dc numbers.zst | md5sum; zstd -q -T2 -19 numbers -o n2 && zstdcat n2 | md5sum; unzip nothing
find tree | sort | cpio -o 2>/dev/null | cpio -it; ar rcD lib.a text numbers && ar t lib.a; zip -qr t.zip tree && unzip -l t.zip | tail -1
file text hello.c /bin/true | sed 's/BuildID[^,]*,//'; jq -S . data.json; jq .nothing.more text; xmllint --noout text
ed -s text <<<$'2d\nw\nq\n'; cat text; ex -s text <<<$'1d\nx'; m4 <<<'define(a,b)a'; dc -e '2 10 ^ p'
getconf PAGE_SIZE; getent hosts localhost; getent passwd root; locale -a | grep -c C; cal 2 2024; uuidgen --md5 -n @dns -N x
rsync -a --delete tree/ copy/ && diff -r tree copy; rsync -n nothing there; flock lock echo locked; lsof -v 2>/dev/null; pgrep -x nothing; echo $?
"""

SHELLS = r"""
x=5; while [ $x -gt 0 ]; do x=$((x-1)); echo $x; done | tail -1; (exit 7); echo $?; ! true; echo $?
cat <<A; cat <<-'B'; echo $((1<<4))
trap 'echo bye' EXIT; trap 'echo term' TERM; kill -TERM $$; echo after; exit 9
set -e; false || echo caught; false; echo never
f() { local a=$1; shift; echo "$a $*"; return 3; }; f 1 2 3; echo $?; getopts ab: o -a; echo $o
sleep 0.1 & echo started; wait $!; echo $?; (exit 5) & wait $!; echo $?; wait; jobs
read a b <<<'one two three' 2>/dev/null; echo "$b"; umask 027; umask; ulimit -n; times >/dev/null; type cd; command -v sh
echo out; echo err >&2; exec 3>file; echo to3 >&3; exec 3>&-; cat file; exec 2>/dev/null; nothing-like-this; echo $?
nothing-like-this; echo $?; ./text; echo $?; sh -c 'kill -9 $$'; echo $?; sh -c 'kill -INT $$'; echo $?
eval 'a=1; b=2'; echo $((a+b)); case abc in a*) echo a;; esac; for f in *.c; do echo ${f%.c}; done; set -- 'a b' c; echo $#
bash -c 'a=(1 2 3); echo ${a[@]:1} ${#a[@]} ${a[-1]}; declare -A m=([x]=1); echo ${m[x]}; echo {1..5} ${BASH_VERSINFO[0]}'
bash -c 'diff <(sort -n numbers) <(sort -n numbers | cat) && echo same; tee >(wc -c >count) <text >/dev/null; sleep 0.3; cat count'
bash -c 'false | true | (exit 3); echo ${PIPESTATUS[*]}; set -o pipefail; false | true; echo $?'
bash -c 'coproc c { while read l; do echo "got $l"; done; }; echo hi >&${c[1]}; read r <&${c[0]}; echo $r'
bash -c 'exec 3<>/dev/tcp/127.0.0.1/$PEER_PORT; printf "GET / HTTP/1.0\r\n\r\n" >&3; tail -1 <&3'
bash -c 'set -m; sleep 5 & kill %1; wait %1; echo $?; (trap "" HUP; sleep 0.1) & disown; echo done' 2>/dev/null
bash -c 'mapfile -t l <text; echo ${#l[@]}; printf "%q\n" "a b"; printf -v x %03d 7; echo $x; read -t 0.1 y; echo $?'
bash -c 'for i in 1 2 3; do (sleep 0.0$i; echo $i) & done; wait -n; wait; echo all' | sort
bash -O extglob -c 'shopt -s nullglob; echo !(*.c) | wc -w; [[ abc =~ (b)(c) ]] && echo ${BASH_REMATCH[2]}; ((x=3**2)); echo $x; bash -n text'
bash --norc -ic 'echo interactive; exit 4' 2>/dev/null </dev/null; bash --posix -c 'echo $POSIXLY_CORRECT'; rbash -c 'cd /'; echo $?
dash -c 'echo $((7/2)); set -u; echo $nothing'; echo $?; dash -c 'exec sh -c "exec echo deep"'; dash -n text
zsh -fc 'a=(x y z); echo $a[2]; print -l ${(o)a} **/*(.N) | wc -l; echo =sh; exit 3'
zsh -fc 'zmodload zsh/net/tcp && ztcp 127.0.0.1 $PEER_PORT && print -u $REPLY -n "GET / HTTP/1.0\r\n\r\n" && tail -1 <&$REPLY'
busybox sh -c 'echo $((3*4)); busybox ls tree; busybox seq 3 | busybox awk "{s+=\$1} END {print s}"; busybox wget -qO- http://127.0.0.1:$PEER_PORT/'
ksh -c 'print $((1.5*2))'; fish -c 'echo (math 1+1)'; tclsh <<<'puts [expr 6*7]; exit 3'; lua5.4 -e 'print(6*7)'
script -qec 'echo in a terminal; tty | sed s/[0-9]*$//; exit 3' /dev/null </dev/null; setsid -w sh -c 'echo session; exit 4'; echo $?
cat <(echo x) 2>/dev/null || echo posix; (echo a; sleep 0.1; echo b) | while read l; do echo "[$l]"; done; yes | head -1 | cat; echo | tee /dev/full; echo $?
"""

LANGUAGES = r"""
perl -ne 'print if /fox/../dog/' text; perl -e 'print join ",", map {$_*2} 1..5; exit 3'; perl -MPOSIX -e 'print POSIX::floor(3.7), "\n"'
perl -e 'if (my $p = fork) { waitpid $p, 0; print $? >> 8, "\n" } else { exit 5 }'; perl -e 'open P, "-|", "echo", "x"; print <P>; kill 9, $$'; echo $?
perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new("127.0.0.1:$ENV{PEER_PORT}"); print $s "GET / HTTP/1.0\r\n\r\n"; @l = <$s>; print $l[-1]'
perl -Mthreads -e 'print threads->create(sub { 6 * 7 })->join, "\n"'; perl -c hello.c; perl -MData::Dumper -e 'print Dumper([1,{a=>2}])'
python3 a.py; python3 -c 'import sys; print(sys.argv[1:], file=sys.stderr); sys.exit(3)' a b; python3 -m json.tool data.json; python3 nothing.py
python3 -c 'import multiprocessing as m; print(m.Pool(2).map(abs, range(-5, 5)))'; python3 -m compileall -q . && ls __pycache__ | wc -l
python3 -c 'import asyncio, subprocess; print(asyncio.run(asyncio.wait_for(asyncio.sleep(0, "slept"), 1)), subprocess.getoutput("echo sub")); raise ValueError("bad")'
python3 -c 'import urllib.request as u, os; print(u.urlopen("http://127.0.0.1:" + os.environ["PEER_PORT"]).read())'; python3 -c 'import os; os.abort()'; echo $?
python3 -m unittest -q b 2>&1 | grep -v Ran; python3 -m zipfile -l nothing.zip 2>/dev/null; echo $?; python3 -m venv --without-pip v && v/bin/python -c 'print(1)'
ruby -e 'puts [3,1,2].sort.inspect; warn "e"; exit 3'; ruby -rjson -e 'puts JSON.parse(File.read("data.json"))["b"].size'; ruby -e 'puts `echo sub`; Process.wait fork { exit 4 }; puts $?.exitstatus'
ruby -rnet/http -e 'puts Net::HTTP.get(URI("http://127.0.0.1:#{ENV["PEER_PORT"]}/"))'; ruby -e 'puts Thread.new { 42 }.value; raise "bad"' 2>&1 | head -1; irb --version | cut -d' ' -f1
php -r 'echo array_sum([1,2,3]), PHP_EOL; fwrite(STDERR, "e"); exit(3);'; php -r 'echo file_get_contents("http://127.0.0.1:" . getenv("PEER_PORT"));'; php -l text; php -r 'echo shell_exec("echo sub"), json_encode(["a"=>1]);'
node -e 'console.log([3,1,2].sort().join()); process.stderr.write("e"); process.exitCode = 3'; node -e 'require("child_process").execSync("echo sub", {stdio: "inherit"}); throw 1' 2>/dev/null; echo $?
node -e 'fetch("http://127.0.0.1:" + process.env.PEER_PORT).then(r => r.text()).then(console.log)'; node -e 'new (require("worker_threads").Worker)("console.log(6*7)", {eval: true})'; node -p process.argv.length a
node -e 'require("zlib").gzip("x".repeat(1e5), (e, b) => console.log(b.length)); require("fs").readFile("text", (e, d) => setImmediate(() => console.log(d.length)))'; npm --version | wc -l
java -XX:TieredStopAtLevel=1 -Xshare:auto Hello.java; echo $?; javac -d cls Hello.java && java -cp cls Hello; java -cp nothing Nothing; jar cf h.jar -C cls Hello.class && jar tf h.jar
go run hello.go; echo $?; gofmt -l hello.go; go vet hello.go
rustc -O hello.rs && ./hello; echo $?
"""

BUILDING = r"""
make; make; make -s one; make fail; echo $?; make -n -B; make nothing
make -j4 -f - <<<$'all: a b c d\na b c d:\n\t@sleep 0.01; echo done >$@' && cat a b c d; make -C tree
gcc -Wall -o hello hello.c && ./hello; echo $?; gcc -c nothing.c; echo $?; gcc -E hello.c | grep -c puts; gcc -dumpmachine
g++ -O1 -o hi hello.cc && ./hi; echo $?; clang -o hello2 hello.c && ./hello2; echo $?; cpp -P part.c
gcc -O2 -c part.c && nm part.o && objdump -d part.o | grep -c ret && readelf -h part.o | grep Type && size part.o | tail -1 && strip part.o && ld -r -o r.o part.o && ranlib --version | wc -l
gcc -shared -fPIC -o libpart.so part.c && readelf -d libpart.so | grep -c NEEDED; objcopy -O binary part.o x 2>/dev/null; as -o e.o /dev/null && nm e.o; addr2line -e hello 0 2>/dev/null
git init -q r && cd r && git config user.name t && git config user.email t@t && cp ../text . && git add . && git commit -qm one && git log --oneline && git status -s && git show --stat
git init -q r && cd r && git config user.name t && git config user.email t@t && for i in 1 2 3; do echo $i >f && git add f && git commit -qm $i; done; git rebase -q HEAD~2 && git branch b && git merge -q b && git diff HEAD~1 && git gc -q && git fsck && git rev-list --all --count && git stash list
git init -q r && cd r && git -c user.name=t -c user.email=t@t commit -q --allow-empty -m x && git bundle create -q ../b HEAD && git worktree add -q ../w && git clone -q . ../c && git archive HEAD | tar t | wc -l; git nothing; echo $?; git blame nothing
cmake --version | wc -l; pkg-config --modversion zlib | wc -l; autoconf --version | wc -l; meson --version | wc -l; ninja --version | wc -l; gdb --version | wc -l
gdb -q -batch -nx -ex 'p 6*7' -ex 'info files' hello.c 2>&1 | head -2; strace -qq -e trace=write echo hi; ltrace -c true 2>&1 | wc -l >/dev/null; valgrind -q true; echo $?
strace -f -c -o /dev/null sh -c 'echo a | cat'; strace -o log -e trace=exit_group true && cat log | grep -c exited; gdb -q -batch -nx -ex run -ex 'info registers rip' --args sh -c 'exit 3' 2>&1 | grep -c exited
"""

SYSTEM = r"""
dpkg -l bash | tail -1 | cut -c1-10; dpkg-query -W -f '${Status}\n' bash; dpkg -S /bin/sh; dpkg -L bash | wc -l; dpkg --print-architecture; dpkg --compare-versions 1.0 lt 1.1; echo $?
mkdir -p p/DEBIAN && printf 'Package: p\nVersion: 1\nArchitecture: all\nMaintainer: t <t@t>\nDescription: t\n' >p/DEBIAN/control && dpkg-deb -b p p.deb && dpkg-deb -I p.deb | tail -5; dpkg-deb -c p.deb
apt-cache policy bash | head -2; apt-cache show nothing-like-this; apt-config dump | wc -l >/dev/null; apt-get -s install bash | tail -1; apt-mark showhold | wc -l
openssl dgst -sha256 text; openssl enc -aes-256-cbc -pbkdf2 -k x -in text | openssl enc -d -aes-256-cbc -pbkdf2 -k x | cmp - text; openssl rand 10 | wc -c; openssl version | wc -l; echo | openssl s_client -connect 127.0.0.1:1 2>&1 | wc -l
openssl genrsa -out k 2048 && openssl rsa -in k -check -noout && openssl req -x509 -key k -subj /CN=x -days 1 -out c && openssl verify -CAfile c c; openssl x509 -in text
gpg --batch --homedir g0 --version | head -1; mkdir -m 700 g && gpg -q --homedir g --batch --passphrase x --pinentry-mode loopback -o t.gpg -c text && gpg -q --homedir g --batch --passphrase x --pinentry-mode loopback -d t.gpg; gpgconf --homedir g --kill all; gpg --homedir g -d text; echo $?
ssh-keygen -q -t ed25519 -N '' -C t -f k && ssh-keygen -y -f k | wc -w && ssh-keygen -lf k | wc -w; ssh -o BatchMode=yes -p 1 127.0.0.1 true; echo $?; ssh -Q cipher | wc -l; ssh-agent sh -c 'ssh-add -l; echo $?'
sqlite3 d.db 'create table t(a,b); insert into t values(1,"x"),(2,"y"); select sum(a), group_concat(b) from t; select nothing;'; sqlite3 d.db .schema .dump
curl -sS http://127.0.0.1:$PEER_PORT/ -w '%{http_code}\n'; curl -sS -d x http://127.0.0.1:$PEER_PORT/; curl -sS file://$PWD/text; curl -sS nothing://x; echo $?; curl -sSI http://127.0.0.1:$PEER_PORT/ | head -1
wget -qO- http://127.0.0.1:$PEER_PORT/; wget -q http://127.0.0.1:1/ ; echo $?; wget -nv -O out http://127.0.0.1:$PEER_PORT/ 2>&1 | sed 's/^[-0-9]* [0-9:]*//'
psql -h /nonexistent -c 'select 1'; echo $?; psql --version | wc -l; pg_dump -h /nonexistent; echo $?; redis-cli -p 1 ping; echo $?
redis-server --port 0 --unixsocket s --save '' --daemonize yes --dir "$PWD" --pidfile "$PWD/pid" >/dev/null; for i in 1 2 3 4 5 6 7 8 9; do [ -S s ] && break; sleep 0.3; done; redis-cli -s s set a 1; redis-cli -s s incr a; redis-cli -s s eval 'return 6*7' 0; redis-cli -s s shutdown nosave; redis-cli -s s ping
sudo -n id -u; sudo -n -u nobody sh -c 'id -un; exit 3'; echo $?; sudo -k; su -s /bin/sh nobody -c 'id -un; echo $HOME; exit 4'; echo $?; su nothing; echo $?
setpriv --reuid=nobody --regid=nogroup --clear-groups sh -c 'id; exit 5'; echo $?; runuser -u nobody -- id -un; setpriv --dump | head -2; chroot / id -u; capsh --print | grep -c Current
unshare -Ur id -u; unshare -n ip -br link | wc -l; unshare -p -f sh -c 'echo $$'; nsenter -t $$ -m true; echo $?; prlimit -n --raw --noheadings | wc -w; taskset -c 0 nproc; ionice; chrt -m | head -1; setarch -R uname -m
ps -o comm= -p $$; ps -e | grep -c nothing; kill -l | head -1; pgrep -x nothing; pidof nothing; uptime | wc -l; free | wc -l; ip -br addr show lo | wc -w; ss -ltn | head -1 | tr -s ' '; mount | grep -c ' / '; df / | wc -l; lsblk >/dev/null 2>&1; dmesg >/dev/null 2>&1; who | wc -l; last | wc -l >/dev/null
busybox ping -c1 127.0.0.1 | head -1; host nothing.invalid 127.0.0.1 >/dev/null 2>&1; nc -z 127.0.0.1 1; echo $?; man -w ls | wc -l; less text </dev/null; more text </dev/null; vim -es -c '%s/a/b/e' -c 'w! v' -c q text </dev/null; tmux -V | wc -l
"""

HERE_DOCUMENT = "a $x\nA\n\tb $x\nB\n"  # for the line that begins with here-documents
MISSING = re.compile(rb"(?:^|[ :])([\w.+-]+): (?:command )?not found")
MODES = (("up", {}), ("up", {"REMORA_ALLOW": "*"}), ("stuck", {"REMORA_ALLOW": "*"}), ("relay", {}))
MORE_MODES = (("tls", {"REMORA_ALLOW": "*"}), ("down", {}), ("relay", {"REMORA_ALLOW": "*"}))


def folder(t):
    source = t.dir / "source"
    for name, text in FILES.items():
        file = source / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    for path in (source, *source.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
        os.utime(path, (1700000000, 1700000000))
    return source


def surroundings(t):
    home = Path.home()
    new = {"TERM": "dumb", "TZ": "UTC", "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_COUNT": "1",
           "GIT_CONFIG_KEY_0": "init.defaultBranch", "GIT_CONFIG_VALUE_0": "main", "DEBUGINFOD_URLS": "",
           "GIT_AUTHOR_DATE": "2024-01-01T00:00:00Z", "GIT_COMMITTER_DATE": "2024-01-01T00:00:00Z",
           "GOCACHE": str(home / ".cache/go-build"), "GO111MODULE": "off"}
    if (home / ".rustup").exists():
        new["RUSTUP_HOME"] = str(home / ".rustup")
    return new


def run_line(t, source, line, state, env):
    work = t.dir / "work"
    subprocess.run(["rm", "-rf", work], check=True)
    subprocess.run(["cp", "-a", source, work], check=True)
    shell = "bash" if re.search(r"<<<|[<>]\(", line) else "sh"
    result = t.run([shell, "-c", line + HERE_DOCUMENT * line.startswith("cat <<A")], state, cwd=work,
                   env={**surroundings(t), **env})
    result.stdout += b"\nfiles: " + " ".join(sorted(str(p.relative_to(work)) for p in work.rglob("*"))).encode()
    return result


def same_line(t, source, line):
    off = run_line(t, source, line, None, {})
    missing = {name.decode() for name in MISSING.findall(off.stderr)} - {"nothing-like-this"}
    if missing:
        t.note(f"not installed: {' '.join(sorted(missing))}")
    for state, env in (*MODES, *(MORE_MODES if t.full else ())):
        on = run_line(t, source, line, state, env)
        t.equal(off, on, f"{line}\ncollector {state}, {env}", without_times)


def same_lines(t, text):
    source = folder(t)
    t.tally("shell commands with the same bytes and status", {
        line: lambda line=line: same_line(t, source, line + "\n") for line in text.strip().splitlines()})


@case(3, "ordinary commands are the same byte for byte: coreutils")
def c03_coreutils(t):
    same_lines(t, COREUTILS)


@case(3, "ordinary commands are the same byte for byte: text")
def c03_text(t):
    same_lines(t, TEXT_AND_FILES)


@case(3, "ordinary commands are the same byte for byte: shells")
def c03_shells(t):
    same_lines(t, SHELLS)


@case(3, "ordinary commands are the same byte for byte: languages")
def c03_languages(t):
    same_lines(t, LANGUAGES)


@case(3, "ordinary commands are the same byte for byte: building")
def c03_building(t):
    same_lines(t, BUILDING)


@case(3, "ordinary commands are the same byte for byte: system")
def c03_system(t):
    same_lines(t, SYSTEM)
