// Command vectors writes vectors of placement as the Go clients of Aerospike and Memcached compute it. See ../README.md.
package main

import (
	"bufio"
	"fmt"
	"log"
	"os"
	"runtime/debug"
	"strings"

	aerospike "github.com/aerospike/aerospike-client-go/v8"
	"github.com/bradfitz/gomemcache/memcache"
)

func main() {
	log.SetFlags(0)
	if err := write("../aerospike.txt", "github.com/aerospike/aerospike-client-go/v8", aerospikeLines); err != nil {
		log.Fatal(err)
	}
	if err := write("../modulo.txt", "github.com/bradfitz/gomemcache", moduloLines); err != nil {
		log.Fatal(err)
	}
}

func aerospikeLines(line func(format string, args ...any)) error {
	for i, set := range []string{"", "users", "a-set-with-a-long-name-of-fifty-bytes-and-some-more"} {
		for n := range 150 {
			key, err := aerospike.NewKey("test", set, text(n, i))
			if err != nil {
				return err
			}
			line("%q %q %x %d", set, text(n, i), key.Digest(), key.PartitionId())
		}
	}
	return nil
}

func moduloLines(line func(format string, args ...any)) error {
	servers := []string{"127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3", "127.0.0.1:4", "127.0.0.1:5", "127.0.0.1:6", "127.0.0.1:7"}
	for _, n := range []int{2, 3, 7} {
		var list memcache.ServerList
		if err := list.SetServers(servers[:n]...); err != nil {
			return err
		}
		for i := range 100 {
			addr, err := list.PickServer(text(i+1, n))
			if err != nil {
				return err
			}
			line("%d %q %s", n, text(i+1, n), addr.String()[len("127.0.0.1:"):])
		}
	}
	return nil
}

// text is a key of n bytes.
func text(n, salt int) string {
	s := fmt.Sprintf("user:%d:%d:", salt, n*7919)
	return (s + strings.Repeat("x", n))[:n]
}

func write(path, module string, lines func(line func(format string, args ...any)) error) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	fmt.Fprintf(w, "# %s %s\n", module, versionOf(module))
	if err := lines(func(format string, args ...any) { fmt.Fprintf(w, format+"\n", args...) }); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Close()
}

func versionOf(module string) string {
	info, _ := debug.ReadBuildInfo()
	for _, d := range info.Deps {
		if d.Path == module {
			return d.Version
		}
	}
	return "(unknown)"
}
