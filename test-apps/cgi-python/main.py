#!/usr/bin/env python3
"""A CGI program: /call asks the backend, /status/NNN answers so."""
import os
import urllib.request

path, _, query = os.environ["REQUEST_URI"].partition("?")
if path == "/call":
    with urllib.request.urlopen(f"{os.environ['BACKEND']}/hello?{query}") as answer:
        body = answer.read().decode()
    print("Content-Type: text/plain\n\n" + body, end="")
else:
    print(f"Status: {path.rsplit('/', 1)[1]} As asked\nContent-Type: text/plain\n")
