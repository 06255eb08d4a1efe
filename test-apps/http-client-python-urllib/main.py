"""main.py URL COUNT: fetches it with urllib, a new connection each time."""
import sys
import urllib.request

for _ in range(int(sys.argv[2])):
    with urllib.request.urlopen(sys.argv[1]) as answer:
        print(answer.read().decode(), end="")
