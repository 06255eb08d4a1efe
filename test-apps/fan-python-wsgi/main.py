"""A WSGI application that asks a far side one to three times for each request, after some milliseconds."""
import collections
import concurrent.futures
import multiprocessing
import os
import queue
import random
import threading
import time

import requests
import requests.adapters

FAR = os.environ["FAR"]
session = requests.Session()
session.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=64))
session.trust_env = False
lock = threading.Lock()
late = None
pool = concurrent.futures.ThreadPoolExecutor(16)


def call(number, turn):
    time.sleep(random.random() * 0.005)
    session.get(f"{FAR}/call/{number}/{turn}").content


def in_threads(number, calls):
    threads = [threading.Thread(target=call, args=(number, turn)) for turn in range(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def in_greenlets(number, calls):
    import gevent
    gevent.joinall([gevent.spawn(call, number, turn) for turn in range(calls)], raise_error=True)


def work_off(jobs):
    while True:
        number, turn, done = jobs.get()
        call(number, turn)
        done.set()


def by_late_threads(number, calls):
    """By threads for all requests, which the first one starts and then takes its time."""
    global late
    with lock:
        first = late is None
        if first:
            late = queue.Queue()
            for _ in range(8):
                threading.Thread(target=work_off, args=(late,), daemon=True).start()
    waits = [threading.Event() for _ in range(calls)]
    for turn, done in enumerate(waits):
        late.put((number, turn, done))
    for done in waits:
        done.wait()
    if first:
        time.sleep(1)


def look_after(jobs):
    while True:
        if jobs:
            number, turn, done = jobs.popleft()
            call(number, turn)
            done.append(True)
        time.sleep(0.001)


def by_polling_threads(number, calls):
    """The same by threads that look for work again and again, and nobody waits for anything but time."""
    global late
    with lock:
        first = late is None
        if first:
            late = collections.deque()
            for _ in range(8):
                threading.Thread(target=look_after, args=(late,), daemon=True).start()
    done = []
    late.extend((number, turn, done) for turn in range(calls))
    while len(done) < calls:
        time.sleep(0.001)
    if first:
        time.sleep(1)


def late_pool(kind):
    """Made by the first request, which then takes its time."""
    global late
    with lock:
        first = late is None
        if first:
            late = kind()
    return first


def in_processes(number, calls):
    """By a pool of forked processes for all requests."""
    first = late_pool(lambda: concurrent.futures.ProcessPoolExecutor(4, multiprocessing.get_context("fork")))
    for done in [late.submit(call, number, turn) for turn in range(calls)]:
        done.result()
    if first:
        time.sleep(1)


def in_callbacks(number, calls):
    """By callbacks of a pool's jobs, whose threads the first requests start."""
    first = late_pool(lambda: concurrent.futures.ThreadPoolExecutor(8))
    waits = [threading.Event() for _ in range(calls)]
    for turn, done in enumerate(waits):
        def after(job, turn=turn, done=done):
            call(number, turn)
            done.set()
        late.submit(time.sleep, 0.001).add_done_callback(after)
    for done in waits:
        done.wait()
    if first:
        time.sleep(1)


def app(environ, start_response):
    _, how, number = environ["PATH_INFO"].split("/")
    calls = random.randint(1, 3)
    time.sleep(random.random() * 0.005)
    if how == "pool":
        for done in [pool.submit(call, number, turn) for turn in range(calls)]:
            done.result()
    elif how == "threads":
        in_threads(number, calls)
    elif how == "late":
        by_late_threads(number, calls)
    elif how == "polling":
        by_polling_threads(number, calls)
    elif how == "processes":
        in_processes(number, calls)
    elif how == "callbacks":
        in_callbacks(number, calls)
    elif how == "greenlets":
        in_greenlets(number, calls)
    else:
        for turn in range(calls):
            call(number, turn)
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "5")])
    return [b"near\n"]
