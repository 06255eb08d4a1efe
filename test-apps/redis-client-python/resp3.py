"""redis-py with RESP3: pushes between answers, a script and its name, functions, what blocks and who ends it.

resp3.py PORT
"""
import sys
import threading

import redis


def subscribed(client):
    """Messages, and commands on the connection that is subscribed, which only RESP3 allows."""
    subscription = client.pubsub()
    subscription.subscribe("news")
    subscription.psubscribe("orders.*")
    kinds = []
    for message in subscription.listen():
        kinds.append(message["type"])
        if kinds == ["subscribe", "psubscribe"]:
            client.publish("news", "hunter2")
            client.publish("orders.1", "hunter2")
        if len(kinds) == 4:
            break
    subscription.ping()
    while (message := subscription.get_message(timeout=5)) is None or message["type"] != "pong":
        pass
    subscription.unsubscribe("news")
    while (message := subscription.get_message(timeout=5)) is None or message["type"] != "unsubscribe":
        pass
    subscription.close()
    return kinds


def blocked(client, url):
    """Several who wait, each for something else; another one gives it to them."""
    calls = [lambda c: c.blpop("list", 0), lambda c: c.blmove("from", "to", 0, "LEFT", "RIGHT"), lambda c: c.bzpopmin("sorted", 0),
             lambda c: c.xread({"stream": "$"}, block=0)]
    clients = [redis.Redis.from_url(url) for _ in calls]
    threads = [threading.Thread(target=call, args=(c,)) for call, c in zip(calls, clients)]
    for thread in threads:
        thread.start()
    while client.info("clients")["blocked_clients"] < len(calls):
        pass
    client.rpush("list", "hunter2")
    client.rpush("from", "hunter2")
    client.zadd("sorted", {"hunter2": 1})
    client.xadd("stream", {"note": "hunter2"})
    for thread in threads:
        thread.join()
    for c in clients:
        c.close()
    return len(calls)


def main():
    url = f"redis://127.0.0.1:{sys.argv[1]}?protocol=3"
    client = redis.Redis.from_url(url)
    client.hset("hash", mapping={"a": "hunter2", "b": 1})
    client.sadd("set", 1, 2, 3)
    print(client.hgetall("hash"), sorted(client.smembers("set")))
    client.zadd("scores", {"a": 1.5})
    print(client.zscore("scores", "a"))
    script = client.register_script("return {KEYS[1], ARGV[1]}")  # sends its name, and what it is when nobody knows it
    print(script(keys=["a"], args=["hunter2"]), script(keys=["a"], args=["hunter2"]))
    try:
        client.eval("return redis.error_reply('MINE hunter2')", 0)
    except redis.ResponseError as error:
        print(str(error).split()[0])
    client.function_load("#!lua name=own\nredis.register_function('own', function(keys, args) return args[1] end)")
    print(client.fcall("own", 0, "hunter2"))
    print(subscribed(client))
    print(blocked(client, url))


main()
