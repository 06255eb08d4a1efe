"""Has botocore sign random requests, and compares: sigv4_oracle.py PROBE COUNT SEED. Prints how many agree; differences are an error."""
import datetime
import random
import subprocess
import sys
import urllib.parse
from unittest import mock

import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

KEY = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
SECRET = KEY + KEY.lower() + "/+=0189"


def text(r, letters, least, most):
    return "".join(r.choice(letters) for _ in range(r.randint(least, most)))


def make(r):
    seconds = r.randint(946684800, 4102444800)
    headers = {"content-type": "application/x-amz-json-1.1", "host": text(r, "abcdef.-0", 1, 60).replace("..", "a"),
               "x-amz-target": "Logs_20140328." + text(r, KEY, 1, 20)}
    for _ in range(r.randint(0, 4)):
        headers["x-" + text(r, "abcdef-", 1, 12) + "z"] = text(r, "ab  c,;=", 0, 40)
    return {"key": text(r, KEY, 16, 20), "secret": text(r, SECRET, 1, 128), "region": text(r, "abcdef-12", 1, 16),
            "service": text(r, "abcdef", 1, 12), "seconds": seconds, "headers": headers,
            "path": "/" + "/".join(urllib.parse.quote("a" + text(r, "ab ~%é.-_", 0, 6)) for _ in range(r.randint(0, 3))),
            "token": text(r, SECRET, 300, 1500) if r.random() < 0.5 else None,
            "body": r.randbytes(r.choice((0, 1, 55, 56, 63, 64, 65, r.randint(0, 5000))))}


def theirs(q):
    when = datetime.datetime.fromtimestamp(q["seconds"], datetime.timezone.utc)
    request = AWSRequest("POST", f"https://{q['headers']['host']}{q['path']}", headers=dict(q["headers"]), data=q["body"])
    name = next(n for n in ("get_current_datetime", "datetime") if hasattr(botocore.auth, n))
    with mock.patch.object(botocore.auth, name) as clock:
        for function in (clock, clock.datetime.utcnow, clock.datetime.now):
            function.return_value = when.replace(tzinfo=None)
        botocore.auth.SigV4Auth(Credentials(q["key"], q["secret"], q["token"]), q["service"], q["region"]).add_auth(request)
    return request.headers["Authorization"]


def ours(probe, requests):
    lines = []
    for q in requests:
        when = datetime.datetime.fromtimestamp(q["seconds"], datetime.timezone.utc)
        headers = {**q["headers"], "x-amz-date": when.strftime("%Y%m%dT%H%M%SZ")}
        if q["token"]:
            headers["x-amz-security-token"] = q["token"]
        fields = (q["key"], q["secret"], q["region"], q["service"], str(q["seconds"]), q["path"], q["body"],
                  "\0".join(f"{k}:{v}" for k, v in sorted(headers.items())))
        lines += [(f if isinstance(f, bytes) else f.encode()).hex() for f in fields]
    return subprocess.run([probe], input="\n".join(lines) + "\n", text=True, capture_output=True, check=True).stdout.splitlines()


def main():
    r = random.Random(int(sys.argv[3]))
    requests = [make(r) for _ in range(int(sys.argv[2]))]
    signed = ours(sys.argv[1], requests)
    assert len(signed) == len(requests), len(signed)
    for q, got in zip(requests, signed):
        want = theirs(q)
        if got != want:
            sys.exit(f"{q}\nours:   {got}\ntheirs: {want}")
    print(len(signed))


main()
