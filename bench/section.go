package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"strings"
)

// A section is one part of the benchmark and of its page.
type section struct {
	name    string
	prepare func(context.Context, *bench) error // makes the data set
	measure func(context.Context, *bench, *result) error
}

// sections lists the sections in the order of the page.
func sections() []section {
	return []section{
		{"export", needMain, measureExport},
		{"sizes", needMain, measureSizes},
		{"audit", needMain, measureAudit},
		{"memory", needBoth, measureMemory},
		{"live", needMain, measureLive},
		{"impact", needMain, measureImpact},
		{"parquet", needDuckDB, measureParquet},
		{"model", needMain, measureModel},
		{"dashboard", needMain, measureDashboard},
		{"served", needNothing, measureServed},
		{"load", needNothing, measureLoad},
		{"stores", needNothing, measureStores},
		{"store", needNothing, measureStore},
		{"used", needNothing, measureUsed},
		{"evict", needNothing, measureEvict},
		{"drift", needNothing, measureDrift},
		{"soak", needNothing, measureSoak},
	}
}

func sectionNames() []string {
	var names []string
	for _, s := range sections() {
		names = append(names, s.name)
	}
	return names
}

func needNothing(context.Context, *bench) error { return nil }

func needBoth(ctx context.Context, b *bench) error {
	if err := needMain(ctx, b); err != nil {
		return err
	}
	return needWide(ctx, b)
}

// fileRows are the figures of a pair that reads the dump.
func (b *bench) fileRows() []row {
	return []row{
		{"CPU s", "%.2f", cpu, true},
		{"wall s", "%.2f", wall, true},
		{"keys per CPU s", "%.0f", keysPerCPU, false},
		{"MB per CPU s", "%.0f", func(s sample) float64 { return float64(b.main.bytes) / 1e6 / s.cpu.Seconds() }, false},
		{"peak RSS MB", "%.0f", rss, false},
	}
}

// filePair measures kvtool against the peer on the dump, and holds their ratios to the claims.
func (b *bench) filePair(ctx context.Context, r *result, ours, peer tool, claims ...claim) error {
	g, err := b.compare(ctx, b.runs, b.main, []tool{ours, peer}, nil)
	if err != nil {
		return err
	}
	r.data, r.commands, r.tables = b.main.describe(), g.commands(), g.table(b.fileRows())
	for _, c := range claims {
		r.bars = append(r.bars, g.claim(0, c))
	}
	return nil
}

func (g group) commands() []string {
	var all []string
	for _, t := range g.tools {
		if !slices.Contains(all, t.name) {
			all = append(all, t.name)
		}
	}
	return all
}

// peerColumns are what the peer prints of each key, but for its guess at the largest element.
const peerColumns = "db,key,type,encoding,bytes,elements,expire_at"

func measureExport(ctx context.Context, b *bench, r *result) error {
	export := b.tool(tool{
		label: "export -o csv",
		args:  []string{b.bin.kvtool, "export", "rdb:" + b.main.dump, "--checksum", "off", "--columns", peerColumns, "-o", "csv"},
		out:   b.file("kvtool.csv"), keys: keysOfCSV,
	})
	return b.filePair(ctx, r, export, b.peerMemory(), claim{what: "CPU", of: cpu, limit: 1.0 / 6})
}

func measureSizes(ctx context.Context, b *bench, r *result) error {
	sizes := b.audit("audit --only sizes", "rdb:"+b.main.dump, "--only", "sizes", "--top", strconv.Itoa(biggestKeys))
	return b.filePair(ctx, r, sizes, b.peerBiggest(), claim{what: "CPU", of: cpu, limit: 1.0 / 10})
}

func measureAudit(ctx context.Context, b *bench, r *result) error {
	return b.filePair(ctx, r, b.audit("audit", "rdb:"+b.main.dump), b.peerMemory(),
		claim{what: "CPU", of: cpu, limit: 1.0 / 2}, claim{what: "wall", of: wall, limit: 1.0 / 3})
}

// memoryLimit is the most memory that reading may take, in MB.
const memoryLimit = 128

