"""MySQL and MariaDB: one CLIENT span for each query, counted against the server's own log of them."""
import os
import re
import shutil
import time
from pathlib import Path

from apps import APPS
from fetched import maven, npm, pypi
from harness import DEADLINE, Failure, Skip, case
from proxy import Recorder
from tls_apps import Certificates

JDBC = Path("/usr/share/java/mariadb-java-client.jar")
NEEDS = ["mariadbd", "mariadb-install-db", "mariadb", "setpriv"]
SMALL = ["--innodb-log-file-size=4M", "--innodb-buffer-pool-size=8M"]
SETUP = """
CREATE USER shop_user@'127.0.0.1' IDENTIFIED BY 'hunter2'; GRANT ALL ON *.* TO shop_user@'127.0.0.1';
CREATE USER shop_user@localhost IDENTIFIED BY 'hunter2'; GRANT ALL ON *.* TO shop_user@localhost;
CREATE DATABASE other; CREATE DATABASE shop; USE shop;
CREATE TABLE orders (id INT PRIMARY KEY AUTO_INCREMENT, note TEXT) CHARACTER SET utf8mb4;
CREATE PROCEDURE twice() BEGIN SELECT 1; SELECT 2; END;
"""


def mariadb(t, agent=False, settings=()):
    """A server of its own, with a table of orders and a log of all that it is asked."""
    home, port = t.dir / "mariadb", t.port()
    scratch = home / "tmp"  # its own: names of temporary tables hold the process's number, which comes again in another namespace
    scratch.mkdir(parents=True)
    user = []
    if os.getuid() == 0:
        for folder in (home, scratch):
            shutil.chown(folder, "nobody", "nogroup")
        user = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
    t.run("install", [*user, "mariadb-install-db", "--no-defaults", f"--datadir={home}/data", f"--tmpdir={scratch}", "--skip-test-db",
                      "--auth-root-authentication-method=normal", "--skip-name-resolve", *SMALL], agent=False, cwd=home)
    server = t.start("mariadbd", [*user, "mariadbd", "--no-defaults", f"--datadir={home}/data", f"--tmpdir={scratch}",
                                  f"--socket={home}/sock", f"--port={port}", f"--pid-file={home}/pid",
                                  "--bind-address=127.0.0.1", "--skip-name-resolve", "--local-infile=1",
                                  "--general-log=1", f"--general-log-file={home}/log", "--innodb-flush-log-at-trx-commit=0",
                                  "--max-allowed-packet=64M", *SMALL, *settings], port, agent, cwd=home)
    server.home, server.socket, server.general = home, home / "sock", home / "log"
    end = time.monotonic() + DEADLINE
    while "1" not in t.run("admin", ["mariadb", "--no-defaults", "-uroot", "-S", server.socket, "-Ne", "SELECT 1"], agent=False, status=None):
        if time.monotonic() > end:
            raise Failure(f"no answer from MariaDB: {t.tail(server.log)}")
        time.sleep(0.1)
    t.run("admin", ["mariadb", "--no-defaults", "-uroot", "-S", server.socket, "--delimiter=;;"], agent=False, stdin=SETUP.encode())
    return server


def asked(server, commands=("Query", "Execute", "Fetch")):
    """What the server says that shop_user asked: (command, text) of each. Statements that are executed have theirs."""
    users, found = {}, []
    for line in server.general.read_text(errors="replace").splitlines():
        entry = re.match(r"(?:\d{6} +\d+:\d\d:\d\d|\t)?\t *(\d+) ([A-Z][a-z]+(?: [a-z]+)?|Init DB)\t(.*)", line)
        if not entry:
            continue
        number, command, text = entry.groups()
        if command in ("Connect", "Change user"):
            users[number] = text.split("@")[0]
        elif command in commands and users.get(number) == "shop_user":
            found.append((command, text))
    return found


def check(t, spans, server, **more):
    for s in spans.all:
        if s["kind"] != "CLIENT":
            continue
        spans.attributes(s, db__system__name="mariadb", **{"server__address": "127.0.0.1", "server__port": server.port,
                         "network__peer__address": "127.0.0.1", **more})
        for key, value in s["attributes"].items():
            t.check("hunter" not in str(value), f"no literal in {key}: {value}")
        for key in ("db.query.text", "db.query.summary"):
            t.check("'" not in str(s["attributes"].get(key)), f"no string in {key}")


def names(spans, service):
    return [s["name"] for s in spans.of(service, "CLIENT")]


def errors(spans):
    return [s["attributes"]["error.type"] for s in spans.all if s["status"] == "error"]


