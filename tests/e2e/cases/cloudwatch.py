"""CloudWatch Logs: lines arrive at moto, which verifies signatures, and troubles of AWS lose none."""
import datetime
import email.utils
import http.server
import json
import re
import socket
import subprocess
import threading
import time

from apps import APPS
from fetched import pypi
from harness import ROOT, case
from sink import Server

PACKAGES = ("boto3", "moto[server]", "watchtower")
KEY, SECRET, TOKEN = "AKIDEXAMPLE", "hush/wJalrXUtnFEMI+K7MDENG", "hush" * 100


def start_shop(t, env, name="shop"):
    port = t.port()
    t.start(name, ["gunicorn", "--bind", f"127.0.0.1:{port}", "--worker-tmp-dir", t.dir, "--log-level", "critical",
                   "--chdir", APPS / "log-server-flask", "app:app"], port,
            env={"OTEL_LOGS_EXPORTER": "cloudwatch", "OTEL_BLRP_SCHEDULE_DELAY": "100", "OTEL_SERVICE_NAME": "shop",
                 "AWS_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true", "PYTHONDONTWRITEBYTECODE": "1",
                 "REMORA_DEBUG": "export", **env})
    return port


def said_of(t):
    return "".join(log.read_text(errors="replace") for log in t.dir.glob("*.log"))


def no_secret(t, *secrets):
    for secret in secrets:
        t.check(secret not in said_of(t), "what is said has no secret in it")


