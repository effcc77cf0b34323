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
)

// peer is the module path of the dump reader that kvtool is compared with; go.mod pins its version.
const peer = "github.com/hdt3213/rdb"

type binaries struct{ kvtool, peer, soak string }

// build compiles kvtool as it is released, the peer and the soak. The peer links into the standard library in a way that Go
// allows since 1.23 only if asked to.
func (b *bench) build(ctx context.Context) error {
	b.say("building")
	b.bin = binaries{filepath.Join(b.dir, "kvtool"), filepath.Join(b.dir, "peer"), filepath.Join(b.dir, "soak")}
	for _, c := range []struct {
		dir  string
		args []string
	}{
		{"..", []string{"-trimpath", "-o", b.bin.kvtool, "./cmd/kvtool"}},
		{".", []string{"-ldflags=-checklinkname=0", "-o", b.bin.peer, peer}},
		{".", []string{"-o", b.bin.soak, "./soak"}},
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

// A tool is one side of a pair.
type tool struct {
	name string
	args []string
	out  string                             // where its result is: stdout goes there unless the arguments say so
	keys func(out io.Reader) (int64, error) // reads from the result how many keys it saw
}

func (b *bench) fileTools(s *server) [2]tool {
	csv := filepath.Join(b.dir, "peer.csv")
	return [2]tool{
		{"kvtool audit rdb:FILE", b.audit("rdb:" + s.dump()), filepath.Join(b.dir, "kvtool.json"), keysOfReport},
		{"rdb -c memory", []string{b.bin.peer, "-c", "memory", "-o", csv, s.dump()}, csv, keysOfCSV},
	}
}

func (b *bench) liveTools(s *server) [2]tool {
	return [2]tool{
		{"kvtool audit redis://", b.audit("redis://127.0.0.1:" + s.port), filepath.Join(b.dir, "kvtool.json"), keysOfReport},
		{"redis-cli --memkeys", []string{"redis-cli", "-p", s.port, "--memkeys"}, filepath.Join(b.dir, "memkeys.txt"), numberBehind("Sampled ")},
	}
}

func (b *bench) audit(target string) []string {
	return []string{b.bin.kvtool, "audit", target, "-o", "json", "--progress", "none"}
}

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

// soak runs the audit of generated records once; it fails over the cap by itself.
func (b *bench) soak(ctx context.Context) (sample, error) {
	b.say("auditing %d generated records", b.records)
	t := tool{
		name: "soak", args: []string{b.bin.soak, "-n", strconv.FormatInt(b.records, 10)}, out: filepath.Join(b.dir, "soak.txt"),
		keys: numberBehind("done: "),
	}
	return t.run(ctx, b.records+10, nil)
}
