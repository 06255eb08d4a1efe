"""Cassandra: one CLIENT span for each query, execution and batch, of a real server that Maven Central has."""
from collections import Counter

from fetched import maven, npm
from harness import APPS, Skip, case

PYTHON = "/usr/bin/python3"
PROGRAM = APPS / "cassandra-client-python" / "main.py"
SAYS = "hunter2\n2100\n51\ninvalid\nSyntaxException\n"
# What the program asks; the driver asks the system's tables for itself.
ASKS = {"CREATE KEYSPACE": 1, "USE": 2, "CREATE TABLE orders": 1, "TRUNCATE orders": 1, "INSERT orders": 51, "SELECT orders": 5,
        "SELECT shop.orders": 50, "BATCH": 1}
OPENS = ("java.base/java.io java.base/java.lang java.base/java.lang.module java.base/java.lang.reflect java.base/java.math java.base/java.net "
         "java.base/java.nio java.base/java.util java.base/java.util.concurrent java.base/java.util.concurrent.atomic "
         "java.base/jdk.internal.access java.base/jdk.internal.loader java.base/jdk.internal.math java.base/jdk.internal.misc "
         "java.base/jdk.internal.module java.base/jdk.internal.perf java.base/jdk.internal.ref java.base/jdk.internal.reflect "
         "java.base/jdk.internal.util java.base/jdk.internal.util.jar java.base/jdk.internal.vm java.base/sun.nio.ch "
         "java.management/com.sun.jmx.mbeanserver java.rmi/sun.rmi.registry java.rmi/sun.rmi.server java.rmi/sun.rmi.transport.tcp "
         "jdk.management/com.sun.management.internal").split()
SETTINGS = """
cluster_name: test
num_tokens: 1
partitioner: org.apache.cassandra.dht.Murmur3Partitioner
commitlog_sync: periodic
commitlog_sync_period: 10000ms
seed_provider: [{class_name: org.apache.cassandra.locator.SimpleSeedProvider, parameters: [{seeds: "127.0.0.1:STORAGE"}]}]
storage_port: STORAGE
listen_address: 127.0.0.1
rpc_address: 127.0.0.1
native_transport_port: NATIVE
endpoint_snitch: SimpleSnitch
hints_directory: FOLDER/hints
data_file_directories: [FOLDER/data]
commitlog_directory: FOLDER/commitlog
saved_caches_directory: FOLDER/saved_caches
cdc_raw_directory: FOLDER/cdc_raw
memtable_heap_space: 64MiB
"""


def cassandra(t):
    port, storage, folder = t.port(), t.port(), t.dir / "cassandra"
    folder.mkdir()
    (folder / "cassandra.yaml").write_text(SETTINGS.replace("STORAGE", str(storage)).replace("NATIVE", str(port)).replace("FOLDER", str(folder)))
    opens = [word for name in OPENS for word in ("--add-opens", f"{name}=ALL-UNNAMED", "--add-exports", f"{name}=ALL-UNNAMED")]
    t.start("cassandra", ["java", *opens, "-Xms256m", "-Xmx700m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
                          "-Djdk.attach.allowAttachSelf=true", f"-Dcassandra.config=file://{folder}/cassandra.yaml",
                          f"-Dcassandra.storagedir={folder}", "-Dcassandra-foreground=yes", "-Dcassandra.ring_delay_ms=1",
                          "-Dcassandra.skip_wait_for_gossip_to_settle=0", "-cp", f"{folder}:{maven('cassandra', 'cassandra-server-maven')}/*",
                          "org.apache.cassandra.service.CassandraDaemon"], port, agent=False, seconds=240)
    return port


def check(t, spans, service, port):
    mine = [s for s in spans.of(service, "CLIENT") if "system." not in s["name"]]
    t.equal(dict(Counter(s["name"] for s in mine if s["attributes"].get("db.operation.name"))), ASKS, "names")
    for s in spans.of(service, "CLIENT"):
        spans.attributes(s, db__system__name="cassandra", server__address="127.0.0.1", server__port=port)
        for key, value in s["attributes"].items():
            secret = "hunter2" in str(value) and value != "SELECT hunter2 FROM orders"
            t.check(not secret and "426614174000" not in str(value), f"no value in {key}: {value}")
    insert = next(s for s in mine if s["name"] == "INSERT orders")
    spans.attributes(insert, db__namespace="shop", db__operation__name="INSERT", db__collection__name="orders",
                     db__query__text="INSERT INTO orders (id, customer, lines) VALUES (?, ?, ?)")
    spans.attributes(next(s for s in mine if s["name"] == "BATCH"), db__operation__batch__size=4)
    t.equal([s["attributes"]["error.type"] for s in mine if s["status"] == "error"], ["0x2200", "0x2000"], "errors")


@case("the DataStax driver and Cassandra, protocols 3, 4 and 5: each query, execution and batch a span", ["java", "mvn"], agent_only=True)
def cassandra_python(t):
    if "there" not in t.run("probe", [PYTHON, "-c", "import cassandra; print('there')"], agent=False, status=None):
        raise Skip("no Cassandra driver here")
    port = cassandra(t)
    for version in (3, 4, 5):
        t.equal(t.run(f"v{version}", [PYTHON, PROGRAM, "127.0.0.1", port, version]), SAYS, "what the program says")
    spans = t.spans_at_least(3 * sum(ASKS.values()) + 3)
    for version in (3, 4, 5):
        check(t, spans, f"v{version}", port)


@case("cassandra-driver of Node and Cassandra: 50 executions at once, a batch, an error", ["java", "mvn", "node", "npm"], agent_only=True)
def cassandra_node(t):
    path = npm("node-clients", "cassandra-driver", "ioredis")
    port = cassandra(t)
    said = t.run("node", ["node", APPS / "cassandra-client-node" / "main.js", "127.0.0.1", port], env={"NODE_PATH": path})
    t.equal(said, "2\n2200\n", "what the program says")
    spans = t.spans_at_least(55)
    mine = [s for s in spans.of("node", "CLIENT") if "system." not in s["name"]]
    t.equal(dict(Counter(s["name"] for s in mine)),
            {"CREATE KEYSPACE": 1, "CREATE TABLE depot.stock": 1, "INSERT depot.stock": 50, "BATCH": 1, "SELECT depot.stock": 1,
             "SELECT depot.nothing": 1}, "names")
    t.equal([s["attributes"]["error.type"] for s in mine if s["status"] == "error"], ["0x2200"], "errors")
    for s in spans.all:
        spans.attributes(s, db__system__name="cassandra", server__port=port)
        for key, value in s["attributes"].items():
            t.check("hunter2" not in str(value), f"no value in {key}: {value}")
