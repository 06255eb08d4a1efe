"""AWS's X-Ray SDK for Python decides by random rules what rules_probe decides by the same, and both must agree.

Rates are 0 or 1, so that only rules, quotas and loans decide, which are no matter of chance; time is what the test says.
Usage, with an interpreter that has aws-xray-sdk: rules_oracle.py RULES_PROBE ROUNDS SEED
"""
import json
import random
import subprocess
import sys
import time
from datetime import datetime, timezone

clock = [0]
time.time = lambda: clock[0]

from aws_xray_sdk.core.sampling import connector, sampler  # noqa: E402
from aws_xray_sdk.core.sampling.local.sampler import LocalSampler  # noqa: E402

connector.ServiceConnector._create_xray_client = lambda *_: None  # the test's own is put in its place

SERVICES = ["shop", "Shop", "stock", "backend-flask"]
TYPES = ["AWS::EC2::Instance", "AWS::ECS::Container", "AWS::ElasticBeanstalk::Environment", None]
HOSTS = ["shop.example", "api.shop.example", "localhost", "10.0.0.1"]
METHODS = ["GET", "POST", "put"]
PATHS = ["/", "/api/activities/home", "/api/activities", "/health", "/a/b/c", "/API/x"]


def some_pattern(dice, texts):
    text = dice.choice([t for t in texts if t])
    kind = dice.randrange(7)
    if kind == 0:
        return text
    if kind == 1:
        return text.upper()
    if kind == 2:
        at = dice.randrange(len(text))
        return text[:at] + "?" + text[at + 1:]
    if kind == 3:
        at = dice.randrange(len(text) + 1)
        return text[:at] + "*"
    if kind == 4:
        a, b = sorted(dice.randrange(len(text) + 1) for _ in range(2))
        return text[:a] + "*" + text[b:]
    return "*"


def some_rules(dice):
    records = []
    for i in range(dice.randrange(8)):
        rule = {
            "RuleName": f"rule{dice.randrange(12)}-{i}", "ResourceARN": dice.choice(["*"] * 9 + ["arn:aws:x"]),
            "Priority": dice.randrange(1, 5), "FixedRate": dice.choice([0.0, 0.0, 1.0]),
            "ReservoirSize": dice.choice([0, 1, 5]), "ServiceName": some_pattern(dice, SERVICES),
            "ServiceType": some_pattern(dice, TYPES), "Host": some_pattern(dice, HOSTS),
            "HTTPMethod": some_pattern(dice, METHODS), "URLPath": some_pattern(dice, PATHS),
            "Version": dice.choice([1] * 9 + [2]), "Attributes": dice.choice([{}] * 9 + [{"a": "b"}]),
        }
        records.append({"SamplingRule": rule, "CreatedAt": 0.0, "ModifiedAt": 1.5e9})
    if dice.randrange(4):
        rule = {"RuleName": "Default", "ResourceARN": "*", "Priority": 10000, "FixedRate": dice.choice([0.0, 1.0]),
                "ReservoirSize": 1, "ServiceName": "*", "ServiceType": "*", "Host": "*", "HTTPMethod": "*",
                "URLPath": "*", "Version": 1, "Attributes": {}}
        records.append({"SamplingRule": rule})
    dice.shuffle(records)
    return {"SamplingRuleRecords": records, "NextToken": None}


def some_targets(dice, names):
    documents = []
    for name in names:
        document = {"RuleName": name, "FixedRate": dice.choice([0.0, 0.0, 1.0])}
        if dice.randrange(4):
            document.update(ReservoirQuota=dice.randrange(4), ReservoirQuotaTTL=clock[0] + dice.randrange(-1, 6),
                            Interval=10)
        documents.append(document)
    return {"SamplingTargetDocuments": documents, "LastRuleModification": 1.5e9, "UnprocessedStatistics": []}


def some_local(dice):
    version = dice.choice([1, 2])
    host = "host" if version == 2 else "service_name"
    rules = [{"description": "d", host: some_pattern(dice, HOSTS), "http_method": some_pattern(dice, METHODS),
              "url_path": some_pattern(dice, PATHS), "fixed_target": dice.randrange(3),
              "rate": dice.choice([0, 1.0])} for _ in range(dice.randrange(5))]
    return {"version": version, "rules": rules, "default": {"fixed_target": dice.randrange(3), "rate": 0}}