class Moto:
    def __init__(self, t):
        python = pypi("cloudwatch", *PACKAGES) / "python3"
        self.process = subprocess.Popen([python, ROOT / "tests" / "e2e" / "cloudwatch_moto.py"], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        t.closers.append(self.process.wait)
        t.closers.append(self.process.kill)
        self.who = json.loads(self.process.stdout.readline())

    def settings(self, **more):
        return {"AWS_ENDPOINT_URL_CLOUDWATCH_LOGS": self.who["url"], "AWS_ACCESS_KEY_ID": self.who["key"],
                "AWS_SECRET_ACCESS_KEY": self.who["secret"], **more}

    def held(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def messages(self, group, stream):
        return [m for _, m in self.held().get(group, {}).get(stream, [])]


def asked_lines(t, port, count):
    """Requests so many pages one after the other; each has three lines."""
    for i in range(count):
        t.get(port, f"/home?id={i}")


SEED = r"ERROR home: \[\d{4}-\w{3}-\d\d \d\d:\d\d\] 127\.0\.0\.1 GET http /home\?id=%d 200 OK$"


@case("a Flask application's lines are in CloudWatch Logs, signed, as they are, in order; group and stream are made",
      ["gunicorn"], agent_only=True)
def flask(t):
    moto = Moto(t)
    port = start_shop(t, moto.settings())
    asked_lines(t, port, 10)
    host = socket.gethostname()
    t.until("30 lines", lambda: len(moto.messages("shop", host)) >= 30)
    t.equal({group: list(streams) for group, streams in moto.held().items()}, {"shop": [host]}, "groups and streams")
    messages = moto.messages("shop", host)
    t.equal(len(messages), 30, "lines")
    for i in range(10):
        t.equal([m for m in messages if m == f"printed id={i}"], [f"printed id={i}"], "a printed line, once")
        t.check(re.search(SEED % i, messages[3 * i + 2]), f"the line of the response in its place: {messages[3 * i + 2]}")
    times = [at for at, _ in moto.held()["shop"][host]]
    t.check(times == sorted(times) and abs(times[0] / 1000 - time.time()) < 120, "times")
    no_secret(t, moto.who["secret"])


@case("as JSON an event has the trace of its request, also as X-Ray writes it; names are settings", ["gunicorn"])
def as_json(t):
    moto = Moto(t)
    port = start_shop(t, moto.settings(REMORA_CLOUDWATCH_FORMAT="json", REMORA_CLOUDWATCH_LOG_GROUP="/app/web",
                                       REMORA_CLOUDWATCH_LOG_STREAM="one:two"))
    asked_lines(t, port, 2)
    t.until("6 lines", lambda: len(moto.messages("/app/web", "one_two")) >= 6)
    spans = {s["attributes"]["url.query"]: s for s in t.spans(2).all}
    for message in moto.messages("/app/web", "one_two"):
        event = json.loads(message)
        named = re.search(r"id=\d", event["body"])
        trace = spans[named[0]]["trace_id"]
        t.equal((event["trace_id"], event["span_id"]), (trace, spans[named[0]]["span_id"]), "the request's trace")
        t.equal(event["xray_trace_id"], f"1-{trace[:8]}-{trace[8:]}", "for X-Ray")
        t.equal(event["resource"]["service.name"], "shop", "resource")


@case("a wrong secret is said once, plainly, and the program goes on", ["gunicorn"], agent_only=True)
def wrong_secret(t):
    moto = Moto(t)
    port = start_shop(t, moto.settings(AWS_SECRET_ACCESS_KEY=SECRET))
    asked_lines(t, port, 3)
    t.until("it is said", lambda: "the secret access key is not that of the access key (AWS_ACCESS_KEY_ID;" in said_of(t))
    time.sleep(0.5)
    asked_lines(t, port, 3)
    t.stop()
    t.equal(said_of(t).count("log lines cannot be sent to CloudWatch Logs"), 1, "warnings")
    no_secret(t, SECRET)
    t.equal(moto.held(), {}, "what moto holds")


class Faulty(Server):
    """Answers as told, then takes all: (status, error or body, seconds that its clock is ahead) each."""

    def __init__(self, t, *answers):
        self.requests, self.answers, self.lock = [], list(answers), threading.Lock()
        super().__init__(("127.0.0.1", 0), type("Handler", (Handler,), {"sink": self}))
        t.closers.append(self.server_close)
        t.closers.append(self.shutdown)
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def settings(self, **more):
        return {"AWS_ENDPOINT_URL": self.url, "AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, **more}

    def taken(self):
        with self.lock:
            return [e["message"] for status, head, body in self.requests if status == 200 for e in body.get("logEvents", [])]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.sink.lock:
            status, error, ahead = self.sink.answers.pop(0) if self.sink.answers else (200, None, 0)
            self.sink.requests.append((status, {k.lower(): v for k, v in self.headers.items()}, body))
        # It says what it should not.
        if isinstance(error, str):
            error = {"__type": f"com.amazonaws.logs#{error}", "message": f"{SECRET} {TOKEN}"}
        answer = json.dumps(error or {}).encode()
        self.send_response_only(status)
        self.send_header("Date", email.utils.formatdate(time.time() + ahead, usegmt=True))
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *arguments):
        pass


def signed_ahead(head):
    """How far the clock of a signature is ahead of ours, in seconds."""
    at = datetime.datetime.strptime(head["x-amz-date"] + "+0000", "%Y%m%dT%H%M%SZ%z")
    return at.timestamp() - time.time()


@case("throttled, unavailable, and signed by a clock that is wrong: each line arrives once", ["gunicorn"], agent_only=True)
def troubles(t):
    sink = Faulty(t, (400, "ThrottlingException", 0), (503, "ServiceUnavailableException", 0),
                  (400, "InvalidSignatureException", 7200), (200, None, 7200))
    port = start_shop(t, sink.settings(AWS_SESSION_TOKEN=TOKEN))
    asked_lines(t, port, 1)
    t.until("the lines", lambda: len(sink.taken()) >= 3)
    asked_lines(t, port, 1)
    t.until("more lines", lambda: len(sink.taken()) >= 6)
    t.equal(len(sink.taken()), 6, "each once")
    ahead = [round(signed_ahead(head) / 3600) for _, head, _ in sink.requests]
    t.equal(ahead, [0, 0, 0] + [2] * (len(ahead) - 3), "hours that the signatures' clock is ahead")
    t.equal({head["x-amz-security-token"] for _, head, _ in sink.requests}, {TOKEN}, "the session's token")
    t.check("log lines cannot be sent" not in said_of(t), "none of these is a wrong setting")
    no_secret(t, SECRET, TOKEN)


@case("lines that AWS does not take for their time are counted, and that is said once", ["gunicorn"], agent_only=True)
def rejected(t):
    old = {"rejectedLogEventsInfo": {"tooOldLogEventEndIndex": 1}}
    sink = Faulty(t, (200, old, 0), (200, old, 0))
    port = start_shop(t, sink.settings())
    for count in (3, 6, 9):  # each in a request of its own
        asked_lines(t, port, 1)
        t.until("the lines", lambda: len(sink.taken()) >= count)
    t.stop()
    t.equal(said_of(t).count("CloudWatch Logs refuses lines for their time, older than 14 days"), 1, "warnings")
    counted = re.findall(r"logs delivered, 1 of them rejected|cloudwatch: 1 logs refused", said_of(t))
    t.equal(len(counted), 2, "lines that are counted as lost")


WATCHTOWER = """
import logging, sys, boto3, watchtower
client = boto3.client("logs", endpoint_url=sys.argv[1], region_name="us-east-1")
handler = watchtower.CloudWatchLogHandler("shop", boto3_client=client, use_queues=False)
log = logging.getLogger("shop")
log.addHandler(handler)
log.error("hello")
"""


@case("requests have the shape of watchtower's", ["gunicorn"], agent_only=True)
def as_watchtower(t):
    python = pypi("cloudwatch", *PACKAGES) / "python3"
    theirs, ours = Faulty(t), Faulty(t)
    subprocess.run([python, "-c", WATCHTOWER, theirs.url], check=True, capture_output=True, timeout=60, env={
        "AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET})
    asked_lines(t, start_shop(t, ours.settings()), 1)
    t.until("the lines", lambda: len(ours.taken()) >= 3)

    def shape(sink):
        _, head, body = next(r for r in sink.requests if "logEvents" in r[2])
        event = body["logEvents"][0]
        return (sorted(body), sorted(event), [type(event[k]).__name__ for k in sorted(event)], head["content-type"],
                head["x-amz-target"], re.search("SignedHeaders=[^,]*", head["authorization"])[0],
                abs(event["timestamp"] / 1000 - time.time()) < 120)
    t.equal(shape(ours), shape(theirs), "members, types, headers")


@case("signatures are those of botocore, over random requests")
def as_botocore(t):
    python = pypi("cloudwatch", *PACKAGES) / "python3"
    done = subprocess.run([python, ROOT / "tests" / "e2e" / "sigv4_oracle.py", t.build.find("sigv4_probe"), "2000", "1"],
                          capture_output=True, text=True, timeout=120)
    t.equal((done.stdout, done.stderr), ("2000\n", ""), "requests signed the same")


@case("without credentials or region it is said what to set", agent_only=True)
def nothing_set(t):
    for more, words in (({"AWS_REGION": "eu-west-1"}, "no credentials were found; set AWS_ACCESS_KEY_ID"),
                        ({}, "no region is named; set AWS_REGION")):
        done = subprocess.run(["perl", "-e", "print STDERR qq(one\\n)"], capture_output=True, text=True, env=t.environment(
            "perl", True, {"OTEL_LOGS_EXPORTER": "cloudwatch", "HOME": "/nonexistent", "AWS_EC2_METADATA_DISABLED": "true", **more}))
        t.check(f"nothing is sent to CloudWatch Logs: {words}" in done.stderr and done.returncode == 0, done.stderr)


# ---- credentials ----


class Giver(Server):
    """The endpoints of container and instance: credentials of a session, ever others, and what was asked."""

    def __init__(self, t, valid_s=3600):
        self.asked, self.valid_s, self.count = [], valid_s, 0
        super().__init__(("127.0.0.1", 0), type("Handler", (GiverHandler,), {"sink": self}))
        t.closers.append(self.server_close)
        t.closers.append(self.shutdown)
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def credentials(self):
        self.count += 1
        until_s = datetime.datetime.fromtimestamp(time.time() + self.valid_s, datetime.timezone.utc)
        return json.dumps({"Code": "Success", "AccessKeyId": f"ASIA{self.count}", "SecretAccessKey": SECRET, "Token": TOKEN,
                           "Expiration": until_s.strftime("%Y-%m-%dT%H:%M:%SZ")})


class GiverHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, text):
        self.sink.asked.append((self.command, self.path))
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def do_PUT(self):
        good = self.path == "/latest/api/token" and self.headers["X-aws-ec2-metadata-token-ttl-seconds"] == "21600"
        self.answer(200 if good else 400, "the-token" if good else "")

    def do_GET(self):
        if self.path == "/pod":
            good = self.headers["Authorization"] == "Bearer of-the-file"
            return self.answer(200 if good else 401, self.sink.credentials() if good else "")
        if self.headers["X-aws-ec2-metadata-token"] != "the-token":
            return self.answer(401, "")
        is_role = self.path.endswith("/security-credentials/web-role")
        self.answer(200, self.sink.credentials() if is_role else "web-role")

    def log_message(self, *arguments):
        pass


def keys_of(sink):
    return [re.search("Credential=([^/]*)/", head["authorization"])[1] for _, head, _ in sink.requests]


def without_keys(sink, **more):
    return {**{k: v for k, v in sink.settings().items() if not k.startswith("AWS_A") and "SECRET" not in k}, **more}


@case("keys and region of a profile in the shared files are taken", ["gunicorn"], agent_only=True)
def files(t):
    sink = Faulty(t)
    home = t.dir / "home"
    (home / ".aws").mkdir(parents=True)
    (home / ".aws" / "credentials").write_text(
        f"[default]\naws_access_key_id = WRONG\naws_secret_access_key=x\n\n# shop\n[shop]\naws_access_key_id=AKIDFILE\n"
        f"aws_secret_access_key = {SECRET}\naws_session_token = {TOKEN}\n")
    (home / ".aws" / "config").write_text("[default]\nregion = us-west-1\n[profile shop]\ns3 =\n  region = no-1\nregion = eu-central-1\n")
    port = start_shop(t, without_keys(sink, HOME=str(home), AWS_PROFILE="shop", AWS_REGION=""))
    asked_lines(t, port, 1)
    t.until("the lines", lambda: len(sink.taken()) >= 3)
    t.equal({re.search("Credential=[^/]*/[0-9]*/([^,]*)/aws4", h["authorization"])[1] for _, h, _ in sink.requests},
            {"eu-central-1/logs"}, "region")
    t.equal((set(keys_of(sink)), {h["x-amz-security-token"] for _, h, _ in sink.requests}), ({"AKIDFILE"}, {TOKEN}), "keys")
    no_secret(t, SECRET, TOKEN)


@case("a container's endpoint gives credentials, and others when AWS says that they have expired", ["gunicorn"], agent_only=True)
def container(t):
    sink, giver = Faulty(t, (400, "ExpiredTokenException", 0)), Giver(t)
    file = t.dir / "token"
    file.write_text("Bearer of-the-file\n")
    port = start_shop(t, without_keys(sink, HOME=str(t.dir), AWS_CONTAINER_CREDENTIALS_FULL_URI=giver.url + "/pod",
                                      AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=str(file)))
    asked_lines(t, port, 2)
    t.until("the lines", lambda: len(sink.taken()) >= 6)
    t.equal((keys_of(sink)[0], set(keys_of(sink)[1:])), ("ASIA1", {"ASIA2"}), "keys")
    t.equal(giver.asked, [("GET", "/pod")] * 2, "what was asked")
    no_secret(t, SECRET, TOKEN)


@case("an instance gives credentials by its second protocol; those about to expire are renewed", ["gunicorn"], agent_only=True)
def instance(t):
    sink, giver = Faulty(t), Giver(t, valid_s=60)
    port = start_shop(t, without_keys(sink, HOME=str(t.dir), AWS_EC2_METADATA_DISABLED="false", REMORA_RESOURCE_DETECTORS="none",
                                      AWS_EC2_METADATA_SERVICE_ENDPOINT=giver.url))
    asked_lines(t, port, 1)
    t.until("the lines", lambda: len(sink.taken()) >= 3)
    role = "/latest/meta-data/iam/security-credentials/"
    t.equal(giver.asked[:3], [("PUT", "/latest/api/token"), ("GET", role), ("GET", role + "web-role")], "what was asked")
    asked_lines(t, port, 1)
    t.until("more lines", lambda: len(sink.taken()) >= 6)
    t.check(len(set(keys_of(sink))) > 1, f"keys are renewed: {keys_of(sink)}")
    no_secret(t, SECRET, TOKEN)


@case("remora check --backend says whose credentials are known, and what is wrong, without a key")
def checked(t):
    moto = Moto(t)

    def check(word, *parts, **more):
        env = {"OTEL_TRACES_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "cloudwatch", "AWS_REGION": "us-east-1", "HOME": str(t.dir),
               "AWS_EC2_METADATA_DISABLED": "true", "OTEL_SERVICE_NAME": "my shop", **moto.settings(), **more}
        said = t.run("check", [t.build.find("remora"), "check", "--backend"], agent=False, env=env, status=int(word == "no"))
        t.check(said.startswith(f"{word}: logs, cloudwatch: ") and all(p in said for p in parts) and said.count("\n") == 1, said)
        t.check(SECRET not in said and moto.who["secret"] not in said, "no key is shown")

    check("yes", moto.who["url"], "knows our credentials (AWS_ACCESS_KEY_ID)", "the group my_shop is not there yet, and will be made")
    check("no", "the secret access key is not that of the access key", AWS_SECRET_ACCESS_KEY=SECRET)
    check("no", "AWS does not know the access key", AWS_ACCESS_KEY_ID="AKIANOBODY")
    check("no", "set AWS_ACCESS_KEY_ID", AWS_ACCESS_KEY_ID="")
    check("no", "set AWS_REGION", AWS_REGION="")
    check("no", "nothing listens there", AWS_ENDPOINT_URL_CLOUDWATCH_LOGS=f"http://127.0.0.1:{t.port()}")
