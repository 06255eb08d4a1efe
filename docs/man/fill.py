#!/usr/bin/env python3
"""Writes remora.1: the template with the variables as `remora list env --man` prints them.

Usage: fill.py TEMPLATE REMORA VERSION OUTPUT
"""
import subprocess
import sys
from pathlib import Path

template, remora, version, output = sys.argv[1:]
rows = subprocess.run([remora, "list", "env", "--man"], check=True, text=True,
                      stdout=subprocess.PIPE).stdout
text = Path(template).read_text(encoding="utf-8")
Path(output).write_text(text.replace("@VERSION@", version).replace("@ENVIRONMENT@\n", rows),
                        encoding="utf-8")
