"""What loggers write as they come: each line is a record with its severity, each exception one with its stack."""
import re

from apps import APPS
from fetched import maven, npm, pypi
from harness import case
from logs import LOGS, output

FAULT = ("java.lang.IllegalStateException", "as asked")


def records(t, name, argv, count, env={}):
    """Those of a program, which prints the same without us."""
    usual = {**LOGS, "REMORA_LOG_SOURCES": "redirected,stderr", **env}
    said = output(t, name, argv, True, usual)
    t.check(said[0] in (0, 1), f"{name}: {said}")
    logs = t.logs(count)
    t.sink.logs.clear()
    return logs


def severities(t, name, argv, want, env={}):
    logs = records(t, name, argv, len(want), env)
    t.equal([log["severity"] for log in logs], want, f"{name}: {[log['body'] for log in logs]}")
    return logs


def exception(t, name, log, kind, message, frame):
    told = log["attributes"]
    t.equal((told.get("exception.type"), told.get("exception.message")), (kind, message), f"{name}: {log['body']}")
    t.check(frame in told["exception.stacktrace"], f"{name}: {told['exception.stacktrace']}")


@case("logback, log4j 1 and 2 and java.util.logging: severities, and an exception with its cause", ["java", "javac", "mvn"],
      agent_only=True)
def java(t):
    jars = maven("loggers-java", "log-java-loggers")
    classes = t.build.app("log-java-loggers", "Main", options=["-cp", f"{jars}/*"])
    for logger, want in {"logback": [5, 9, 13, 17], "log4j": [5, 9, 13, 21], "log4j1": [5, 9, 13, 17], "jul": [9, 13, 17]}.items():
        argv = ["java", "-Xshare:auto", "-XX:TieredStopAtLevel=1", "-cp", f"{classes}:{jars}/*", "Main", logger]
        *_, last = severities(t, logger, argv, want)
        exception(t, logger, last, *FAULT, "Caused by: java.lang.RuntimeException: the cause")
        t.check("it broke" in last["body"], last["body"])
    argv[-1] = "uncaught"
    last, = severities(t, "uncaught", argv, [17])
    exception(t, "uncaught", last, *FAULT, "Caused by: java.lang.RuntimeException: the cause")


PYTHON = {
    "absl": ("from absl import logging as log\nlog.set_verbosity(log.DEBUG)\nlog.set_stderrthreshold('debug')\n"
             "log.use_absl_handler()\nlog.debug('x'); log.info('x'); log.warning('x')\n"
             "try: {}['k']\nexcept KeyError: log.exception('it broke')", [13, 9, 9, 13, 17]),
    "loguru": ("from loguru import logger as log\nlog.debug('x'); log.info('x'); log.warning('x')\n"
               "try: {}['k']\nexcept KeyError: log.exception('it broke')", [5, 9, 13, 17]),
    "structlog": ("import structlog, sys\nstructlog.configure(processors=[structlog.processors.add_log_level, "
                  "structlog.processors.JSONRenderer()], logger_factory=structlog.PrintLoggerFactory(sys.stderr))\n"
                  "log = structlog.get_logger()\nlog.debug('x'); log.info('x'); log.warning('x'); log.critical('x')", [5, 9, 13, 21]),
    "pythonjsonlogger": ("import logging as log\nfrom pythonjsonlogger.json import JsonFormatter\nh = log.StreamHandler()\n"
                         "h.setFormatter(JsonFormatter('%(asctime)s %(levelname)s %(message)s'))\nlog.basicConfig(level=10, handlers=[h])\n"
                         "log.debug('x'); log.info('x'); log.warning('x'); log.error('x')", [5, 9, 13, 17]),
}


@case("glog's format (absl), loguru, structlog and JSON of Python: severities, and exceptions", ["python3"], agent_only=True)
def python(t):
    program = pypi("loggers-python", "absl-py", "loguru", "structlog", "python-json-logger") / "python3"
    for name, (script, want) in PYTHON.items():
        logs = severities(t, name, [program, "-c", script], want)
        if "exception" in script:
            exception(t, name, logs[-1], "KeyError", "'k'", "Traceback (most recent call last):")
            t.check("it broke" in logs[-1]["body"], logs[-1]["body"])


NODE = {
    "pino": "const log = require('pino')({level: 'debug'}, require('pino').destination({dest: 2, sync: true}));"
            "log.debug('x'); log.info('x'); log.warn('x'); log.error('x'); log.fatal('x');",
    "bunyan": "const log = require('bunyan').createLogger({name: 'shop', streams: [{stream: process.stderr, level: 'debug'}]});"
              "log.debug('x'); log.info('x'); log.warn('x'); log.error('x'); log.fatal('x');",
    "winston": "const w = require('winston'); const log = w.createLogger({level: 'debug', transports: [new w.transports.Console()]});"
               "log.debug('x'); log.info('x'); log.warn('x'); log.error('x');",
}


@case("pino, bunyan and winston: severities", ["node", "npm"], agent_only=True)
def node(t):
    modules = npm("loggers-node", "pino", "bunyan", "winston")
    for name, script in NODE.items():
        want = [5, 9, 13, 17, 21]
        severities(t, name, ["node", "-e", script], want[:script.count("log.")], {"NODE_PATH": str(modules)})


RUBY = """
require 'logger'
log = Logger.new($stderr)
begin
  {}.fetch(:k)
rescue KeyError => e
  log.error(e)
end
"""


@case("an exception that Ruby's Logger writes, and one that PHP's server logs", ["ruby", "php"], agent_only=True)
def logged(t):
    log, = severities(t, "ruby", ["ruby", "-e", RUBY], [17])
    exception(t, "ruby", log, "KeyError", "key not found: :k", "fetch")
    (t.dir / "index.php").write_text("<?php function f() { throw new LogicException('as asked'); } f();")
    port = t.port()
    t.start("php", ["php", "-d", "display_errors=0", "-d", "log_errors=1", "-S", f"127.0.0.1:{port}", "-t", t.dir], port, env=LOGS)
    t.equal(t.get(port, "/")[0][0], 500, "status")
    t.sink.wait_for_logs(1, 5.0)
    t.stop()
    log = next(log for log in t.sink.wait_for_logs(1, 5.0) if "exception.type" in log["attributes"])
    exception(t, "php", log, "LogicException", "as asked", "#0 ")
    t.check(re.search("index.php", log["body"]) and log["severity"] >= 17, log)
