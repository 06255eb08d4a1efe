"""Metadata services of AWS: that of an EC2 instance, version 2, and that of a task of ECS, version 4."""
import http.server
import json
import time

DOCUMENT = {"accountId": "123456789012", "architecture": "x86_64", "availabilityZone": "eu-west-1b", "imageId": "ami-5fb8c835",
            "instanceId": "i-1234567890abcdef0", "instanceType": "t2.micro", "pendingTime": "2026-11-19T16:32:11Z",
            "privateIp": "10.158.112.84", "region": "eu-west-1", "version": "2017-09-30", "billingProducts": None}
ARN = "arn:aws:ecs:us-west-2:111122223333:"
CONTAINER = {"DockerId": "cd189a933e5849daa93386466019ab50-2495160603", "Name": "shop", "DockerName": "shop", "Image": "shop:7",
             "Labels": {"com.amazonaws.ecs.cluster": "default"}, "DesiredStatus": "RUNNING",
             "ContainerARN": ARN + "container/default/158d1c8083dd49d6b527399fd6414f5c/05966557-f16c-49cb-9352-24b3a0dcd0e1",
             "LogOptions": {"awslogs-group": "/ecs/shop", "awslogs-region": "us-west-2", "awslogs-stream": "ecs/shop/cd189a93"},
             "LogDriver": "awslogs"}
TASK = {"Cluster": "default", "TaskARN": ARN + "task/default/158d1c8083dd49d6b527399fd6414f5c", "Family": "shop", "Revision": "26",
        "DesiredStatus": "RUNNING", "Containers": [CONTAINER], "AvailabilityZone": "us-west-2d", "LaunchType": "FARGATE"}


class Service(http.server.ThreadingHTTPServer):
    """What it was asked is in `asked`. `trouble`: "silent", as where a packet has too many hops to go, "slow", or a status."""
    daemon_threads = True

    def __init__(self, address=("127.0.0.1", 0), trouble=None):
        self.asked, self.trouble = [], trouble
        super().__init__(address, type("Handler", (Handler,), {"answer": self.answer}))
        self.url = f"http://127.0.0.1:{self.server_address[1]}"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        service = self.server
        service.asked.append([self.command, self.path])
        if service.trouble == "silent":
            return time.sleep(30)
        if service.trouble == "slow":
            time.sleep(0.4)
        status, said = self.answer(self.command, self.path, self.headers)
        body = (said if isinstance(said, str) else json.dumps(said, indent=2)).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_PUT = do_GET

    def log_message(self, *arguments):
        pass


class Instance(Service):
    def answer(self, command, path, headers):
        if command == "PUT":
            is_good = path == "/latest/api/token" and headers.get("X-aws-ec2-metadata-token-ttl-seconds") == "21600"
            return (403, "") if self.trouble == 403 else (200, "the-token") if is_good else (400, "")
        if headers.get("X-aws-ec2-metadata-token") != "the-token" or self.trouble == 401:
            return 401, ""
        if self.trouble == "nonsense":
            return 200, "<html>"
        return (200, DOCUMENT) if path == "/latest/dynamic/instance-identity/document" else (404, "")


class Task(Service):
    def answer(self, command, path, headers):
        return {"/v4/x": (200, CONTAINER), "/v4/x/task": (200, TASK)}.get(path, (404, ""))
