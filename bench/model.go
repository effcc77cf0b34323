package main

import (
	"bufio"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// measureModel holds the modelled size of every key of a dump against what the server that saved it says of the key:
// MEMORY USAGE with SAMPLES 0, which looks at every element. It does so on the server as it was loaded command by command,
// and on one that has loaded the dump.
func measureModel(ctx context.Context, b *bench, r *result) error {
	live, err := b.errorsOf(ctx, b.main, "live")
	if err != nil {
		return err
	}
	reloaded, err := b.reload(ctx)
	if err != nil {
		return err
	}
	loaded, err := b.errorsOf(ctx, reloaded, "loaded")
	if err != nil {
		return err
	}
	r.data, r.commands = b.main.describe(), []string{b.sizes(b.main, "live").name, b.sizes(reloaded, "loaded").name, "redis-cli MEMORY USAGE KEY SAMPLES 0   # of each KEY"}
	r.tables = "After a reload:\n\n" + loaded.table() + "\nOn a server never reloaded:\n\n" + live.table()
	r.bars = []bar{
		percentBar("after a reload: total, % off", loaded.all().total(), 0.5),
		percentBar("after a reload: median key, % off", loaded.all().quantile(0.5), 0),
		percentBar("after a reload: median key of the worst encoding but skiplist, % off", loaded.worstMedian(), 0),
		percentBar("never reloaded: total, % off", live.all().total(), 1),
	}
	return nil
}

func percentBar(figure string, share, limit float64) bar {
	return bar{figure: figure, got: share * 100, shown: fmt.Sprintf("%.3f", share*100), limit: limit}
}

// reload starts a server on the dump of the main data set, in the place of the one that saved it, and has it saved again,
// since a dump states the memory of the server that wrote it.
func (b *bench) reload(ctx context.Context) (*dataset, error) {
	b.say("reloading %d keys", b.main.keys)
	dir := filepath.Join(b.dir, "reloaded")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	dump := filepath.Join(dir, "dump.rdb")
	if err := os.Link(b.main.dump, dump); err != nil {
		return nil, err
	}
	b.main.server.stop()
	s, err := startServer(ctx, dir)
	if err != nil {
		return nil, err
	}
	d := *b.main
	d.server, d.dump = s, dump
	b.main = &d // the one to stop in the end
	if got, err := s.do("DBSIZE"); err != nil || got != strconv.FormatInt(d.keys, 10) {
		return nil, fmt.Errorf("the server has loaded %s keys instead of %d (%v)", got, d.keys, err)
	}
	_, err = s.do("SAVE")
	return &d, err
}

// sizes is kvtool writing the modelled size of every key of a dump, as of a server in the given state: live or loaded.
func (b *bench) sizes(d *dataset, as string) tool {
	return b.tool(tool{
		label: "export", args: []string{b.bin.kvtool, "export", "rdb:" + d.dump + "?as=" + as, "--columns", "key,type,encoding,bytes", "-o", "csv"}, keys: keysOfCSV,
	})
}

// A modelErrors is how far the model is off, by type and encoding.
type modelErrors map[string]*encodingErrors

type encodingErrors struct {
	off             []float32 // of each key, as a share of what the server says
	modelled, truth int64
}

func (m modelErrors) add(encoding string, modelled, truth int64) {
	e := m[encoding]
	if e == nil {
		e = &encodingErrors{}
		m[encoding] = e
	}
	e.off = append(e.off, float32(math.Abs(float64(modelled-truth))/float64(truth)))
	e.modelled += modelled
	e.truth += truth
}

// all returns the keys of all encodings together.
func (m modelErrors) all() *encodingErrors {
	var all encodingErrors
	for _, e := range m {
		all.off = append(all.off, e.off...)
		all.modelled += e.modelled
		all.truth += e.truth
	}
	return &all
}

// total returns how far the sum of all keys is off, as a share.
func (e *encodingErrors) total() float64 {
	return math.Abs(float64(e.modelled-e.truth)) / float64(e.truth)
}

// skiplists are out of reach: a server draws the height of each element at random when it adds or loads it, and no file
// tells. Their sum is held to the same limit as all others.
const skiplists = "zset skiplist"

// worstMedian returns how far the median key is off of the encoding where that is most, skiplists apart.
func (m modelErrors) worstMedian() float64 {
	worst := 0.0
	for name, e := range m {
		if name != skiplists {
			worst = max(worst, e.quantile(0.5))
		}
	}
	return worst
}

func (e *encodingErrors) quantile(p float64) float64 {
	slices.Sort(e.off)
	return float64(e.off[int(p*float64(len(e.off)-1))])
}

func (m modelErrors) table() string {
	var b strings.Builder
	b.WriteString("| type, encoding | keys | total, % off | median key | p95 | max |\n|---|---|---|---|---|---|\n")
	row := func(name string, e *encodingErrors) {
		fmt.Fprintf(&b, "| %s | %d | %+.3f | %.2f | %.2f | %.2f |\n", name, len(e.off),
			100*float64(e.modelled-e.truth)/float64(e.truth), 100*e.quantile(0.5), 100*e.quantile(0.95), 100*e.quantile(1))
	}
	for _, name := range slices.Sorted(maps.Keys(m)) {
		row(name, m[name])
	}
	row("all", m.all())
	return b.String()
}

// errorsOf has kvtool list the sizes of all keys in the dump of d, and asks the server of d for each.
func (b *bench) errorsOf(ctx context.Context, d *dataset, as string) (modelErrors, error) {
	t := b.sizes(d, as)
	b.say("asking the server for the size of %d keys", d.keys)
	cmd := exec.CommandContext(ctx, t.args[0], t.args[1:]...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	m, n, readErr := d.server.compareSizes(out)
	if readErr != nil {
		_ = cmd.Process.Kill() // it waits for a reader
	}
	if err := errors.Join(readErr, cmd.Wait()); err != nil {
		return nil, err
	}
	if n != d.keys {
		return nil, fmt.Errorf("%s lists %d keys instead of %d", t.name, n, d.keys)
	}
	return m, nil
}

// compareSizes reads keys with their modelled sizes, as CSV, and asks the server for the size of each, many at a time.
func (s *server) compareSizes(sizes io.Reader) (m modelErrors, n int64, err error) {
	c, err := net.Dial("unix", s.socket)
	if err != nil {
		return nil, 0, err
	}
	defer c.Close()
	in, ask, answers := csv.NewReader(bufio.NewReader(sizes)), bufio.NewWriter(c), bufio.NewReader(c)
	if head, err := in.Read(); err != nil || strings.Join(head, ",") != "key,type,encoding,bytes" {
		return nil, 0, fmt.Errorf("no list of sizes: %q (%w)", head, err)
	}
	m = modelErrors{}
	for {
		batch, err := readBatch(in)
		if err != nil || len(batch) == 0 {
			return m, n, err
		}
		for _, row := range batch {
			fmt.Fprintf(ask, "*5\r\n$6\r\nMEMORY\r\n$5\r\nUSAGE\r\n$%d\r\n%s\r\n$7\r\nSAMPLES\r\n$1\r\n0\r\n", len(row[0]), row[0])
		}
		if err := ask.Flush(); err != nil {
			return m, n, err
		}
		for _, row := range batch {
			line, err := answers.ReadString('\n')
			if err != nil {
				return m, n, err
			}
			truth, err := strconv.ParseInt(strings.Trim(line, ":\r\n"), 10, 64)
			if err != nil || truth <= 0 {
				return m, n, fmt.Errorf("MEMORY USAGE %s: %q", row[0], line)
			}
			modelled, err := strconv.ParseInt(row[3], 10, 64)
			if err != nil {
				return m, n, fmt.Errorf("the size of %s: %w", row[0], err)
			}
			m.add(row[1]+" "+row[2], modelled, truth)
			n++
		}
	}
}

// readBatch reads some rows; none at the end.
func readBatch(in *csv.Reader) ([][]string, error) {
	const most = 500
	var rows [][]string
	for len(rows) < most {
		row, err := in.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}
