"""main.py URL COUNT: fetches it with httpx over one kept-alive connection, synchronously."""
import sys

import httpx

with httpx.Client() as client:
    for _ in range(int(sys.argv[2])):
        print(client.get(sys.argv[1]).text, end="")
