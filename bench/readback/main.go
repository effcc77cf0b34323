// Command readback exports a live server to Parquet, reads the file back with DuckDB, and compares a sample of its rows with
// what the server says of the same keys, one by one: TYPE, OBJECT ENCODING, MEMORY USAGE and PEXPIRETIME. Run it in the folder
// above, with a python that has DuckDB (python3 -m pip install duckdb):
//
//	go run ./readback                                     a server of its own, with 2,000,000 keys
//	go run ./readback -server 127.0.0.1:6379              a server that is there; it is only read
//	go run ./readback -update ../docs/export.md           the result, put into the page
//
// It fails if a row is not what the server says. The sample is DuckDB's, and the same every time.
//
//	redis-server ── kvtool export ──▶ keys.parquet ── DuckDB ──▶ sample ──▶ row by row
//	      └──────────────────────── TYPE, MEMORY USAGE, … ──────────────────────▲
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"github.com/kvtool/kvtool/bench/internal/page"
)

type options struct {
	server string
	keys   int64
	sample int
	python string
	update string
}

func main() {
	var o options
	flag.StringVar(&o.server, "server", "", "read the server at `HOST:PORT` instead of one of our own")
	flag.Int64Var(&o.keys, "n", 2_000_000, "how many keys our own server gets")
	flag.IntVar(&o.sample, "sample", 100_000, "how many rows are compared")
	flag.StringVar(&o.python, "python", "python3", "a `PROGRAM` that imports duckdb")
	flag.StringVar(&o.update, "update", "", "put the result into this Markdown `FILE` as well")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "readback:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	dir, err := os.MkdirTemp("", "kvtool-readback")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if o.server == "" {
		s, err := startServer(ctx, dir, o.keys)
		if err != nil {
			return err
		}
		defer s.stop()
		o.server = s.addr
	}
	file := filepath.Join(dir, "keys.parquet")
	if err := export(ctx, dir, o.server, file); err != nil {
		return err
	}
	f, err := read(ctx, o, file)
	if err != nil {
		return err
	}
	c := &comparison{}
	if err := c.compare(o.server, f.rows); err != nil {
		return err
	}
	text := describe(f, c)
	fmt.Print(text)
	if o.update != "" {
		if err := page.Replace(o.update, "readback", text); err != nil {
			return err
		}
	}
	return errors.Join(f.sound(), c.sound())
}

// export builds kvtool and has it write the server's keys.
func export(ctx context.Context, dir, server, file string) error {
	kvtool := filepath.Join(dir, "kvtool")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", kvtool, "./cmd/kvtool")
	build.Dir = ".."
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, out)
	}
	say("exporting %s", server)
	out, err := exec.CommandContext(ctx, kvtool, "export", "redis://"+server, "-o", "parquet="+file, "--progress", "none").CombinedOutput()
	if err != nil {
		return fmt.Errorf("kvtool export: %w\n%s", err, out)
	}
	return nil
}

func say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, time.Now().UTC().Format("15:04:05 ")+format+"\n", args...)
}

// describe writes the result as Markdown.
func describe(f *file, c *comparison) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s; Redis %s, %d keys; DuckDB %s.\n\n", time.Now().UTC().Format(time.DateOnly), c.version, c.keys, f.DuckDB)
	fmt.Fprintf(&b, "| read back by DuckDB | |\n|---|---|\n")
	fmt.Fprintf(&b, "| rows in the file, of %.1f MB | %d |\n", float64(f.bytes)/1e6, f.Count)
	fmt.Fprintf(&b, "| of them different (db, key) | %d |\n", f.Distinct)
	fmt.Fprintf(&b, "| rows without a template | %d |\n", f.Unclassified)
	fmt.Fprintf(&b, "| rows compared with the server, one by one | %d |\n", c.compared)
	fmt.Fprintf(&b, "| keys that had expired by then | %d |\n", c.gone)
	for i, what := range compared {
		fmt.Fprintf(&b, "| rows that differ in `%s` from %s%s | %d |\n", what.column, what.command, what.by, c.differ[i])
	}
	fmt.Fprintf(&b, "| the most that an `expire_at` differs: a server is asked for the time left (PTTL), and answering takes time | %d ms |\n", c.latest)
	return b.String()
}
