package kvr_test

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"math/rand/v2"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"github.com/kvtool/kvtool/report"
	"github.com/kvtool/kvtool/report/kvr"
	"github.com/kvtool/kvtool/report/render"
)

var values = cmp.Comparer(func(a, b report.Value) bool { return a == b })

// full is a report with something in every field that a file keeps.
func full() *report.Report {
	of := int64(9)
	return &report.Report{
		Schema: report.Schema, Kind: report.KindAudit, Tool: report.Tool{Name: "kvtool", Version: "v1"},
		Target:   report.Target{Adapter: "rdb", URL: "rdb:a.rdb", Facts: []report.Fact{{Name: "sizes", How: "modelled", Why: "model"}}},
		Taken:    time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC),
		Coverage: report.Coverage{Keys: 7, Of: &of, Why: []string{"interrupted"}},
		Sections: []report.Section{{
			Name: "templates", Title: "T", Metrics: []report.Metric{{Name: "keys", Value: report.Number(7), Unit: report.UnitCount}},
			Tables: []report.Table{{
				Name: "t", Columns: []report.Column{{Name: "key", Unit: report.UnitKey}, {Name: "bytes", Unit: report.UnitBytes, Sum: true, Rank: 3}},
				Rows: [][]report.Value{{report.Text("caf\xff\x1b[2J"), report.Number(1234)}, {report.Null, report.Null}}, Omitted: 3,
				More: []report.Value{report.Null, report.Number(17)},
			}},
		}},
		Findings: []report.Finding{{Rule: "KD001", Severity: report.Warning, Subject: "{int}", Message: "m", Evidence: []report.Metric{}}},
		Skipped:  []report.Skip{{Name: "idle", Why: "needs idle"}},
		Parts: []report.Part{
			{Analyzer: "templates", Version: 1, Data: bytes.Repeat([]byte("state"), 1000)},
			{Analyzer: "biggest", Shard: 1, Version: 3, Config: 1<<64 - 1, Data: []byte{}},
		},
		Resume: &report.Resume{Match: "u*", Depth: "full", Marks: []report.Mark{
			{Shard: "a", State: report.MarkHere, From: []byte("0 17"), Keys: 7, Asked: 6, Lacking: 1, Since: []report.Key{{DB: 3, Key: "k\xff"}}},
			{Shard: "b", State: report.MarkDone},
			{Shard: "c"},
		}},
	}
}

func write(t testing.TB, r *report.Report) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := kvr.Write(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	bare := &report.Report{Schema: report.Schema, Kind: report.KindAudit}
	for _, want := range []*report.Report{full(), bare} {
		b := write(t, want)
		if !bytes.Equal(b, write(t, want)) {
			t.Error("written twice it is other bytes")
		}
		got, err := kvr.Read(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got, values); d != "" {
			t.Errorf("(-written +read):\n%s", d)
		}
	}
}

var update = flag.Bool("update", false, "write the fixture, if there is none")

