"""Has botocore and us seek credentials in the same settings: credentials_oracle.py PROBE FOLDER. Prints how many settings agree;
a difference is an error.

AWS is a server here: whom it gives credentials to, and of which role, is in the key that it gives, so that who finds the same key
went the same way.
"""
import hashlib
import http.server
import itertools
import json
import os
import re
import subprocess
import sys
import threading
import urllib.parse
from pathlib import Path

import botocore.exceptions
import botocore.session

UNTIL = "2099-01-01T00:00:00Z"
FILES = {"credentials": """
[default]
aws_access_key_id = AKIADEFAULT
aws_secret_access_key = hush
[keys]
aws_access_key_id = AKIAKEYS
aws_secret_access_key = hush/+=
[session]
aws_access_key_id = AKIASESSION
aws_secret_access_key = hush
aws_session_token = hushtoken
[own]
aws_access_key_id = AKIAOWN
aws_secret_access_key = hush
""", "config": """
[profile one]
role_arn = arn:aws:iam::111122223333:role/one
source_profile = keys
role_session_name = me
[profile two]
role_arn = arn:aws:iam::111122223333:role/two
source_profile = one
external_id = a b&c=d%/e
[profile three]
role_arn = arn:aws:iam::111122223333:role/three
source_profile = session
[profile own]
role_arn = arn:aws:iam::111122223333:role/own
source_profile = own
[profile instance]
role_arn = arn:aws:iam::111122223333:role/instance
credential_source = Ec2InstanceMetadata
[profile container]
role_arn = arn:aws:iam::111122223333:role/container
credential_source = EcsContainer
[profile over]
role_arn = arn:aws:iam::111122223333:role/over
source_profile = container
[profile token]
role_arn = arn:aws:iam::111122223333:role/token
web_identity_token_file = FOLDER/token of the file
[profile above]
role_arn = arn:aws:iam::111122223333:role/above
source_profile = token
[profile round]
role_arn = arn:aws:iam::111122223333:role/round
source_profile = about
[profile about]
role_arn = arn:aws:iam::111122223333:role/about
source_profile = round
[profile lost]
role_arn = arn:aws:iam::111122223333:role/lost
source_profile = nowhere
[profile refused]
role_arn = arn:aws:iam::111122223333:role/refused
source_profile = keys
[profile bare]
region = eu-west-1
"""}
PROFILES = (None, "keys", "session", "one", "two", "three", "own", "instance", "container", "over", "token", "above", "round", "lost",
            "refused", "bare", "missing")


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, text):
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def do_PUT(self):
        self.answer(200, "the-token")

    def do_GET(self):
        given = {"Code": "Success", "SecretAccessKey": "hush", "Token": "hushtoken", "Expiration": UNTIL}
        if self.path == "/pod":
            return self.answer(200, json.dumps({**given, "AccessKeyId": "ASIACONTAINER"}))
        if self.path.endswith("/security-credentials/"):
            return self.answer(200, "web-role")
        return self.answer(200, json.dumps({**given, "AccessKeyId": "ASIAINSTANCE"}))

    def do_POST(self):
        form = dict(urllib.parse.parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
        if re.fullmatch(r"(botocore-session|remora)-\d+", form.get("RoleSessionName", "")):
            form["RoleSessionName"] = "of its own"
        signed = re.search("Credential=([^/]*)/", self.headers.get("Authorization", ""))
        form["signed by"] = (signed and signed[1], self.headers.get("X-Amz-Security-Token"))
        if form["RoleArn"].endswith("refused"):
            return self.answer(403, "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>")
        key = "ASIA" + hashlib.sha256(json.dumps(form, sort_keys=True).encode()).hexdigest()[:16].upper()
        action = form["Action"]
        self.answer(200, f"""<{action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <{action}Result><Credentials><AccessKeyId>{key}</AccessKeyId><SecretAccessKey>hush</SecretAccessKey>
    <SessionToken>hush{key}</SessionToken><Expiration>{UNTIL}</Expiration></Credentials>
  </{action}Result></{action}Response>""")

    def log_message(self, *arguments):
        pass


def theirs():
    try:
        found = botocore.session.Session().get_credentials()
        return found.get_frozen_credentials().access_key if found else ""
    except botocore.exceptions.ProfileNotFound:
        return "no such profile"
    except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError):
        return ""


def ours(probe, env):
    return subprocess.run([probe], env=env, text=True, capture_output=True, check=True).stdout.split("\n")


def settings(folder, url):
    """Every choice of what may be set."""
    keys = {"AWS_ACCESS_KEY_ID": "AKIAENVIRONMENT", "AWS_SECRET_ACCESS_KEY": "hush"}
    token = {"AWS_WEB_IDENTITY_TOKEN_FILE": f"{folder}/token", "AWS_ROLE_ARN": "arn:aws:iam::111122223333:role/of-the-pod",
             "AWS_ROLE_SESSION_NAME": "pod"}
    container = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{url}/pod"}
    for profile, *chosen in itertools.product(PROFILES, ({}, keys), ({}, token), ({}, container), ("true", "false"), ("", "no-files")):
        if chosen[4] and profile not in (None, "one"):
            continue
        env = {"HOME": str(folder), "AWS_DEFAULT_REGION": "eu-central-1", "AWS_ENDPOINT_URL_STS": url, "AWS_EC2_METADATA_SERVICE_ENDPOINT": url,
               "AWS_CONFIG_FILE": f"{folder}/config{chosen[4]}", "AWS_SHARED_CREDENTIALS_FILE": f"{folder}/credentials{chosen[4]}",
               "AWS_EC2_METADATA_DISABLED": chosen[3], **chosen[0], **chosen[1], **chosen[2]}
        if profile:
            env["AWS_PROFILE"] = profile
        yield env


def main():
    folder = Path(sys.argv[2])
    for name, text in FILES.items():
        (folder / name).write_text(text.replace("FOLDER", str(folder)))
    (folder / "token").write_text("hush.eyJ.pod\n")
    (folder / "token of the file").write_text("hush.eyJ.file=&")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    count, found = 0, set()
    for env in settings(folder, f"http://127.0.0.1:{server.server_address[1]}"):
        os.environ.clear()
        os.environ.update(env)
        want, got = theirs(), ours(sys.argv[1], env)
        # botocore refuses a profile that is not there also where nothing is wanted of it.
        if want == "no such profile" and "AWS_ACCESS_KEY_ID" in env:
            want = "AKIAENVIRONMENT"
        elif want == "no such profile":
            want = ""
        if got[0] != want or "hush" in got[1] + got[2] or bool(got[2]) == bool(want):
            sys.exit(f"{env}\nours:   {got}\ntheirs: {want}")
        count += 1
        found.add(want)
    print(count, len(found))


main()
