#!/usr/bin/env python3
"""Checks the direction of includes: what each folder may include of the others' headers.

Anything not listed is an error.
Usage: layers.py SOURCE_ROOT
"""
import re
import sys
from pathlib import Path

# Folder: what it may include besides its own headers. A name ending in / is a whole folder.
MAY = {
    "base": [],
    "stack": ["base/"],
    "protocols": ["base/"],
    "logs": ["base/"],
    # The worker reaches the exporting object through the one table of functions of pipeline.h.
    "agent": ["base/", "protocols/", "logs/", "stack/registers.h", "stack/stack.h", "exporters/pipeline.h"],
    "adapters": ["base/", "agent/adapter_api.h", "agent/tls.h"],
    "hooks": ["base/", "adapters/adapters.h", "agent/adapter_api.h", "agent/alive.h", "agent/carry.h", "agent/crash.h", "agent/datagram.h", "agent/hookapi.h", "agent/http3.h", "agent/local.h", "agent/lookup.h",
              "agent/throws.h", "agent/tls.h", "agent/tls_map.h", "agent/turn.h"],
    "exporters": ["base/", "agent/cloud.h", "agent/cloud_files.h", "agent/telemetry.h", "agent/record.h", "agent/exporter.h",
                  "agent/otlp_wire.h", "agent/log_record.h", "agent/rules.h", "logs/", "stack/places.h"],
    "relay": ["base/", "agent/telemetry.h", "agent/record.h", "agent/relay_proto.h",
              "agent/exporter.h", "exporters/collect.h", "exporters/pipeline.h", "exporters/otlp_json.h",
              "exporters/otlp_logs.h", "exporters/places.h"],
    "cli": ["base/", "relay/", "protocols/", "adapters/versions.h", "agent/config.h", "agent/over_http.h", "agent/resource.h",
            "agent/relay_proto.h", "agent/record.h", "agent/rules_file.h", "agent/sampler.h",
            "exporters/check/check.h", "exporters/pipeline.h", "exporters/registry.h", "hooks/hook_names.h",
            "hooks/import_names.h"],
}
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.MULTILINE)


def violations(root):
    for folder, allowed in MAY.items():
        for path in sorted((root / folder).rglob("*")):
            if path.suffix not in (".c", ".h", ".S", ".in"):
                continue
            for name in INCLUDE.findall(path.read_text()):
                # A name without a folder is a file that the build writes for this one.
                if "/" not in name or name.startswith(folder + "/"):
                    continue
                if not any(name == a or (a.endswith("/") and name.startswith(a)) for a in allowed):
                    yield f"{path.relative_to(root)}: {folder} may not include {name}"


def main():
    found = list(violations(Path(sys.argv[1])))
    print("\n".join(found))
    sys.exit(1 if found else 0)


main()
