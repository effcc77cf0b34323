package server_test

import (
	"fmt"
	"strings"
	"testing"
)

// Requests are read ahead and warmed: whatever stops a batch in the middle, each is answered once, in order.
func TestRequestsReadAhead(t *testing.T) {
	addr, _ := start(t)
	c, other := dial(t, addr), dial(t, addr)
	c.send("SET a 1\r\nBLPOP q 0\r\nINCR a\r\nZADD z 1 x\r\nZRANK z x\r\nHSET h f v\r\nHGET h f\r\nBLPOP q 0\r\nINCR a\r\nPING\r\n")
	c.expect("+OK\r\n")
	other.send("RPUSH q one\r\n")
	other.expect(":1\r\n")
	c.expect("*2\r\n$1\r\nq\r\n$3\r\none\r\n:2\r\n:1\r\n:0\r\n:1\r\n$1\r\nv\r\n")
	other.send("RPUSH q two\r\n")
	other.expect(":1\r\n")
	c.expect("*2\r\n$1\r\nq\r\n$3\r\ntwo\r\n:3\r\n+PONG\r\n")
}

func TestErrorBehindRequestsReadAhead(t *testing.T) {
	addr, _ := start(t)
	c := dial(t, addr)
	c.send(strings.Repeat("INCR n\r\n", 20) + "*1\r\n!\r\n")
	for i := range 20 {
		c.expect(fmt.Sprintf(":%d\r\n", i+1))
	}
	c.expect("-ERR Protocol error: expected '$', got '!'\r\n")
	c.expectClosed()
}

// What a guest may ask for is little until it has said who it is, and much from the next request on.
func TestPasswordWithRequestsBehind(t *testing.T) {
	addr, _ := start(t, [2]string{"requirepass", "secret"})
	c := dial(t, addr)
	long := "*14\r\n$3\r\nDEL\r\n" + strings.Repeat("$1\r\nk\r\n", 13)
	c.send("AUTH secret\r\n" + long + "PING\r\n")
	c.expect("+OK\r\n:0\r\n+PONG\r\n")
	c.send("PING\r\nRESET\r\n" + long)
	c.expect("+PONG\r\n+RESET\r\n-ERR Protocol error: unauthenticated multibulk length\r\n")
	c.expectClosed()
}
