"""Python servers whose requests ask databases."""
from harness import APPS
from programs import PYTHON, program, server


def asgi(driver, title, kind, module, loop="asyncio", tls=False):
    name = f"uvicorn-{driver.replace('_', '-')}{'-uvloop' if loop == 'uvloop' else ''}{'-tls' if tls else ''}"

    @program(name, title, modules=["uvicorn", *module.split()], database=kind, tls=tls)
    def run(t, url, env):
        port = t.port()
        return server(t, url, {"DB": url, "DRIVER": driver, **env},
                      [PYTHON, "-m", "uvicorn", "--port", port, "--loop", loop, "--log-level", "warning", "--backlog", 1024,
                       "main:app"], port, cwd=APPS / "fan-python-db")


def wsgi(driver, title, kind, module, worker):
    @program(f"gunicorn-{worker}-{driver}", title, modules=["gunicorn", *module.split()], database=kind)
    def run(t, url, env):
        port = t.port()
        options = ["-k", "gthread", "--threads", 32] if worker == "gthread" else ["-k", worker, "--worker-connections", 1000]
        return server(t, url, {"DB": url, "DRIVER": driver, **env},
                      [PYTHON, "-m", "gunicorn", "-b", f"127.0.0.1:{port}", "--backlog", 1024, *options, "wsgi:app"], port,
                      cwd=APPS / "fan-python-db")


asgi("asyncpg", "uvicorn, asyncpg: a pool of 4 connections", "postgres", "asyncpg")
asgi("asyncpg", "the same on uvloop", "postgres", "asyncpg uvloop", "uvloop")
asgi("asyncpg_simple", "the same, transactions, simple queries", "postgres", "asyncpg")
asgi("psycopg", "uvicorn, psycopg: 4 asynchronous connections", "postgres", "psycopg")
asgi("psycopg_pool", "the same, its pool", "postgres", "psycopg psycopg_pool")
asgi("aiomysql", "uvicorn, aiomysql: a pool of 4 connections", "mysql", "aiomysql")
asgi("redis", "uvicorn, redis.asyncio: a pool of 4 connections", "redis", "redis")
asgi("redis", "the same on uvloop", "redis", "redis uvloop", "uvloop")
asgi("redis", "the same inside TLS", "redis", "redis", tls=True)
asgi("sqlalchemy", "uvicorn, SQLAlchemy with asyncpg: a pool of 4 connections", "postgres", "sqlalchemy asyncpg greenlet")
asgi("thread-psycopg2", "uvicorn, psycopg2 in threads of anyio", "postgres", "psycopg2 anyio")
asgi("thread-sqlalchemy", "uvicorn, SQLAlchemy with psycopg2 in threads of anyio", "postgres", "sqlalchemy psycopg2 anyio")
wsgi("redis", "gunicorn's threads, redis", "redis", "redis", "gthread")
wsgi("psycopg", "gunicorn's threads, psycopg", "postgres", "psycopg", "gthread")
wsgi("psycopg2", "gunicorn's threads, psycopg2", "postgres", "psycopg2", "gthread")
wsgi("sqlalchemy", "gunicorn's threads, SQLAlchemy with psycopg2: a pool of 4 connections", "postgres", "sqlalchemy psycopg2", "gthread")
wsgi("pymysql", "gunicorn's threads, pymysql", "mysql", "pymysql", "gthread")
wsgi("pymysql", "gunicorn with gevent, pymysql", "mysql", "pymysql gevent", "gevent")
wsgi("redis", "gunicorn with gevent, redis", "redis", "redis gevent", "gevent")
