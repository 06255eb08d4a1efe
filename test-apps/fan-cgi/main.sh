#!/bin/sh
# A CGI script: one to three calls that repeat the request's number.
number=${PATH_INFO#/}
calls=$((number % 3 + 1))
while [ $calls -gt 0 ]; do
	calls=$((calls - 1))
	curl -sS -o /dev/null "$FAR/call/$number/$calls" || exit 1
done
printf 'Content-Type: text/plain\r\nContent-Length: 5\r\n\r\nnear\n'
