package faultproxy

import (
	"bufio"
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// echo is a server that answers what it is sent.
func echo(t *testing.T) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(c, c) }()
		}
	}()
	return l.Addr().String()
}

// TestProxy passes on, answers by itself, delays, refuses and resets.
func TestProxy(t *testing.T) {
	p := Start(t, echo(t))
	dial := func() net.Conn {
		c, err := net.Dial("tcp", p.Addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
	c := dial()
	r := bufio.NewReader(c)
	ask := func(text string) string {
		if _, err := io.WriteString(c, text); err != nil {
			return err.Error()
		}
		line, err := r.ReadString('\n')
		if err != nil {
			return err.Error()
		}
		return line
	}
	if got := ask("*1\r\n"); got != "*1\r\n" {
		t.Errorf("passed on: %q", got)
	}
	p.Set(Fault{Reply: "-OOM\r\n"})
	if got := ask("*1\r\n*1\r\n"); got != "-OOM\r\n" {
		t.Errorf("answered: %q", got)
	}
	if got, _ := r.ReadString('\n'); got != "-OOM\r\n" {
		t.Errorf("the second answer: %q", got)
	}
	p.Set(Fault{Rewrite: func(words []string) []string {
		if words[0] == "SET" {
			return []string{"GET", words[1]}
		}
		return words
	}})
	for _, part := range []string{"*3\r\n$3\r\nSET\r\n$1", "\r\nk\r\n$2\r\n\r\n\r\n*1\r\n$1\r\nx\r\n"} { // a value of a line's end
		if _, err := io.WriteString(c, part); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Millisecond)
	}
	want := "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n*1\r\n$1\r\nx\r\n"
	got := make([]byte, len(want))
	if _, err := io.ReadFull(r, got); err != nil || string(got) != want {
		t.Errorf("rewritten: %q, %v", got, err)
	}
	p.Set(Fault{Delay: 50 * time.Millisecond})
	if began := time.Now(); ask("x\n") != "x\n" || time.Since(began) < 50*time.Millisecond {
		t.Errorf("a delay of 50 ms took %v", time.Since(began))
	}
	p.Reset()
	if got := ask("x\n"); got == "x\n" {
		t.Error("answered after a reset")
	}
	p.Set(Fault{Refuse: true})
	if _, err := dial().Read(make([]byte, 1)); err == nil {
		t.Error("a connection that is refused says something")
	}
}

// TestService: forty requests of two connections take what one after the other takes, and no sooner is one answered.
func TestService(t *testing.T) {
	p := Start(t, echo(t))
	const each, requests, conns = 2 * time.Millisecond, 10, 2
	p.Set(Fault{Service: func() time.Duration { return each }})
	began := time.Now()
	var wg sync.WaitGroup
	for range conns {
		wg.Go(func() {
			c, err := net.Dial("tcp", p.Addr)
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			r := bufio.NewReader(c)
			for range requests {
				if _, err := io.WriteString(c, "*1\r\n"); err != nil {
					t.Error(err)
				}
				if line, err := r.ReadString('\n'); line != "*1\r\n" {
					t.Errorf("%q, %v", line, err)
				}
			}
		})
	}
	wg.Wait()
	if took := time.Since(began); took < conns*requests*each {
		t.Errorf("%d requests of %v took %v", conns*requests, each, took)
	}
}
