"""main.py URL COUNT: fetches it in one requests session."""
import sys

import requests

with requests.Session() as session:
    for _ in range(int(sys.argv[2])):
        print(session.get(sys.argv[1]).text, end="")
