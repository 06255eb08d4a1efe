"""What the servers beside ask the database at DB: it refuses each question with a code that is made of the id."""
import os
import threading

URL = os.environ["DB"] + ("?ssl_cert_reqs=none" if os.environ["DB"].startswith("rediss:") else "")
NOTE = "return redis.error_reply('Z' .. ARGV[1] .. ' noted')"
DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def code_of(number):
    digits = ""
    for _ in range(4):
        number, digit = divmod(number, 36)
        digits = DIGITS[digit] + digits
    return digits


def check(error, code):
    if error.args and error.args[0] == 20000 + int(code, 36):
        return  # of MySQL
    if code not in str(getattr(error, "sqlstate", None) or getattr(error, "pgcode", None) or error):
        raise error


def sync_redis():
    import redis
    pool = redis.ConnectionPool.from_url(URL)
    client = redis.Redis(connection_pool=pool)
    return lambda code: client.eval(NOTE, 0, code)


def sync_pymysql():
    import pymysql
    from urllib.parse import urlsplit
    parts, local = urlsplit(URL), threading.local()

    def ask(code):
        if not hasattr(local, "connection"):
            local.connection = pymysql.connect(host=parts.hostname, port=parts.port, user=parts.username, password=parts.password,
                                               database=parts.path[1:])
        with local.connection.cursor() as cursor:
            cursor.execute("CALL note(%s)", [20000 + int(code, 36)])
    return ask


def sync_psycopg():
    import psycopg
    local = threading.local()

    def ask(code):
        if not hasattr(local, "connection"):
            local.connection = psycopg.connect(URL, autocommit=True)
        local.connection.execute("SELECT note(%s)", ["Z" + code])
    return ask


def sync_psycopg2():
    import psycopg2
    local = threading.local()

    def ask(code):
        if not hasattr(local, "connection"):
            local.connection = psycopg2.connect(URL)
            local.connection.autocommit = True
        with local.connection.cursor() as cursor:
            cursor.execute("SELECT note(%s)", ["Z" + code])
    return ask


def sync_sqlalchemy():
    import sqlalchemy
    url = URL.replace("postgresql:", "postgresql+psycopg2:")
    engine = sqlalchemy.create_engine(url, pool_size=4, max_overflow=0, isolation_level="AUTOCOMMIT")

    def ask(code):
        with engine.connect() as connection:
            connection.execute(sqlalchemy.text("SELECT note(:code)"), {"code": "Z" + code})
    return ask


def asker(name):
    """A function of a code that asks with the driver of that name, and returns when it was refused."""
    ask = globals()["sync_" + name]()

    def refused(number):
        code = code_of(number)
        try:
            ask(code)
        except Exception as error:
            return check(error, code)
        raise RuntimeError("not refused")
    return refused