def client(server, *more):
    return ["mariadb", "--no-defaults", "-h127.0.0.1", f"-P{server.port}", "-ushop_user", "-phunter2", "--skip-ssl", "-N", *more, "shop"]


@case("mariadb: names, texts without literals, several statements, errors, another database", NEEDS)
def mariadb_client(t):
    server = mariadb(t)
    script = ("INSERT INTO orders VALUES (1, 'hunter2'), (-2, \"hunter2'\"), (3, 'a\\'hunter2');\n"
              "SELECT o.id FROM orders o JOIN orders p ON o.id = p.id WHERE o.id IN (1, 2, 3) AND o.note = 'hunter2'; # hunter2\n"
              "SELECT * FROM nowhere;\nUSE other;\nSELECT 'hunter2' -- hunter2\n;\n"
              "delimiter //\nSELECT 1; UPDATE shop.orders SET note = 'hunter2'; SELECT 2//\nREPLACE INTO shop.orders VALUES (1, 'x')//\n")
    said = t.run("client", client(server, "--force"), stdin=script.encode())
    t.equal(said, "1\nhunter2\n1\n2\n", "what the client says")
    spans = t.spans(7 + (1 if any("USE" in text for _, text in asked(server)) else 0)).roots("client", "CLIENT")
    check(t, spans, server)
    insert, select, wrong = spans.all[:3]
    spans.attributes(insert, db__operation__name="INSERT", db__collection__name="orders", db__query__summary="INSERT orders",
                     db__query__text="INSERT INTO orders VALUES (?, ?), (?, ?), (?, ?)", db__namespace="shop", error__type=None)
    spans.attributes(select, db__query__text="SELECT o.id FROM orders o JOIN orders p ON o.id = p.id WHERE o.id IN (?) "
                     "AND o.note = ?", db__collection__name=None)
    spans.attributes(wrong, db__response__status_code="1146", error__type="1146")
    rest = {s["name"]: s for s in spans.all}
    spans.attributes(rest["SELECT"], db__namespace="other")
    spans.attributes(rest["BATCH"], db__operation__batch__size=3, db__namespace="other")
    spans.attributes(rest["REPLACE shop.orders"], db__query__text="REPLACE INTO shop.orders VALUES (?, ?)")
    t.equal(errors(spans), ["1146"], "errors")


def python(library, said, failed, package=None):
    """`package`: where PyPI has it; else it is the release's."""
    @case(f"{library}: as many spans as the server ran statements", [*NEEDS, "python3"], name=library.replace(".", "_").lower())
    def run(t):
        program = pypi(library, package) / "python" if package else "python3"
        if not package and "there" not in t.run("probe", [program, "-c", f"import {library}; print('there')"], agent=False, status=None):
            raise Skip(f"no {library} here")
        server = mariadb(t)
        got = t.run("python", [program, APPS / "mysql-client-python" / "main.py", library, "127.0.0.1", server.port])
        t.equal(got, said, "what it says")
        spans = t.spans(len(asked(server)))
        check(t, spans, server)
        t.equal(errors(spans), failed, "errors")
        t.check(all(s["attributes"].get("db.query.text") for s in spans.all), "each has its text")
        t.check({"INSERT orders", "SELECT orders", "CALL twice"} <= set(names(spans, "python")), f"names: {names(spans, 'python')}")


NOTE = '((\'it\\\'s "hunter2" \\\\ \\\'é\\\'\',),)\n'
python("pymysql", NOTE + "21\n1146\n((1,),) True ((2,),)\n8000\n", ["1146"])
python("MySQLdb", NOTE + "21\n1146\n((1,),) 1 ((2,),)\n8000\n", ["1146"])
CONNECTOR = NOTE.replace("(('", "[('").replace(",),)", ",)]") + "21\n1146\n[(1,)] True [(2,)]\n"
python("mysql.connector", CONNECTOR, ["1146"], "mysql-connector-python")
python("mysql.connector.c", CONNECTOR, ["1146"], "mysql-connector-python==9.1.0")


def node(library, *packages, more=()):
    @case(f"{library} for Node{', compressed' if more else ''}: as many spans as the server ran statements", [*NEEDS, "node"],
          name="_".join(["node", library, *more]))
    def run(t):
        env = {"NODE_PATH": npm(*packages) if packages else os.environ.get("NODE_PATH", "/usr/share/nodejs")}
        probe = f"try {{ require('{library}') }} catch (e) {{ console.log('Error') }}"
        if "Error" in t.run("probe", ["node", "-e", probe], agent=False, env=env):
            raise Skip(f"no {library} here")
        server = mariadb(t)
        t.equal(t.run("node", ["node", APPS / "mysql-client-node" / "main.js", library, server.port, *more], env=env), "30\n1\n1146\n",
                "what it says")
        spans = t.spans(len(asked(server)))
        check(t, spans, server, db__namespace="shop")
        t.equal((names(spans, "node").count("INSERT orders"), errors(spans)), (30, ["1146"]), f"names: {names(spans, 'node')}")


