"""main.py URL COUNT...: fetches it COUNT times at once, for each COUNT, each in a stream of one HTTP/3 connection."""
import sys

import pycurl

PIPE_MULTIPLEX, HTTP_3_ONLY, IS_HTTP_3 = 2, 31, 30


def handle(url):
    curl = pycurl.Curl()
    curl.parts = []
    for option, value in ((pycurl.URL, url), (pycurl.HTTP_VERSION, HTTP_3_ONLY), (pycurl.PIPEWAIT, 1),
                          (pycurl.SSL_VERIFYPEER, 0), (pycurl.SSL_VERIFYHOST, 0),
                          (pycurl.WRITEFUNCTION, curl.parts.append)):
        curl.setopt(option, value)
    return curl


def main(url, counts):
    multi = pycurl.CurlMulti()
    multi.setopt(pycurl.M_PIPELINING, PIPE_MULTIPLEX)
    multi.setopt(pycurl.M_MAX_HOST_CONNECTIONS, 1)
    for count in counts:
        handles = [handle(url) for _ in range(count)]
        for curl in handles:
            multi.add_handle(curl)
        while multi.perform()[1]:
            multi.select(1.0)
        for curl in handles:
            if curl.getinfo(pycurl.INFO_HTTP_VERSION) != IS_HTTP_3:
                sys.exit(curl.errstr())
            sys.stdout.write(b"".join(curl.parts).decode())
            multi.remove_handle(curl)


main(sys.argv[1], [int(count) for count in sys.argv[2:]])
