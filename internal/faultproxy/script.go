package faultproxy

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"testing"
)

// A Script answers requests in a server's place: it returns the whole reply, and may pass the request on to have the server's.
type Script func(words []string, pass func() []byte) []byte

// Play listens on the loopback interface until the test ends, and answers by the script. Of a connection one request is on its way at a
// time. What a server sends without being asked, as it does after MONITOR, does not come through.
func Play(t testing.TB, server string, script Script) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	p := &Proxy{conns: map[net.Conn]bool{}}
	wg.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			behind, err := net.Dial("tcp", server)
			if err != nil {
				client.Close()
				continue
			}
			if p.keep(client) && p.keep(behind) {
				wg.Go(func() { p.play(client, behind, script) })
			}
		}
	})
	t.Cleanup(func() {
		l.Close()
		p.mu.Lock()
		p.ended = true
		p.mu.Unlock()
		p.Reset()
		wg.Wait()
	})
	return l.Addr().String()
}

func (p *Proxy) play(client, server net.Conn, script Script) {
	defer p.drop(client)
	defer p.drop(server)
	in, replies := bufio.NewReader(client), bufio.NewReader(server)
	for {
		raw, err := item(in)
		if err != nil {
			return
		}
		words, _ := request(raw)
		reply := script(words, func() []byte {
			if _, err := server.Write(raw); err != nil {
				return nil
			}
			reply, _ := item(replies) // what is cut is passed on as far as it goes
			return reply
		})
		if _, err := client.Write(reply); err != nil || len(reply) == 0 {
			return
		}
	}
}

// item reads one whole request or reply, as it stands.
func item(r *bufio.Reader) ([]byte, error) {
	line, err := r.ReadBytes('\n')
	if err != nil || len(line) < 3 {
		return line, err
	}
	n, _ := strconv.Atoi(string(bytes.TrimSpace(line[1:])))
	switch line[0] {
	case '$':
		if n < 0 {
			return line, nil
		}
		body := make([]byte, n+2)
		_, err := io.ReadFull(r, body)
		return append(line, body...), err
	case '*':
		for range n {
			part, err := item(r)
			line = append(line, part...)
			if err != nil {
				return line, err
			}
		}
	}
	return line, nil
}

// Bulk returns a text as a reply.
func Bulk(text string) []byte { return fmt.Appendf(nil, "$%d\r\n%s\r\n", len(text), text) }