node("mysql")
node("mysql2", "node-databases", "pg", "mysql2")
node("mysql2", "node-databases", "pg", "mysql2", more=["compress"])


def keys(t, c):
    """Settings of a server that speaks TLS."""
    key = t.dir / "mariadb.key"
    shutil.copy(c.server, key)
    key.chmod(0o600)
    if os.getuid() == 0:
        shutil.chown(key, "nobody")
    return [f"--ssl-cert={key}", f"--ssl-key={key}", f"--ssl-ca={c.ca}"]


def jdbc_of(t, more, server):
    if not JDBC.exists():
        raise Skip("no JDBC driver here")
    app = t.build.app("mysql-client-java", source="Main")
    for mode in ("false", "true"):
        t.run("admin", ["mariadb", "--no-defaults", "-uroot", "-S", server.socket, "shop", "-e", "TRUNCATE orders; INSERT INTO orders VALUES (1, 'a')"],
              agent=False)
        url = f"jdbc:mariadb://127.0.0.1:{server.port}/shop?useServerPrepStmts={mode}{more}"
        t.equal(t.run("java", ["java", "-cp", f"{app}:{JDBC}", "Main", url]), "1 2 3 4 5 6 7 8 20 21 2 1146\n", "what it says")
    spans = t.spans(len(asked(server)))
    check(t, spans, server)
    t.equal(errors(spans), ["1146"] * 2, "errors")
    t.equal(names(spans, "java").count("SELECT orders"), 18, f"names: {names(spans, 'java')}")
    t.check({"shop", "other"} == {s["attributes"].get("db.namespace") for s in spans.all} - {None}, "databases")


def connector_j(t, more):
    server, app, jars = mariadb(t), t.build.app("mysql-client-java", source="Main"), maven("java-databases", "clients-maven")
    for mode in ("false", "true"):
        t.run("admin", ["mariadb", "--no-defaults", "-uroot", "-S", server.socket, "shop", "-e", "TRUNCATE orders; INSERT INTO orders VALUES (1, 'a')"],
              agent=False)
        url = f"jdbc:mysql://127.0.0.1:{server.port}/shop?sslMode=DISABLED&allowPublicKeyRetrieval=true&useCursorFetch={mode}{more}"
        t.equal(t.run("java", ["java", "-cp", f"{app}:{jars}/*", "Main", url]), "1 2 3 4 5 6 7 8 20 21 2 1146\n", "what it says")
    # With a cursor 21 rows come in three fetches, which the server does not log.
    spans = t.spans(len(asked(server)) + 3)
    check(t, spans, server)
    t.equal(errors(spans), ["1146"] * 2, "errors")
    t.check({"shop", "other"} == {s["attributes"].get("db.namespace") for s in spans.all} - {None}, "databases")


@case("MySQL's own Connector/J: the same, and what it asks for itself", [*NEEDS, "javac", "java", "mvn"])
def mysql_connector_j(t):
    connector_j(t, "")


@case("MySQL's own Connector/J, compressed: the same", [*NEEDS, "javac", "java", "mvn"])
def mysql_connector_j_compressed(t):
    connector_j(t, "&useCompression=true")


@case("JDBC, compressed: the same spans", [*NEEDS, "javac", "java"])
def mysql_jdbc_compressed(t):
    jdbc_of(t, "&useCompression=true", mariadb(t))


@case("JDBC: prepared by the server and by the driver, a batch, a result read in steps, an error", [*NEEDS, "javac", "java"])
def mysql_jdbc(t):
    jdbc_of(t, "", mariadb(t))


@case("JDBC inside TLS, which Java makes: the same spans", [*NEEDS, "javac", "java", "openssl"])
def mysql_jdbc_tls(t):
    c = Certificates(t)
    jdbc_of(t, f"&sslMode=verify-full&serverSslCert={c.ca}", mariadb(t, settings=keys(t, c)))