// A file of the first version is read for ever, and is never written again.
func TestFirstVersion(t *testing.T) {
	const path = "../../testdata/report/v1.kvr"
	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) && *update {
		b = write(t, full())
		err = os.WriteFile(path, b, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	got, err := kvr.Read(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(full(), got, values); d != "" {
		t.Errorf("(-written +read):\n%s", d)
	}
}

// Cut anywhere, a file yields each frame that is whole, and says that it is damaged.
func TestCut(t *testing.T) {
	whole, b := full(), write(t, full())
	parts, resumes := 0, 0
	for n := range b {
		got, err := kvr.Read(bytes.NewReader(b[:n]))
		switch {
		case n < len(kvr.Magic):
			if !errors.Is(err, kvr.ErrFormat) {
				t.Fatalf("%d bytes: %v", n, err)
			}
			continue
		case !errors.Is(err, kvr.ErrDamaged):
			t.Fatalf("%d bytes of %d: %v", n, len(b), err)
		case got == nil:
			continue
		}
		if d := cmp.Diff(whole.Sections, got.Sections, values); d != "" {
			t.Fatalf("%d bytes: %s", n, d)
		}
		if len(got.Parts) < parts {
			t.Fatalf("%d bytes hold %d parts, fewer held %d", n, len(got.Parts), parts)
		}
		if parts = len(got.Parts); got.Resume != nil {
			resumes++
		}
	}
	if parts != len(whole.Parts) || resumes == 0 {
		t.Errorf("%d parts at last, and %d times a resume", parts, resumes)
	}
}

// Where one frame is damaged the others are read.
func TestDamage(t *testing.T) {
	b := write(t, full())
	at := bytes.Index(b, []byte("templates")) // the name of the first part's frame
	for at < len(b) && b[at-1] != 9 {
		at += 1 + bytes.Index(b[at+1:], []byte("templates"))
	}
	b[at+40] ^= 1
	got, err := kvr.Read(bytes.NewReader(b))
	if !errors.Is(err, kvr.ErrDamaged) || got == nil {
		t.Fatalf("%v, %v", got, err)
	}
	if len(got.Parts) != 1 || got.Parts[0].Analyzer != "biggest" || got.Resume == nil {
		t.Errorf("%+v", got)
	}
	for seed := range uint64(500) {
		rng := rand.New(rand.NewPCG(seed, 1))
		b := write(t, full())
		b[rng.IntN(len(b))] ^= byte(1 << rng.IntN(8))
		if got, err := kvr.Read(bytes.NewReader(b)); err == nil {
			t.Fatalf("seed %d: a damaged file was read: %+v", seed, got)
		}
	}
}

func TestRefusals(t *testing.T) {
	b := write(t, full())
	later := bytes.Clone(b)
	later[len(kvr.Magic)+1] = 2
	other := full()
	other.Schema = "kvtool.report/v2"
	crooked := full()
	crooked.Sections[0].Tables[0].Rows[0] = crooked.Sections[0].Tables[0].Rows[0][:1]
	for name, c := range map[string]struct {
		b    []byte
		want error
		text string
	}{
		"empty":               {nil, kvr.ErrFormat, "no snapshot file"},
		"a dump":              {[]byte("REDIS0011"), kvr.ErrFormat, "no snapshot file"},
		"taken for text":      {[]byte(strings.ReplaceAll(kvr.Magic, "\r\n", "\n")), kvr.ErrFormat, "no snapshot file"},
		"a later format":      {later, kvr.ErrFormat, "format 2"},
		"a later report":      {write(t, other), kvr.ErrFormat, "kvtool.report/v2"},
		"a row of one value":  {write(t, crooked), kvr.ErrFormat, "row 0 has 1 values for 2 columns"},
		"its head alone":      {b[:len(kvr.Magic)], kvr.ErrDamaged, "within its head"},
		"no frame":            {b[:len(kvr.Magic)+2], kvr.ErrDamaged, "cannot be read"},
		"nothing but the end": {append(b[:len(kvr.Magic)+2:len(kvr.Magic)+2], b[bytes.LastIndex(b, []byte("kvrf")):]...), kvr.ErrDamaged, "cannot be read"},
	} {
		got, err := kvr.Read(bytes.NewReader(c.b))
		if got != nil || !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

// A megabyte that unpacks to more than it says, or to more than fits, is refused before the memory is taken.
func TestBombs(t *testing.T) {
	z, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	bomb := z.EncodeAll(make([]byte, 64<<20), nil)
	for _, raw := range []uint32{10, 1<<32 - 1} {
		b := kvr.FrameForTest(2, "templates", raw, bomb)
		got, err := kvr.Read(bytes.NewReader(append(headOf(t), b...)))
		if !errors.Is(err, kvr.ErrDamaged) || got == nil || len(got.Parts) != 0 {
			t.Errorf("%d: %v, %v", raw, got, err)
		}
	}
}

// A kilobyte that unpacks to a report of millions of empty objects, each of hundreds of bytes in memory, is refused before
// they are made; what cannot be read is not written either.
func TestReportOfMany(t *testing.T) {
	doc := `{"schema":"kvtool.report/v1","findings":[` + strings.Repeat("{},", 2<<20) + "{}]}"
	file := append([]byte(kvr.Magic), 0, 1)
	file = append(file, kvr.PackForTest(1, "audit", []byte(doc))...)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	got, err := kvr.Read(bytes.NewReader(file))
	runtime.ReadMemStats(&after)
	if got != nil || !errors.Is(err, report.ErrTooLarge) || !errors.Is(err, kvr.ErrFormat) {
		t.Errorf("%v, %v", got != nil, err)
	}
	if most := uint64(20 * len(doc)); after.TotalAlloc-before.TotalAlloc > most {
		t.Errorf("%d bytes were allocated for a report of %d", after.TotalAlloc-before.TotalAlloc, len(doc))
	}
	many := &report.Report{Schema: report.Schema, Findings: []report.Finding{{Message: strings.Repeat("{", 1<<20+1)}}}
	if err := kvr.Write(io.Discard, many); !errors.Is(err, report.ErrTooLarge) {
		t.Errorf("written: %v", err)
	}
}

// headOf is a file up to the end of its report.
func headOf(t testing.TB) []byte {
	b := write(t, &report.Report{Schema: report.Schema})
	return b[:bytes.LastIndex(b, []byte("kvrf"))]
}

// FuzzRead holds that what is read can be shown in every format, and written and read again.
func FuzzRead(f *testing.F) {
	f.Add(write(f, full()))
	f.Add(headOf(f))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := kvr.Read(bytes.NewReader(b))
		if err != nil && !errors.Is(err, kvr.ErrFormat) && !errors.Is(err, kvr.ErrDamaged) {
			t.Fatal(err)
		}
		if r == nil {
			return
		}
		show(t, r)
		again, err := kvr.Read(bytes.NewReader(write(t, r)))
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(r, again, values); d != "" {
			t.Errorf("(-read +written and read):\n%s", d)
		}
	})
}

// FuzzReport does the same with the document alone, which a fuzzer cannot reach through checksum and compression.
func FuzzReport(f *testing.F) {
	doc := kvr.DocumentForTest(full())
	f.Add(doc)
	f.Fuzz(func(t *testing.T, b []byte) {
		file := append([]byte(kvr.Magic), 0, 1)
		file = append(file, kvr.PackForTest(1, "audit", b)...)
		r, err := kvr.Read(bytes.NewReader(file))
		if err == nil {
			t.Fatal("a file without an end was read")
		}
		if r != nil {
			show(t, r)
		}
	})
}

// show holds that no format prints a control character, whatever the report says.
func show(t *testing.T, r *report.Report) {
	for _, format := range render.Formats() {
		var b bytes.Buffer
		_ = format.Write(&b, r, render.Options{Keys: format.Keys}) // csv of a report without tables is an error
		if at := bytes.IndexFunc(b.Bytes(), func(c rune) bool { return c < ' ' && c != '\n' || c == 0x7f }); at >= 0 {
			t.Errorf("%s prints %q", format.Name, b.Bytes()[max(0, at-20):at+1])
		}
	}
}

// A report whose names drive a terminal is none.
func TestNamesAreChecked(t *testing.T) {
	const name = "a\x1b[2J"
	for what, spoil := range map[string]func(r *report.Report){
		"section":  func(r *report.Report) { r.Sections[0].Name = name },
		"metric":   func(r *report.Report) { r.Sections[0].Metrics[0].Name = name },
		"unit":     func(r *report.Report) { r.Sections[0].Metrics[0].Unit = name },
		"how":      func(r *report.Report) { r.Sections[0].Metrics[0].How = name },
		"table":    func(r *report.Report) { r.Sections[0].Tables[0].Name = name },
		"column":   func(r *report.Report) { r.Sections[0].Tables[0].Columns[0].Name = name },
		"rule":     func(r *report.Report) { r.Findings[0].Rule = name },
		"severity": func(r *report.Report) { r.Findings[0].Severity = name },
		"measure":  func(r *report.Report) { r.Findings[0].Measure = &report.Metric{Name: name} },
		"evidence": func(r *report.Report) { r.Findings[0].Evidence = []report.Metric{{Name: name}} },
		"target": func(r *report.Report) {
			r.Targets = []*report.Report{{Schema: report.Schema, Sections: []report.Section{{Name: name}}}}
		},
	} {
		r := full()
		spoil(r)
		if got, err := kvr.Read(bytes.NewReader(write(t, r))); got != nil || !errors.Is(err, kvr.ErrFormat) {
			t.Errorf("%s: %v, %v", what, got != nil, err)
		}
	}
	r := full() // texts may hold anything, and are shown with their odd bytes escaped
	r.Sections[0].Title, r.Findings[0].Message, r.Findings[0].Subject, r.Target.URL, r.Skipped[0].Why = name, name, name, name, name
	r.Sections[0].Tables[0].Columns[0].Title, r.Sections[0].Tables[0].Title, r.Coverage.Why[0], r.Tool.Version = name, name, name, name
	r.Target.Product, r.Target.Version, r.Target.Notes, r.Target.Facts[0].Name, r.Skipped[0].Name = name, name, []string{name}, name, name
	r.Target.Facts = append(r.Target.Facts, report.Fact{Name: "size", How: name, Why: name, Hint: name})
	got, err := kvr.Read(bytes.NewReader(write(t, r)))
	if err != nil {
		t.Fatal(err)
	}
	show(t, got)
}