class Service:
    """The service behind the SDK's connector: it answers what it is told to."""

    def __init__(self):
        self.rules = self.targets = self.reported = None

    def get_sampling_rules(self):
        return self.rules

    def get_sampling_targets(self, SamplingStatisticsDocuments):
        self.reported = SamplingStatisticsDocuments

        def moment(seconds):
            return datetime.fromtimestamp(seconds, timezone.utc)
        documents = [{**d, **({"ReservoirQuotaTTL": moment(d["ReservoirQuotaTTL"])} if "ReservoirQuotaTTL" in d else {})}
                     for d in self.targets["SamplingTargetDocuments"]]
        return {"SamplingTargetDocuments": documents, "LastRuleModification": moment(1.5e9)}


def the_sdk(service):
    ours = sampler.DefaultSampler()
    ours._started = True  # no threads: the test polls
    ours._connector._xray_client = service
    return ours


def play(dice, lines, want):
    """One program's life: what goes to the probe, and what the SDK says to it."""
    service = Service()
    sdk = the_sdk(service)
    clock[0] = 1700000000 + dice.randrange(1000)
    if dice.randrange(2):
        local = some_local(dice)
        sdk.load_local_rules(local)
        lines.append("local\t" + json.dumps(local))
    else:
        sdk._local_sampler = LocalSampler()
        local = {"version": 2, "default": {"fixed_target": 1, "rate": 0}}
        sdk.load_local_rules(local)
        lines.append("local\t" + json.dumps(local))
    for _ in range(dice.randrange(1, 40)):
        step = dice.randrange(20)
        if step == 0:
            clock[0] += dice.choice([2, 2, 2, 4000])
            service.rules = some_rules(dice)
            rules = sdk._connector.fetch_sampling_rules()
            if rules:  # as its poller has it
                sdk._cache.load_rules(rules)
                sdk._cache.last_updated = clock[0]
                lines.append(f"rules\t{clock[0]}\t" + json.dumps(service.rules))
        elif step == 1:
            service.targets = some_targets(dice, [r.name for r in sdk._cache.rules] + ["unknown"])
            used = [r for r in sdk._cache.rules if r.ever_matched()]
            targets, _ = sdk._connector.fetch_sampling_target(used)
            sdk._cache.load_targets(targets)
            lines.append(f"report\t{clock[0]}")
            want.append({d["RuleName"]: (d["RequestCount"], d["SampledCount"], d["BorrowCount"])
                         for d in service.reported})
            lines.append("targets\t" + json.dumps(service.targets))
        elif step < 5:
            clock[0] += dice.choice([1, 1, 1, 2, 10])
        else:
            request = {"service": dice.choice(SERVICES), "service_type": dice.choice(TYPES), "host": dice.choice(HOSTS),
                       "method": dice.choice(METHODS), "path": dice.choice(PATHS)}
            for key in request:
                if dice.randrange(12) == 0:
                    request[key] = None
            for _ in range(dice.choice([1, 1, 3])):
                decision = sdk.should_trace(dict(request))
                want.append((1 if decision else 0, decision if isinstance(decision, str) else None))
                lines.append("\t".join(["ask", str(clock[0])] + [request[k] or "-" for k in request]))


def check(said, want):
    """What is wrong, if anything is."""
    if isinstance(want, dict):
        got = {d["RuleName"]: (d["RequestCount"], d["SampledCount"], d["BorrowCount"])
               for d in json.loads(said)["SamplingStatisticsDocuments"]}
        return got == want
    sampled, rule = said.split("\t")
    # The SDK names the rule of what it takes; of what it does not take it says nothing.
    return int(sampled) == want[0] and (want[1] is None or rule == want[1])


def main():
    probe, rounds, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    lines, want, first = [], [], []
    for n in range(rounds):
        first.append((len(lines), len(want)))
        lines.append("reset")
        play(random.Random(seed + n), lines, want)
    done = subprocess.run([probe], input="\n".join(lines) + "\n", capture_output=True, text=True, check=True)
    got = done.stdout.splitlines()
    for i, wanted in enumerate(want):
        if i < len(got) and check(got[i], wanted):
            continue
        n = max(n for n in range(rounds) if first[n][1] <= i)
        end = first[n + 1][0] if n + 1 < rounds else len(lines)
        print("\n".join(lines[first[n][0]:end]))
        print(f"seed {seed + n}, answer {i - first[n][1]}: {got[i] if i < len(got) else 'none'}, the SDK's {wanted}")
        sys.exit(1)
    print(len(want))


main()