@case("mysqli and PDO: queries, prepared statements, several statements, another database", [*NEEDS, "php"])
def mysql_php(t):
    if "no" in t.run("probe", ["php", "-r", "echo class_exists('mysqli') && extension_loaded('pdo_mysql') ? 'yes' : 'no';"], agent=False):
        raise Skip("no mysqli here")
    server = mariadb(t)
    t.equal(t.run("php", ["php", APPS / "mysql-client-php" / "main.php", server.port]), "0 1 0 0 0 1146 0 1 0 0 1 0 \n", "what it says")
    spans = t.spans(len(asked(server)))
    check(t, spans, server)
    got = names(spans, "php")
    t.equal((got.count("SELECT orders"), got.count("BATCH"), errors(spans)), (11, 1, ["1146"]), f"names: {got}")
    t.equal(spans.all[[s["name"] for s in spans.all].index("SELECT")]["attributes"]["db.namespace"], "other", "the other database")


def libmariadb(t, *more):
    if not Path("/usr/include/mariadb/mysql.h").exists():
        raise Skip("no libmariadb-dev here")
    server = mariadb(t)
    app = t.build.app("mysql-client-c", options=["-I/usr/include/mariadb", "-lmariadb"])
    t.equal(t.run("c", [app, server.port, *more]), "12 12 1 33777215 33777215 1146\n", "what it says")
    # 12 rows in steps of 5: an execution and three fetches, which the server does not log. In bulk it logs each row.
    inserts = sum(text.startswith("INSERT") for _, text in asked(server))
    spans = t.spans(len(asked(server)) - inserts + 1 + 3)
    check(t, spans, server)
    got = names(spans, "c")
    t.equal((got.count("INSERT orders"), got.count("UPDATE orders"), errors(spans)), (1, 3, ["1146"]), f"names: {got}")
    t.equal(got.count("SELECT orders"), 4, f"names: {got}")
    t.equal([s["attributes"].get("db.namespace") for s in spans.all if s["attributes"].get("db.query.text") == "SELECT ?"],
            ["shop", "other", None], "databases")


@case("libmariadb: cursors, bulk, prepared and executed at once, another user, packets of more than 16 MiB", [*NEEDS, "cc"])
def mysql_libmariadb(t):
    libmariadb(t)


@case("libmariadb, compressed: the same, another login on the connection and packets of more than 16 MiB included", [*NEEDS, "cc"])
def mysql_libmariadb_compressed(t):
    libmariadb(t, "compress")


@case("mariadb, compressed: the same spans; a comment is not added there", NEEDS)
def mysql_compressed(t):
    server = mariadb(t)
    script = ("DELETE FROM orders;\nINSERT INTO orders (note) SELECT REPEAT('hunter2', seq) FROM seq_1_to_400;\nSELECT note FROM orders;\nSELECT REPEAT('h', 3000000);\n"
              "SELECT * FROM nowhere;\nCALL twice();\nUSE other;\nSELECT 'hunter2';\nSELECT seq FROM seq_1_to_100000;\n")
    argv = client(server, "--compress", "--force")
    without = t.run("without", argv, agent=False, stdin=script.encode())
    before = len(asked(server))
    said = t.run("client", argv, stdin=script.encode(), env={"REMORA_SQLCOMMENTER": "true"})
    t.check(said == without, "what the client says")
    spans = t.spans(len(asked(server)) - before)
    check(t, spans, server)
    t.equal(errors(spans), ["1146"], "errors")
    t.check({"DELETE orders", "SELECT orders", "CALL twice"} <= set(names(spans, "client")), f"names: {names(spans, 'client')}")
    t.check(not any("traceparent" in text for _, text in asked(server)), "texts that the server got")


@case("both streams of a compressed connection are the same with the agent", NEEDS)
def mysql_compressed_identity(t):
    server = mariadb(t)
    script = "".join(f"SELECT REPEAT('x', {i * i * 100});\nSELECT seq * {i} FROM seq_1_to_{i * 50};\n" for i in range(1, 30))
    streams = {}
    for agent in (False, True):
        recorder = Recorder(server.port)
        t.run("client", ["mariadb", "--no-defaults", "-h127.0.0.1", f"-P{recorder.port}", "-ushop_user", "-phunter2", "--skip-ssl", "--compress", "shop"],
              agent, stdin=script.encode())
        streams[agent] = [without_login(r) for r in recorder.finish()]
    t.check(sum(len(a) for _, a in streams[False]) > 10000, "there were bytes")
    t.check(streams[True] == streams[False], "both directions")
    t.spans(58 if t.agent else 0)


