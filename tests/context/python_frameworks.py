"""Frameworks of Python behind the servers that people run them with, and a queue of tasks between two programs."""
import signal

from harness import APPS
from programs import PYTHON, program, server, surroundings


def gunicorn(t, far, env, app, options, what, path="/fan/{id}"):
    port = t.port()
    return server(t, far, env, [PYTHON, "-m", "gunicorn", "-b", f"127.0.0.1:{port}", "--backlog", "1024", *options, what], port,
                  cwd=APPS / app, path=path)


def uvicorn(t, far, env, path):
    port = t.port()
    return server(t, far, env, [PYTHON, "-m", "uvicorn", "--port", port, "--log-level", "warning", "--backlog", 1024, "--lifespan", "off",
                                "main:asgi"], port, cwd=APPS / "fan-python-django", path=path)


@program("django-gthread", "Django; gunicorn, 32 threads; requests", [], ["django", "gunicorn", "httpx", "requests"])
def django_gthread(t, far, env):
    return gunicorn(t, far, env, "fan-python-django", ["-k", "gthread", "--threads", 32], "main:wsgi")


@program("django-gthread-async", "the same; asynchronous views, httpx", [], ["django", "gunicorn", "httpx", "requests"])
def django_gthread_async(t, far, env):
    return gunicorn(t, far, {"CLIENTS": "each", **env}, "fan-python-django", ["-k", "gthread", "--threads", 32], "main:wsgi",
                    "/async/{id}")


@program("django-uvicorn", "Django; Uvicorn; views in threads, requests", [], ["django", "uvicorn", "httpx", "requests"])
def django_uvicorn(t, far, env):
    return uvicorn(t, far, env, "/fan/{id}")


@program("django-uvicorn-async", "the same; asynchronous views, httpx", [], ["django", "uvicorn", "httpx", "requests"])
def django_uvicorn_async(t, far, env):
    return uvicorn(t, far, env, "/async/{id}")


@program("django-uvicorn-mixed", "the same; asynchronous views, requests by sync_to_async", [], ["django", "uvicorn", "httpx", "requests"])
def django_uvicorn_mixed(t, far, env):
    return uvicorn(t, far, env, "/mixed/{id}")


@program("flask-waitress", "Flask; waitress, 32 threads; requests, also in before_request", [], ["flask", "waitress", "requests"])
def flask_waitress(t, far, env):
    port = t.port()
    return server(t, far, env, [PYTHON, "-m", "waitress", f"--listen=127.0.0.1:{port}", "--backlog=1024", "--threads=32", "main:app"],
                  port, cwd=APPS / "fan-python-flask")


def queue(t, far, env, app, workers, **how):
    """Workers of an application's queue in a Redis of their own, in which {broker} is named by its URL."""
    port = t.port()
    t.start("redis", ["redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"], port, agent=False)
    broker = f"redis://127.0.0.1:{port}/0"
    env = {"BROKER": broker, **env}
    # Their spans are of the same service as those of the server: all calls are to be found.
    for worker in workers:
        t.start("server", [PYTHON, *(word.format(broker=broker) for word in worker)], cwd=APPS / app, env=surroundings(far, env), **how)
    return gunicorn(t, far, env, app, ["-k", "gthread", "--threads", 32], "main:app")


def celery(t, far, env, *pool):
    worker = ["-m", "celery", "-A", "main.tasks", "worker", "--loglevel", "error", "--without-gossip", "--without-mingle", *pool]
    return queue(t, far, env, "fan-python-celery", [worker], stop=signal.SIGQUIT)


def rq(t, far, env, *kind):
    worker = ["-m", "rq.cli", "worker", "--quiet", "--url", "{broker}", *kind]
    return queue(t, far, env, "fan-python-rq", [worker] * 4)


@program("celery-prefork", "Celery over Redis, 4 processes; requests, by the tasks", ["redis-server"],
         ["celery", "flask", "gunicorn", "redis", "requests"])
def celery_prefork(t, far, env):
    return celery(t, far, env, "--pool", "prefork", "--concurrency", "4")


@program("celery-threads", "the same, 16 threads", ["redis-server"], ["celery", "flask", "gunicorn", "redis", "requests"])
def celery_threads(t, far, env):
    return celery(t, far, env, "--pool", "threads", "--concurrency", "16")


@program("rq", "RQ, 4 workers, which fork for each job; requests, by the jobs", ["redis-server"],
         ["flask", "gunicorn", "redis", "requests", "rq"])
def rq_fork(t, far, env):
    return rq(t, far, env)


@program("rq-simple", "the same, workers that do not fork", ["redis-server"], ["flask", "gunicorn", "redis", "requests", "rq"])
def rq_simple(t, far, env):
    return rq(t, far, env, "--worker-class", "rq.SimpleWorker")
