// crash-client-go PORT [crash]: makes a request through libc, uses nil and recovers; then its C code crashes if asked.
package main

/*
#include <arpa/inet.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static void request(int port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	static const char text[] = "GET /hello HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n";
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	char answer[4096];

	if (connect(fd, (struct sockaddr *)&at, sizeof(at)) != 0 || write(fd, text, sizeof(text) - 1) < 0)
		exit(1);
	while (read(fd, answer, sizeof(answer)) > 0)
		;
	close(fd);
}

static void crash(void)
{
	*(volatile int *)16 = 1;
}
*/
import "C"

import (
	"fmt"
	"os"
	"strconv"
)

type box struct{ value int }

func use(b *box) (value int, told bool) {
	defer func() { told = recover() != nil }()
	return b.value, false
}

func main() {
	port, _ := strconv.Atoi(os.Args[1])
	told := 0
	C.request(C.int(port))
	for i := 0; i < 1000; i++ {
		if _, was := use(nil); was {
			told++
		}
	}
	fmt.Println("nil was used", told, "times")
	C.request(C.int(port))
	if len(os.Args) > 2 {
		C.crash()
	}
}
