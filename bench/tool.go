package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// peer is the module path of the dump reader that kvtool is compared with; go.mod pins its version.
const peer = "github.com/hdt3213/rdb"

type binaries struct{ kvtool, peer, peers, soak, readback, loader, memcache, dynamo, ycsb string }

// build compiles kvtool as it is released, the peer, the soak and the readback. The peer links into the standard library in a way that Go
// allows since 1.23 only if asked to.
func (b *bench) build(ctx context.Context) error {
	b.say("building")
	bin := func(name string) string { return filepath.Join(b.dir, "bin", name) }
	b.bin = binaries{bin("kvtool"), bin("peer"), bin("peers"), bin("soak"), bin("readback"), bin("loader"), bin("memcache"), bin("dynamo"), ""}
	for _, c := range []struct {
		dir  string
		args []string
	}{
		{"..", []string{"-trimpath", "-o", b.bin.kvtool, "./cmd/kvtool"}},
		{".", []string{"-ldflags=-checklinkname=0", "-o", b.bin.peer, peer}},
		{".", []string{"-o", b.bin.peers, "./peers"}},
		{".", []string{"-o", b.bin.soak, "./soak"}},
		{".", []string{"-o", b.bin.readback, "./readback"}},
		{".", []string{"-o", b.bin.loader, "./loader"}},
		{".", []string{"-o", b.bin.memcache, "./memcache"}},
		{".", []string{"-o", b.bin.dynamo, "./dynamo"}},
	} {
		cmd := exec.CommandContext(ctx, "go", append([]string{"build"}, c.args...)...)
		cmd.Dir = c.dir
		if c.dir == ".." {
			cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		}
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("go build %v: %w\n%s", c.args, err, out)
		}
	}
	return nil
}

// What a tool reads.
type source int

const (
	fromFile   source = iota
	fromServer        // the server's CPU time counts too, and there is nothing to warm up
)

// A tool is one side of a pair.
type tool struct {
	label string // what it is called in tables
	name  string // the command, with words in the place of paths
	args  []string
	in    string // what it is given on stdin, through a pipe; may be empty
	out   string // where its result is: stdout goes there unless the arguments say so
	reads source
	keys  func(out io.Reader) (int64, error) // reads from the result how many keys it saw
	rows  int64                              // of how many it tells at most; 0 is all
}

// tool names t by its arguments.
func (b *bench) tool(t tool) tool {
	words := make([]string, len(t.args))
	for i, a := range t.args {
		words[i] = b.shown(a)
	}
	t.name = strings.Join(words, " ")
	if t.in != "" {
		t.name += " < " + b.shown(t.in)
	}
	return t
}

// shown is an argument as a reader would type it.
func (b *bench) shown(arg string) string {
	swap := []string{b.bin.kvtool, "kvtool", b.bin.peer, "rdb", b.bin.soak, "go run ./soak", b.bin.memcache, "go run ./memcache"}
	if b.wide != nil {
		swap = append(swap, b.wide.dump, "WIDE")
	}
	if b.main != nil {
		swap = append(swap, b.main.dump, "FILE", "127.0.0.1:"+b.main.server.port, "HOST")
	}
	if b.main != nil && arg == b.main.server.port {
		return "PORT"
	}
	arg = strings.NewReplacer(swap...).Replace(arg)
	if strings.HasPrefix(arg, b.dir) {
		return strings.ToUpper(strings.TrimPrefix(filepath.Ext(arg), "."))
	}
	return arg
}

// file is where a tool writes its result.
func (b *bench) file(name string) string { return filepath.Join(b.dir, name) }

// audit is kvtool auditing a target, with more arguments.
func (b *bench) audit(label, target string, more ...string) tool {
	args := append([]string{b.bin.kvtool, "audit", target}, more...)
	return b.tool(tool{
		label: label, args: append(args, "-o", "json", "--progress", "none"), out: b.file("kvtool.json"), keys: keysOfReport,
	})
}

// peerMemory is the peer listing the size of every key, and peerBiggest its list of the biggest.
func (b *bench) peerMemory() tool {
	out := b.file("peer.csv")
	return b.tool(tool{label: "rdb -c memory", args: []string{b.bin.peer, "-c", "memory", "-o", out, b.main.dump}, out: out, keys: keysOfCSV})
}

func (b *bench) peerBiggest() tool {
	out := b.file("peer.csv")
	return b.tool(tool{
		label: "rdb -c bigkey",
		args:  []string{b.bin.peer, "-c", "bigkey", "-n", strconv.Itoa(biggestKeys), "-o", out, b.main.dump},
		out:   out, keys: keysOfCSV, rows: biggestKeys,
	})
}

const biggestKeys = 100

func keysOfReport(out io.Reader) (int64, error) {
	var r struct {
		Coverage struct {
			Keys     int64
			Complete bool
		}
	}
	err := json.NewDecoder(out).Decode(&r)
	if err == nil && !r.Coverage.Complete {
		err = errors.New("the scan was not complete")
	}
	return r.Coverage.Keys, err
}

// keysOfCSV counts lines but for the head. The generated keys hold no line breaks. It reads in pieces: a child's peak of
// memory, as the kernel tells it, is at least that of the parent that forked it.
func keysOfCSV(out io.Reader) (int64, error) {
	lines := int64(-1)
	for buf := make([]byte, 64<<10); ; {
		n, err := out.Read(buf)
		lines += int64(bytes.Count(buf[:n], []byte("\n")))
		if err == io.EOF {
			return lines, nil
		}
		if err != nil {
			return 0, err
		}
	}
}

// numberBehind returns what reads the number behind name, where it comes last: before that it may be a progress.
func numberBehind(name string) func(io.Reader) (int64, error) {
	return func(out io.Reader) (int64, error) {
		text, err := io.ReadAll(out)
		return number(string(text), name), err
	}
}
