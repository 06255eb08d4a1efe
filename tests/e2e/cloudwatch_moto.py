"""CloudWatch Logs by moto, which verifies each signature. Says where it is and whom it knows, as a line of JSON; for each line of
input it says what it holds: {group: {stream: [[time in ms, message], ...]}}.
"""
import json
import os
import sys

# So many calls are not verified: those that make the user and the role.
os.environ.update(AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test", AWS_DEFAULT_REGION="us-east-1",
                  INITIAL_NO_AUTH_ACTION_COUNT="6")

import boto3  # noqa: E402
from moto.server import ThreadedMotoServer  # noqa: E402

POLICY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "logs:*", "Resource": "*"}]}


def held(logs):
    found = {}
    for group in logs.describe_log_groups()["logGroups"]:
        name = group["logGroupName"]
        streams = found[name] = {}
        for stream in logs.describe_log_streams(logGroupName=name)["logStreams"]:
            events = logs.get_log_events(logGroupName=name, logStreamName=stream["logStreamName"], startFromHead=True)["events"]
            streams[stream["logStreamName"]] = [[e["timestamp"], e["message"]] for e in events]
    return found


def main():
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    iam = boto3.client("iam", endpoint_url=url)
    user = iam.create_user(UserName="remora")["User"]["Arn"]
    iam.put_user_policy(UserName="remora", PolicyName="logs", PolicyDocument=json.dumps(POLICY))
    key = iam.create_access_key(UserName="remora")["AccessKey"]
    iam.put_user_policy(UserName="remora", PolicyName="roles", PolicyDocument=json.dumps({**POLICY, "Statement": [
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}]}))
    role = iam.create_role(RoleName="shop", AssumeRolePolicyDocument=json.dumps({**POLICY, "Statement": [
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": user}}]}))["Role"]["Arn"]
    iam.put_role_policy(RoleName="shop", PolicyName="logs", PolicyDocument=json.dumps(POLICY))
    logs = boto3.client("logs", endpoint_url=url, aws_access_key_id=key["AccessKeyId"],
                        aws_secret_access_key=key["SecretAccessKey"])
    print(json.dumps({"url": url, "key": key["AccessKeyId"], "secret": key["SecretAccessKey"], "role": role}), flush=True)
    for _ in sys.stdin:
        print(json.dumps(held(logs)), flush=True)
    server.stop()


main()
