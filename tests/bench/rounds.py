"""Rounds: each copy of a program in turn, in another order each time, so that all meet the same machine."""
import contextlib
import statistics

from subject import Subject


def start_up(program, variant, build):
    """How long a fresh copy takes to its first answer. That request counts as any other."""
    subject = Subject(program.name, build, variant)
    try:
        return program.open(subject).start_up()
    finally:
        subject.close()


def slice_of(running, rate, seconds):
    """What one copy shows in its turn."""
    found = running.saturate(seconds)
    paced = running.pace(rate, seconds)
    found["requests"] += paced.pop("requests")
    found["all"] = found["app"] + found["worker"]
    return {**found, **paced, **running.memory()}


def measure(program, variants, build, options):
    """{variant: [slice of each round]}, and {variant: (spans that came, spans that were due, bytes)}."""
    rounds = {v.name: [] for v in variants}
    requests = dict.fromkeys(rounds, 0)
    before = {v.name: v.counter.counts() for v in variants if v.counter}
    with contextlib.ExitStack() as stack:
        copies = {}
        for v in variants:
            subject = Subject(program.name, build, v)
            stack.callback(subject.close)
            copies[v.name] = program.open(subject)
        warm = {name: running.saturate(program.warm_seconds) for name, running in copies.items()}
        for name, found in warm.items():
            requests[name] += found["requests"]
        rate = max(1, int(options.share * min(found["rate"] for found in warm.values())))
        for number in range(options.rounds):
            for v in variants[number % len(variants):] + variants[:number % len(variants)]:
                found = slice_of(copies[v.name], rate, options.seconds)
                if program.has_start:
                    found["start"] = start_up(program, v, build)
                    found["requests"] += 1
                requests[v.name] += found["requests"]
                rounds[v.name].append(found)
        for running in copies.values():
            running.subject.stop()
    spans = {}
    for v in variants:
        if v.counter:
            _, came, size = (after - b for after, b in zip(v.counter.counts(), before[v.name]))
            spans[v.name] = (came, requests[v.name] * program.spans, size)
    return rounds, spans, rate


def spread(values):
    """(median, first and third quartile)"""
    if len(values) < 2:
        return (values[0],) * 3
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return middle, low, high


RATIOS = ("rate", "app", "all", "paced", "p50", "p99")
DIFFERENCES = ("rss", "pss", "start")


def compare(rounds, spans, base):
    """For each other variant, the median and the spread of what it shows against `base` in the same round."""
    results = {}
    for name in rounds:
        if name == base:
            continue
        pairs = list(zip(rounds[name], rounds[base]))
        row = {}
        for key in RATIOS + DIFFERENCES:
            both = [(mine[key], theirs[key]) for mine, theirs in pairs if mine.get(key) and theirs.get(key)]
            if both:
                row[key] = spread([mine / theirs if key in RATIOS else mine - theirs for mine, theirs in both])
        row["worker"] = spread([mine["worker"] / theirs["all"] for mine, theirs in pairs])
        if name in spans:
            row["spans"], row["due"], row["bytes"] = spans[name]
        results[name] = row
    results[base] = {key: spread([r[key] for r in rounds[base] if r.get(key)]) for key in RATIOS + DIFFERENCES
                     if any(r.get(key) for r in rounds[base])}
    return results
