"""redis-py and a cluster: keys of all nodes, a pipeline, a slot that moves from one node to another while it is used.

cluster.py PORT PORT PORT    the nodes; the first has the slot of the key `b`, the third that of `a`
"""
import sys

from redis import Redis, RedisCluster, ResponseError

SLOT_OF_A = 15495


def move(nodes, names, slot, state=None):
    """Begins to move a slot of the third node to the first, or, without a state, ends it."""
    if state:
        nodes[0].execute_command("CLUSTER", "SETSLOT", slot, "IMPORTING", names[2])
        nodes[2].execute_command("CLUSTER", "SETSLOT", slot, "MIGRATING", names[0])
        return
    for node in nodes:
        node.execute_command("CLUSTER", "SETSLOT", slot, "NODE", names[0])


def main():
    ports = [int(word) for word in sys.argv[1:]]
    nodes = [Redis("127.0.0.1", port) for port in ports]
    names = [node.execute_command("CLUSTER", "MYID").decode() for node in nodes]
    cluster = RedisCluster(host="127.0.0.1", port=ports[0])
    for i in range(30):
        cluster.set(f"key{i}", "hunter2")
    print(sum(cluster.get(f"key{i}") == b"hunter2" for i in range(30)))
    with cluster.pipeline() as pipeline:
        for i in range(30):
            pipeline.incr(f"count{i}")
        print(sum(pipeline.execute()))
    print(cluster.eval("return ARGV[1]", 1, "b", "hunter2").decode(), cluster.blpop("b", 1))
    try:
        cluster.lpush("key1", "x")
    except ResponseError as error:
        print(str(error).split()[0])
    move(nodes, names, SLOT_OF_A, "begin")
    print(cluster.set("a", "hunter2"), cluster.get("a").decode())  # where it will be
    move(nodes, names, SLOT_OF_A)
    print(cluster.get("a").decode(), cluster.incr("{a}count"))


main()
