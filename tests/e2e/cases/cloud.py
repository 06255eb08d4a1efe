"""Where a program runs: what clouds say of it in variables, files and metadata services, and that nobody else is asked."""
import json
import re
import subprocess
import sys
import threading

import metadata
from harness import ROOT, Skip, case
from xray import Datagrams

ON_EC2 = {"cloud.provider": "aws", "cloud.platform": "aws_ec2", "cloud.account.id": "123456789012", "cloud.region": "eu-west-1",
          "cloud.availability_zone": "eu-west-1b", "host.id": "i-1234567890abcdef0", "host.type": "t2.micro",
          "host.image.id": "ami-5fb8c835"}
SESSION = [["PUT", "/latest/api/token"], ["GET", "/latest/dynamic/instance-identity/document"]]


def serve(t, service):
    t.closers.append(service.server_close)
    t.closers.append(service.shutdown)
    threading.Thread(target=service.serve_forever, args=(0.05,), daemon=True).start()
    return service


def at(service):
    return {"AWS_EC2_METADATA_SERVICE_ENDPOINT": service.url + "/"}


def start(t, name="shop", before=(), **env):
    port = t.port()
    t.start(name, [*before, t.build.app("http-server-c-epoll"), port], port, agent=not before, env={
        "OTEL_EXPORTER_OTLP_ENDPOINT": t.sink.endpoint, "OTEL_SERVICE_NAME": name, "OTEL_BSP_SCHEDULE_DELAY": "200", **env})
    return port


def resource_of(t, port, **more):
    """The resource of the span of one request."""
    t.get(port, "/hello")
    return t.spans(1).all[0]["resource"]


def only(resource, keys):
    return {k: resource[k] for k in keys if k in resource}


@case("an instance of EC2's says which it is, once, and that is in all resources", agent_only=True)
def instance(t):
    service = serve(t, metadata.Instance())
    t.equal(only(resource_of(t, start(t, **at(service))), ON_EC2), ON_EC2, "attributes")
    t.equal(service.asked, SESSION, "what was asked")


@case("below remora run the relay asks for all processes, and what the user says goes before it", agent_only=True)
def relay(t):
    service = serve(t, metadata.Instance())
    port = start(t, before=[t.build.cli, "run", "-q", "--"], **at(service),
                 OTEL_RESOURCE_ATTRIBUTES="cloud.region=mine,host.id=h")
    t.get(port, "/hello")
    # One span is that of the command itself.
    for span in t.spans(2).all:
        t.equal(only(span["resource"], ON_EC2), {**ON_EC2, "cloud.region": "mine", "host.id": "h"}, "attributes")
    t.equal(service.asked, SESSION, "what was asked")


@case("a metadata service that is silent, slow, away, or refuses: spans leave all the same, and what it says late is taken",
      agent_only=True)
def troubles(t):
    for number, (trouble, got) in enumerate((("silent", {}), (401, {}), (403, {}), ("nonsense", {}), ("slow", ON_EC2), (None, {}))):
        service = serve(t, metadata.Instance(trouble=trouble))
        if trouble is None:
            service.url = f"http://127.0.0.1:{t.port()}"
        t.get(start(t, f"shop{number}", **at(service)), "/hello")
        spans = t.spans(number + 1)
        resource = spans.of(f"shop{number}")[0]["resource"]
        t.equal(only(resource, ON_EC2), got, f"{trouble}: attributes")
        t.check(trouble is None or service.asked[0] == SESSION[0], f"{trouble}: it was asked")
        t.stop()


@case("AWS_EC2_METADATA_DISABLED and REMORA_RESOURCE_DETECTORS: nobody is asked", agent_only=True)
def switched_off(t):
    service, task = serve(t, metadata.Instance()), serve(t, metadata.Task())
    for number, more in enumerate(({"AWS_EC2_METADATA_DISABLED": "true"}, {"REMORA_RESOURCE_DETECTORS": "none"},
                                   {"REMORA_RESOURCE_DETECTORS": "lambda,gcp", "ECS_CONTAINER_METADATA_URI_V4": task.url + "/v4/x"})):
        t.get(start(t, f"shop{number}", **at(service), **more), "/hello")
        resource = t.spans(number + 1).of(f"shop{number}")[0]["resource"]
        t.equal([k for k in resource if k.startswith("cloud.")], [], f"{more}: attributes")
    t.equal(service.asked + task.asked, [], "what was asked")


ON_ECS = {"cloud.provider": "aws", "cloud.platform": "aws_ecs", "cloud.account.id": "111122223333", "cloud.region": "us-west-2",
          "cloud.availability_zone": "us-west-2d", "cloud.resource_id": metadata.CONTAINER["ContainerARN"],
          "container.id": metadata.CONTAINER["DockerId"], "container.name": "shop",
          "aws.ecs.container.arn": metadata.CONTAINER["ContainerARN"], "aws.ecs.cluster.arn": metadata.ARN + "cluster/default",
          "aws.ecs.launchtype": "fargate", "aws.ecs.task.arn": metadata.TASK["TaskARN"],
          "aws.ecs.task.id": "158d1c8083dd49d6b527399fd6414f5c", "aws.ecs.task.family": "shop", "aws.ecs.task.revision": "26",
          "aws.log.group.names": ["/ecs/shop"], "aws.log.stream.names": ["ecs/shop/cd189a93"],
          "aws.log.group.arns": ["arn:aws:logs:us-west-2:111122223333:log-group:/ecs/shop:*"]}