// measureMemory takes the peak of memory of each way to read each data set. The most of the runs counts.
func measureMemory(ctx context.Context, b *bench, r *result) error {
	zipped, err := b.wide.compress()
	if err != nil {
		return err
	}
	piped := b.audit("audit rdb:- < WIDE", "rdb:-")
	piped.in = b.wide.dump
	r.data = fmt.Sprintf("FILE is the dump of the other sections. WIDE has %d keys, among them a hash of %d fields and two strings of %d MiB, "+
		"of which one cannot be compressed: %.0f MB.", b.wide.keys, wideFields, wideBytes>>20, float64(b.wide.bytes)/1e6)
	var table strings.Builder
	fmt.Fprintf(&table, "| %d runs | peak RSS MB | CPU s | wall s |\n|---|---|---|---|\n", b.runs)
	for _, x := range []struct {
		d *dataset
		t tool
	}{
		{b.main, b.audit("audit rdb:FILE", "rdb:"+b.main.dump)},
		{b.wide, b.audit("audit rdb:WIDE", "rdb:"+b.wide.dump)},
		{b.wide, b.tool(piped)},
		{b.wide, b.audit("audit rdb:WIDE.gz", "rdb:"+zipped)},
	} {
		g, err := b.compare(ctx, b.runs, x.d, []tool{x.t}, nil)
		if err != nil {
			return err
		}
		peak := g.of(0, rss)
		r.bars = append(r.bars, bar{
			figure: fmt.Sprintf("`%s`: peak RSS, MB", x.t.label), got: peak.high, shown: peak.format("%.0f"), limit: memoryLimit,
		})
		r.commands = append(r.commands, x.t.name)
		fmt.Fprintf(&table, "| `%s` | %s | %s | %s |\n", x.t.label, peak.format("%.0f"), g.of(0, cpu).format("%.2f"), g.of(0, wall).format("%.2f"))
	}
	r.tables = table.String()
	return nil
}

// errNoDuckDB is why the section is left out where it was not asked for by name.
var errNoDuckDB = errors.New("no DuckDB: python3 -m pip install duckdb, and -python PROGRAM if that is in an environment of its own")

func needDuckDB(ctx context.Context, b *bench) error {
	if err := exec.CommandContext(ctx, b.python, "-c", "import duckdb").Run(); err != nil {
		return errNoDuckDB
	}
	return needMain(ctx, b)
}

// measureParquet exports the server to Parquet, has DuckDB read that back, and the server asked about a sample of the rows.
// The program that does it fails if one of them differs.
func measureParquet(ctx context.Context, b *bench, r *result) error {
	sample := min(100_000, b.main.keys)
	b.say("reading an export back")
	cmd := exec.CommandContext(ctx, b.bin.readback,
		"-server", "127.0.0.1:"+b.main.server.port, "-sample", strconv.FormatInt(sample, 10), "-python", b.python)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("readback: %w\n%s%s", err, out, said.Bytes())
	}
	differ, err := differing(string(out))
	if err != nil {
		return err
	}
	r.data, r.tables = b.main.describe(), string(out)
	r.bars = []bar{{
		figure: fmt.Sprintf("rows of %d that differ from what the server says", sample), got: float64(differ), shown: strconv.Itoa(differ),
	}}
	r.commands = []string{fmt.Sprintf("go run ./readback -server HOST:PORT -sample %d", sample)}
	return nil
}

// differing adds up the rows that differ, of each column that was compared.
func differing(table string) (int, error) {
	sum, columns := 0, 0
	for line := range strings.Lines(table) {
		if !strings.HasPrefix(line, "| rows that differ in ") {
			continue
		}
		cells := strings.Split(line, "|")
		n, err := strconv.Atoi(strings.TrimSpace(cells[len(cells)-2]))
		if err != nil {
			return 0, fmt.Errorf("readback: %s", line)
		}
		sum += n
		columns++
	}
	if columns == 0 {
		return 0, errors.New("readback compared nothing")
	}
	return sum, nil
}

// measureSoak runs the audit of generated records once; it fails over its own cap by itself.
func measureSoak(ctx context.Context, b *bench, r *result) error {
	b.stop() // what a server holds is not there for others
	t := b.tool(tool{
		label: "soak", args: []string{b.bin.soak, "-n", strconv.FormatInt(b.records, 10)},
		out: b.file("soak.txt"), keys: numberBehind("done: "),
	})
	b.say("auditing %d generated records", b.records)
	s, err := t.run(ctx, &dataset{keys: b.records + 10})
	if err != nil {
		return err
	}
	r.commands = []string{t.name}
	r.tables = fmt.Sprintf("One audit of %d generated records: peak RSS %.0f MB, %.1f CPU s, %.1f s.\n", b.records, rss(s), cpu(s), wall(s))
	return nil
}