@case("mariadb and pymysql inside TLS: spans as in clear, with the name of the system", [*NEEDS, "openssl", "python3"])
def mysql_tls(t):
    c = Certificates(t)
    server = mariadb(t, settings=keys(t, c))
    said = t.run("client", [a if a != "--skip-ssl" else f"--ssl-ca={c.ca}" for a in client(server, "-e",
                 "SHOW STATUS LIKE 'Ssl_version'; SELECT 'hunter2'")])
    t.check(re.fullmatch(r"Ssl_version\tTLSv1\.\d\nhunter2\n", said), f"inside TLS: {said}")
    # pymysql does not say whether it knows MariaDB: the server did, before TLS.
    said = t.run("python", ["python3", "-c", "import pymysql; k = pymysql.connect(host='127.0.0.1', port=%d, user='shop_user', password='hunter2', "
                            "database='shop', ssl={'ca': '%s', 'check_hostname': False}).cursor(); k.execute(\"SHOW STATUS LIKE 'Ssl_version'\"); "
                            "print(k.fetchone()[1])" % (server.port, c.ca)])
    t.check(said.startswith("TLSv1."), f"inside TLS: {said}")
    spans = t.spans(len(asked(server)))
    check(t, spans, server, db__namespace="shop")


@case("mariadb through a Unix-domain socket: its path is the address", NEEDS)
def mysql_unix(t):
    server = mariadb(t)
    said = t.run("client", ["mariadb", "--no-defaults", "-S", server.socket, "-ushop_user", "-phunter2", "-NBe", "SELECT 1", "shop"])
    t.equal(said, "1\n", "what the client says")
    check(t, t.spans(len(asked(server))), server, server__address=str(server.socket), server__port=None,
          network__peer__address=str(server.socket))


@case("a MariaDB server under the agent has no spans, and serves as ever", NEEDS)
def mysql_server_traced(t):
    server = mariadb(t, agent=True)
    t.equal(t.run("client", client(server, "-e", "SELECT 1")), "1\n", "what the client says")
    t.spans(len(asked(server))).count("mariadbd").count("client", client=len(asked(server)))


@case("what a served request asks of MariaDB is below its SERVER span", [*NEEDS, "python3"])
def mysql_parent(t):
    if t.run("probe", ["python3", "-c", "import pymysql"], agent=False, status=None) or "Error" in t.tail(t.dir / "probe.log"):
        raise Skip("no PyMySQL here")
    server, port = mariadb(t), t.port()
    web = t.start("web", ["python3", APPS / "mysql-client-python" / "main.py", "pymysql", "127.0.0.1", server.port, port], port)
    for _ in range(5):
        t.equal(t.get(web.port, "/", keep_alive=False), [(200, b"0")], "answer")
    spans = t.spans_at_least(10)
    below = [s for s in spans.of("web", "CLIENT") if s["parent_id"]]
    t.equal({s["name"] for s in below}, {"SELECT orders"}, "names")
    t.equal(sorted(s["parent_id"] for s in below), sorted(s["span_id"] for s in spans.of("web", "SERVER")), "parents")


def without_login(record):
    """What is random in the beginning of a connection is not compared: salt, proof, process id."""
    sent, answered = bytes(record[0]), bytes(record[1])
    sent = sent[4 + int.from_bytes(sent[:3], "little"):]
    return sent, answered[4 + int.from_bytes(answered[:3], "little"):]


@case("mariadb and PyMySQL: both streams are the same with the agent", [*NEEDS, "python3"])
def mysql_identity(t):
    server = mariadb(t)
    script = "".join(f"INSERT INTO orders VALUES ({i + 1}, '{'x' * i}');\nSELECT * FROM orders;\n" for i in range(100))
    streams = {}
    for agent in (False, True):
        t.run("admin", ["mariadb", "--no-defaults", "-uroot", "-S", server.socket, "shop", "-e", "TRUNCATE orders"], agent=False)
        recorder = Recorder(server.port)
        t.run("client", ["mariadb", "--no-defaults", "-h127.0.0.1", f"-P{recorder.port}", "-ushop_user", "-phunter2", "--skip-ssl", "shop"], agent,
              stdin=script.encode())
        t.run("python", ["python3", APPS / "mysql-client-python" / "main.py", "pymysql", "127.0.0.1", recorder.port], agent, status=None)
        streams[agent] = [without_login(r) for r in recorder.finish()]
    t.check(sum(len(a) for _, a in streams[False]) > 100000, "there were bytes")
    t.check(streams[True] == streams[False], "both directions of each connection: "
            f"{[(len(s), len(a)) for s, a in streams[True]]} bytes, {[(len(s), len(a)) for s, a in streams[False]]}")
    if not t.agent:
        t.spans(0)
