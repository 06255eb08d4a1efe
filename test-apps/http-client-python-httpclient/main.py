"""main.py URL COUNT: fetches it with http.client over one connection."""
import http.client
import sys
from urllib.parse import urlsplit

url = urlsplit(sys.argv[1])
connection = http.client.HTTPConnection(url.netloc)
for _ in range(int(sys.argv[2])):
    connection.request("GET", url.path + ("?" + url.query if url.query else ""))
    print(connection.getresponse().read().decode(), end="")
