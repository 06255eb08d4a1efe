"""AWS credentials: roles, by a token or by other credentials. Who gives them is moto's STS, and botocore says which are to be found."""
import subprocess
import urllib.request

from cloudwatch import PACKAGES, SECRET, Moto, asked_lines, no_secret, start_shop
from fetched import pypi
from harness import ROOT, case


@case("the same credentials are found as by botocore, whatever is set: keys, profiles, roles, tokens, endpoints")
def as_botocore(t):
    python = pypi("cloudwatch", *PACKAGES) / "python3"
    done = subprocess.run([python, ROOT / "tests" / "e2e" / "credentials_oracle.py", t.build.find("credentials_probe"), t.dir],
                          capture_output=True, text=True, timeout=400)
    t.check(done.returncode == 0, f"botocore finds the same: {done.stdout[-1500:]}{done.stderr[-1500:]}")
    count, found = map(int, done.stdout.split())
    t.check(count >= 250 and found >= 15, f"settings {count}, different answers {found}")


def role_settings(t, moto, **more):
    """Those of moto's without keys: who is nobody yet."""
    return {"AWS_ENDPOINT_URL": moto.who["url"], "HOME": str(t.dir), **more}


def lines(moto):
    return sum(len(events) for streams in moto.held().values() for events in streams.values())


def arrives(t, moto, settings):
    port = start_shop(t, settings)
    for count in (6, 12):
        asked_lines(t, port, 2)
        t.until("the lines are with moto, which knows who signed", lambda: lines(moto) >= count)
        # From now on, if not before.
        verify_all_but(moto, 0)
    no_secret(t, moto.who["secret"], "hush.eyJ")


def verify_all_but(moto, count):
    """How many of the next calls moto takes from anybody. It has no other way to take one that is not signed at all."""
    urllib.request.urlopen(urllib.request.Request(moto.who["url"] + "/moto-api/reset-auth", str(count).encode(),
                                                  {"Content-Type": "text/plain"})).read()


@case("a pod's token is changed for the credentials of its role, by which moto takes the lines", ["gunicorn"], agent_only=True)
def web_identity(t):
    moto = Moto(t)
    token = t.dir / "token"
    token.write_text("hush.eyJhbGciOiJub25lIn0.x\n")
    verify_all_but(moto, 1000)
    arrives(t, moto, role_settings(t, moto, AWS_WEB_IDENTITY_TOKEN_FILE=str(token), AWS_ROLE_ARN=moto.who["role"]))


def write_files(t, credentials="", config=""):
    (t.dir / ".aws").mkdir(exist_ok=True)
    (t.dir / ".aws" / "credentials").write_text(credentials)
    (t.dir / ".aws" / "config").write_text(config)


@case("a profile takes its role with another one's keys, and moto takes the lines by it", ["gunicorn"], agent_only=True)
def role_of_profile(t):
    moto = Moto(t)
    write_files(t, f"[keys]\naws_access_key_id={moto.who['key']}\naws_secret_access_key={moto.who['secret']}\n",
                f"[profile shop]\nrole_arn={moto.who['role']}\nsource_profile=keys\n")
    arrives(t, moto, role_settings(t, moto, AWS_PROFILE="shop"))


@case("what cannot be done with a profile is said, and nobody else is taken in its place")
def refused(t):
    write_files(t, f"[keys]\naws_access_key_id=AKID\naws_secret_access_key={SECRET}\n", """
[profile process]
credential_process = /bin/false
[profile sso]
sso_session = x
[profile mfa]
role_arn = arn:aws:iam::1:role/x
source_profile = keys
mfa_serial = arn:aws:iam::1:mfa/me
[profile alone]
role_arn = arn:aws:iam::1:role/x
[profile kind]
role_arn = arn:aws:iam::1:role/x
credential_source = Elsewhere
[profile round]
role_arn = arn:aws:iam::1:role/x
source_profile = about
[profile about]
role_arn = arn:aws:iam::1:role/x
source_profile = round
[profile over]
role_arn = arn:aws:iam::1:role/x
source_profile = process
[profile away]
role_arn = arn:aws:iam::1:role/x
source_profile = keys
""")
    away = f"http://127.0.0.1:{t.port()}"
    for profile, words, final in (
            ("process", "is not run: no program is started inside another one", True), ("sso", "which is not done here", True),
            ("mfa", "mfa_serial", True), ("alone", "neither source_profile nor credential_source", True),
            ("kind", "is none of Environment", True), ("round", "go round", True), ("over", "profile process is not run", True),
            ("nobody", "there is no profile nobody", True), ("away", "cannot be asked for the role of profile away", False)):
        said = t.run("probe", [t.build.find("credentials_probe")], agent=False, env={
            "HOME": str(t.dir), "AWS_PROFILE": profile, "AWS_ENDPOINT_URL_STS": away,
            "AWS_EC2_METADATA_SERVICE_ENDPOINT": away}).split("\n")
        t.check(said[0] == "" and words in said[2] and said[3] == ("final" if final else ""), f"{profile}: {said}")
    for more, words in (({"AWS_WEB_IDENTITY_TOKEN_FILE": "/nonexistent", "AWS_ROLE_ARN": "arn:x"}, "cannot be read"),
                        ({"AWS_WEB_IDENTITY_TOKEN_FILE": "/nonexistent"}, "but not AWS_ROLE_ARN")):
        said = t.run("probe", [t.build.find("credentials_probe")], agent=False, env={"HOME": "/nonexistent", **more})
        t.check(words in said, said)
