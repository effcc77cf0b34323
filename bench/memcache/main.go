// Command memcache does with a memcached what is done without kvtool, for the section "stores" of the benchmark:
//
//	go run ./memcache get HOST:PORT N     N calls of github.com/bradfitz/gomemcache, by 50 goroutines: keys at random of a million
//	go run ./memcache set HOST:PORT N     the same, with values of 100 B
//	go run ./memcache fill HOST:PORT N    N items as the section audit has them, without a client: see fill
//	go run ./memcache drain HOST:PORT     read the lines of lru_crawler metadump hash, as an audit does, and throw them away
package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/bradfitz/gomemcache/memcache"
)

// Keys and values are those of ../loader.
const (
	conns     = 50
	keySpace  = 1_000_000
	valueSize = 100
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "memcache:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 2 && args[0] == "drain" {
		return drain(args[1])
	}
	if len(args) != 3 {
		return errors.New("want get, set, fill or drain, an address and, but for drain, a number")
	}
	n, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	switch args[0] {
	case "get", "set":
		return call(args[1], args[0] == "set", n)
	case "fill":
		return fill(args[1], n)
	}
	return fmt.Errorf("no command %s", args[0])
}

// call makes n calls, one after the other in each of 50 goroutines, and prints how many were made.
func call(addr string, write bool, n int) error {
	c := memcache.New(addr)
	c.MaxIdleConns, c.Timeout = conns, 5*time.Second
	value := make([]byte, valueSize)
	errs := make([]error, conns)
	var wg sync.WaitGroup
	for i := range conns {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(1, uint64(i)))
			for range (n + i) / conns {
				key := fmt.Sprintf("key:%012d", r.IntN(keySpace))
				if write {
					errs[i] = c.Set(&memcache.Item{Key: key, Value: value})
				} else if _, errs[i] = c.Get(key); errors.Is(errs[i], memcache.ErrCacheMiss) {
					errs[i] = nil
				}
				if errs[i] != nil {
					return
				}
			}
		})
	}
	wg.Wait()
	fmt.Printf("done: %d\n", n)
	return errors.Join(errs...)
}

// shapes are the keys that fill makes, each with a number and its hash.
var shapes = []string{
	"key:%012[1]d", "user:%[1]d:profile", "session:%016[2]x", "cart:%[1]d", "product:%[1]d:en", "rate:%[1]d:minute", "token:%08[2]x:%[1]d", "page:/shop/%[1]d",
}

// fill stores n items of eight shapes and of 20 to 200 B; three in four have a TTL, of up to ten days. It asks for no answers.
func fill(addr string, n int) error {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer c.Close()
	w := bufio.NewWriterSize(c, 1<<20)
	value := bytes.Repeat([]byte("v"), 200)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range n {
		ttl := 0
		if i%4 > 0 {
			ttl = 3600 + r.IntN(10*24*3600)
		}
		size := 20 + r.IntN(180)
		key := fmt.Sprintf(shapes[i%len(shapes)], i, r.Uint64())
		fmt.Fprintf(w, "set %s 0 %d %d noreply\r\n%s\r\n", key, ttl, size, value[:size])
	}
	fmt.Fprint(w, "version\r\n")
	if err := w.Flush(); err != nil {
		return err
	}
	line, err := bufio.NewReader(c).ReadString('\n')
	if err == nil && !bytes.HasPrefix([]byte(line), []byte("VERSION ")) {
		err = fmt.Errorf("the server answered %q", line)
	}
	return err
}

// busyPause is how long a busy crawler is left alone before it is asked again.
const busyPause = 20 * time.Millisecond

// drain reads a dump, and prints of how many lines it was.
func drain(addr string) error {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer c.Close()
	for {
		lines, busy, err := dump(c)
		if err != nil {
			return err
		}
		if !busy {
			fmt.Printf("items: %d\n", lines-1)
			return nil
		}
		time.Sleep(busyPause)
	}
}

// dump asks for a dump and reads it, to the END of it. Busy says that the crawler is at work for itself.
func dump(c net.Conn) (lines int, busy bool, err error) {
	if _, err := io.WriteString(c, "lru_crawler metadump hash\r\n"); err != nil {
		return 0, false, err
	}
	end := []byte("END\r\n")
	var last []byte // of the bytes, as many as the end has
	for buf := make([]byte, 64<<10); !bytes.Equal(last, end); {
		n, err := c.Read(buf)
		if err != nil {
			return 0, false, err
		}
		if lines == 0 && !bytes.HasPrefix(buf[:n], []byte("key=")) {
			if bytes.HasPrefix(buf[:n], []byte("BUSY")) {
				return 0, true, nil
			}
			return 0, false, fmt.Errorf("a dump that begins with %.60q", buf[:n])
		}
		lines += bytes.Count(buf[:n], []byte("\n"))
		last = append(last, buf[max(0, n-len(end)):n]...)
		last = last[max(0, len(last)-len(end)):]
	}
	return lines, false, nil
}
