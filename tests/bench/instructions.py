"""Instructions a request takes, counted by valgrind: of two runs that differ in the number of requests, the difference."""
import re
import sys

from kinds import Client
from subject import Subject

FEW, MANY, RATE = 200, 1000, 500


def counted(folder):
    """(of the first threads, of all others) of the processes that left their counts here."""
    first = others = 0
    for file in folder.glob("counts.*"):
        found = re.search(r"^(?:summary|totals): (\d+)", file.read_text(errors="replace"), re.M)
        if found and file.suffix != "" and "-" in file.name:
            if file.name.endswith("-01"):
                first += int(found[1])
            else:
                others += int(found[1])
    return first, others


def of_run(program, variant, build, count):
    subject = Subject(program.name, build, variant)
    subject.prefix = ("valgrind", "-q", "--tool=callgrind", "--separate-threads=yes", "--trace-children=yes",
                      f"--callgrind-out-file={subject.dir}/counts.%p")
    try:
        running = program.open(subject)
        if isinstance(program, Client):
            running.run(program.argv(running.server, count))
        else:
            program.load_paced(running, RATE, count / RATE)
        subject.stop()
        return counted(subject.dir)
    finally:
        subject.close()


def per_request(program, variant, build):
    """(of the program's own thread, of all its others) for one request."""
    few, many = (of_run(program, variant, build, count) for count in (FEW, MANY))
    return tuple((m - f) / (MANY - FEW) for m, f in zip(many, few))


def add(program, variants, build, results, base):
    """Puts "instructions" into the rows: of the base its own, of the others what they add."""
    if not getattr(program, "instructions", False):
        return
    bare, _ = per_request(program, next(v for v in variants if v.name == base), build)
    results[base]["instructions"] = bare
    for variant in variants:
        if variant.name == "Remora":
            app, worker = per_request(program, variant, build)
            results[variant.name]["instructions"] = app - bare
            results[variant.name]["worker_instructions"] = worker
            print(f"{program.name}: {worker:,.0f} instructions of the worker for each request", file=sys.stderr)
