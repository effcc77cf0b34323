package main

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
)

// bdbAudit is the bar of an audit of a dump: CPU against zcat and wc of the same file.
const bdbAudit = 3

// measureBerkeleyDB measures the audit of a dump of db_dump, in both of its formats, packed, against draining the same bytes.
func measureBerkeleyDB(ctx context.Context, b *bench, r *result) error {
	if _, err := exec.LookPath("db5.3_load"); err != nil {
		return noServer("db5.3-util")
	}
	items := min(b.keys/2, 1_000_000)
	file := b.file("bench.db")
	b.say("loading %d pairs", items)
	if err := loadPairs(ctx, file, items); err != nil {
		return err
	}
	for _, format := range []struct {
		name string
		args []string
	}{{"bytevalue", []string{file}}, {"print", []string{"-p", file}}} {
		dump := b.file(format.name + ".dump.gz")
		if err := dumpPairs(ctx, format.args, dump); err != nil {
			return err
		}
		tools := []tool{
			b.audit("audit bdb:DUMP, "+format.name, "bdb:"+dump),
			b.tool(tool{
				label: "zcat DUMP, lines counted",
				args:  []string{"sh", "-c", `printf 'lines: '; zcat "$0" | wc -l`, dump}, out: b.file("lines.txt"), keys: pairsOfLines,
			}),
		}
		tools[0].name, tools[1].name = strings.ReplaceAll(tools[0].name, dump, "DUMP"), tools[1].label
		g, err := b.unbounded().compare(ctx, b.runs, &dataset{keys: items}, tools, nil)
		if err != nil {
			return err
		}
		r.commands = append(r.commands, g.commands()...)
		r.tables += fmt.Sprintf("\n%d pairs, %s:\n\n", items, format.name) + g.table([]row{
			{"wall s", "%.2f", wall, true},
			{"CPU s", "%.2f", cpu, true},
			{"keys/s", "%.0f", keysPerSecond, false},
			{"peak RSS MB", "%.0f", rss, false},
		})
		r.bars = append(r.bars, g.claim(0, claim{what: "CPU", of: cpu, limit: bdbAudit}))
	}
	return nil
}

// loadPairs has db_load write a tree of pairs with values of 100 bytes that pack as text does.
func loadPairs(ctx context.Context, file string, n int64) error {
	c := exec.CommandContext(ctx, "db5.3_load", "-T", "-t", "btree", file)
	in, err := c.StdinPipe()
	if err != nil {
		return err
	}
	if err := c.Start(); err != nil {
		return err
	}
	w := bufio.NewWriter(in)
	rnd := rand.New(rand.NewPCG(1, 2))
	var raw [75]byte
	for i := range n {
		for j := range raw {
			raw[j] = byte(rnd.IntN(64))
		}
		_, _ = fmt.Fprintf(w, "user:%08d:cart\n%s\n", i, base64.StdEncoding.EncodeToString(raw[:])) // an error comes with Flush
	}
	return errors.Join(w.Flush(), in.Close(), c.Wait())
}

// dumpPairs has db_dump write the tree, packed.
func dumpPairs(ctx context.Context, args []string, dump string) error {
	out, err := os.Create(dump)
	if err != nil {
		return err
	}
	zip := gzip.NewWriter(out)
	c := exec.CommandContext(ctx, "db5.3_dump", args...)
	c.Stdout = zip
	return errors.Join(c.Run(), zip.Close(), out.Close())
}

// pairsOfLines returns how many pairs a dump of so many lines has: a header of five lines comes before them, and one line behind.
func pairsOfLines(out io.Reader) (int64, error) {
	n, err := numberBehind("lines: ")(out)
	return (n - 6) / 2, err
}
