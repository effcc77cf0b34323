package cmd

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
)

// serveFake listens on a free port and behaves as kind says:
//
//	refused   nothing listens
//	noauth    a Redis that asks for a password
//	silent    accepts and never answers
//	http      something else than a Redis
//	dying     a Redis whose process dies after a few pages of a scan
func serveFake(kind string) (addr string, stop func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	addr = l.Addr().String()
	f := &fake{kind: kind, listener: l}
	switch kind {
	case "refused":
		return addr, func() {}, l.Close()
	case "noauth", "silent", "http", "dying":
	default:
		return "", nil, fmt.Errorf("no fake %q", kind)
	}
	go f.serve()
	return addr, func() { l.Close() }, nil
}

type fake struct {
	kind     string
	listener net.Listener
}

func (f *fake) serve() {
	pages := make(chan int, 1)
	pages <- 0
	for {
		c, err := f.listener.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			in := bufio.NewReader(c)
			for {
				command, err := readCommand(in)
				if err != nil {
					return
				}
				reply := f.reply(command, pages)
				if reply == "" {
					f.listener.Close()
					return
				}
				if _, err := io.WriteString(c, reply); err != nil {
					return
				}
			}
		}()
	}
}

// reply answers one command; "" closes the connection and the server.
func (f *fake) reply(command []string, pages chan int) string {
	switch f.kind {
	case "noauth":
		return "-NOAUTH Authentication required.\r\n"
	case "http":
		return "HTTP/1.1 400 Bad Request\r\n\r\n"
	case "silent":
		select {}
	}
	switch strings.ToUpper(command[0]) {
	case "SCAN":
		n := <-pages
		pages <- n + 1
		if n >= pagesOfDying {
			return ""
		}
		return page(n)
	case "HELLO":
		return "-ERR unknown command 'HELLO'\r\n"
	case "PING":
		return "+PONG\r\n"
	case "DBSIZE":
		return ":1000\r\n"
	case "INFO":
		return bulk("# Server\r\nredis_version:7.0.15\r\nredis_mode:standalone\r\nos:Linux\r\n# Memory\r\nused_memory:2000000\r\n# Keyspace\r\ndb0:keys=1000,expires=0,avg_ttl=0\r\n")
	case "TYPE":
		return "+string\r\n"
	case "PTTL":
		return ":-1\r\n"
	case "MEMORY":
		return ":72\r\n"
	case "OBJECT":
		return bulk("embstr")
	case "STRLEN":
		return ":3\r\n"
	case "COMMAND", "CONFIG", "ACL":
		return "*0\r\n"
	case "TIME":
		return "*2\r\n" + bulk("1768478400") + bulk("0")
	case "RANDOMKEY":
		return bulk("user:1")
	}
	return "+OK\r\n"
}

// pagesOfDying are more than an adapter reads to find out what it may do.
const pagesOfDying = 8

// page is a page of a scan: a cursor that is not the last, and keys.
func page(n int) string {
	const keys = 100
	var b strings.Builder
	fmt.Fprintf(&b, "*2\r\n%s*%d\r\n", bulk(strconv.Itoa(n+1)), keys)
	for i := range keys {
		b.WriteString(bulk(fmt.Sprintf("user:%d", n*keys+i)))
	}
	return b.String()
}

func bulk(s string) string { return fmt.Sprintf("$%d\r\n%s\r\n", len(s), s) }

// readCommand reads an array of bulk strings.
func readCommand(in *bufio.Reader) ([]string, error) {
	n, err := readCount(in, '*')
	if err != nil {
		return nil, err
	}
	command := make([]string, n)
	for i := range command {
		size, err := readCount(in, '$')
		if err != nil {
			return nil, err
		}
		b := make([]byte, size+2)
		if _, err := io.ReadFull(in, b); err != nil {
			return nil, err
		}
		command[i] = string(b[:size])
	}
	return command, nil
}

func readCount(in *bufio.Reader, kind byte) (int, error) {
	line, err := in.ReadString('\n')
	if err != nil {
		return 0, err
	}
	if len(line) == 0 || line[0] != kind {
		return 0, fmt.Errorf("want %c, got %q", kind, line)
	}
	return strconv.Atoi(strings.TrimSpace(line[1:]))
}