def at_task(service):
    return {"ECS_CONTAINER_METADATA_URI_V4": service.url + "/v4/x", "AWS_EXECUTION_ENV": "AWS_ECS_FARGATE"}


@case("a container of ECS says which it is, of which task, and where its lines go", agent_only=True)
def container(t):
    service = serve(t, metadata.Task())
    t.equal(only(resource_of(t, start(t, **at_task(service))), ON_ECS), ON_ECS, "attributes")
    t.equal(service.asked, [["GET", "/v4/x"], ["GET", "/v4/x/task"]], "what was asked")


@case("X-Ray's segments say where in AWS they were made", agent_only=True)
def segments(t):
    daemon, task, ec2 = Datagrams(t), serve(t, metadata.Task()), serve(t, metadata.Instance())
    xray = {"OTEL_TRACES_EXPORTER": "xray", "AWS_XRAY_DAEMON_ADDRESS": daemon.address, "OTEL_PROPAGATORS": "xray"}
    t.get(start(t, "task", **xray, **at_task(task)), "/hello")
    t.until("a segment", lambda: len(daemon.documents) == 1)
    t.get(start(t, "instance", **xray, **at(ec2)), "/hello")
    t.until("another", lambda: len(daemon.documents) == 2)
    by = {d["name"]: d for d in daemon.documents}
    t.equal(by["task"]["origin"], "AWS::ECS::Fargate", "origin")
    t.equal(without_xray(by["task"]), {
        "account_id": "111122223333", "ecs": {
            "container": "shop", "container_id": ON_ECS["container.id"], "container_arn": ON_ECS["aws.ecs.container.arn"],
            "cluster_arn": ON_ECS["aws.ecs.cluster.arn"], "task_arn": ON_ECS["aws.ecs.task.arn"], "task_family": "shop",
            "launch_type": "fargate"},
        "cloudwatch_logs": [{"log_group": "/ecs/shop", "arn": ON_ECS["aws.log.group.arns"][0]}]}, "aws")
    t.equal(by["instance"]["origin"], "AWS::EC2::Instance", "origin")
    t.equal(without_xray(by["instance"]), {"account_id": "123456789012", "ec2": {
        "instance_id": "i-1234567890abcdef0", "availability_zone": "eu-west-1b", "instance_size": "t2.micro",
        "ami_id": "ami-5fb8c835"}}, "aws")


def without_xray(document):
    return {k: v for k, v in document["aws"].items() if k != "xray"}


def on_machine(t, dmi, **env):
    """What comes of one request on a machine that says this of itself; see on_ec2.py."""
    if subprocess.run(["unshare", "-rnm", "mount", "-t", "tmpfs", "none", "/sys"], capture_output=True).returncode:
        raise Skip("no namespaces to be had here")
    port, spans = t.port(), t.dir / "spans.json"
    spans.unlink(missing_ok=True)
    settings = {"dmi": dmi, "port": port, "spans": str(spans), "command": [str(t.build.app("http-server-c-epoll")), str(port)],
                "environment": t.environment("shop", True, {"OTEL_TRACES_EXPORTER": "otlp/file", "OTEL_EXPORTER_OTLP_FILE": spans, **env})}
    done = subprocess.run(["unshare", "-rnm", sys.executable, ROOT / "tests" / "e2e" / "on_ec2.py", json.dumps(settings)],
                          capture_output=True, text=True, timeout=120)
    t.check(done.returncode == 0, done.stderr[-2000:])
    said = json.loads(done.stdout)
    return said["asked"], said["resources"][0]


NITRO = {"class/dmi/id/sys_vendor": "Amazon EC2\n", "class/dmi/id/board_asset_tag": "i-0af01c0123456789a\n",
         "class/dmi/id/product_name": "c7g.large\n"}


@case("only a machine that says it is EC2's has its metadata service asked", ["unshare"], agent_only=True)
def machines(t):
    asked, resource = on_machine(t, {"class/dmi/id/sys_vendor": "QEMU\n", "class/dmi/id/board_asset_tag": "i-0af01c0123456789a\n"})
    t.equal((asked, "cloud.provider" in resource), ([], False), "elsewhere")
    asked, resource = on_machine(t, {})
    t.equal((asked, "cloud.provider" in resource), ([], False), "where nothing is said")
    # What the machine says of itself goes before what its service says.
    asked, resource = on_machine(t, NITRO)
    t.equal(asked, SESSION, "on EC2")
    t.equal(only(resource, ON_EC2), {**ON_EC2, "host.id": "i-0af01c0123456789a", "host.type": "c7g.large"}, "attributes")
    asked, resource = on_machine(t, NITRO, AWS_EC2_METADATA_DISABLED="true")
    t.equal((asked, resource["host.id"], resource["cloud.platform"]), ([], "i-0af01c0123456789a", "aws_ec2"), "without asking")
    asked, resource = on_machine(t, {"class/dmi/id/sys_vendor": "Xen\n", "hypervisor/uuid": "ec2e1916-9099-7caf-fd21-012345abcdef\n"})
    t.equal(asked, SESSION, "on an old instance")
    t.equal(only(resource, ON_EC2), ON_EC2, "attributes")
    t.check(not re.fullmatch("[0-9a-f]{32}", resource["host.id"]), "not the image's id")
