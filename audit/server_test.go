package audit

import (
	"reflect"
	"testing"

	"github.com/kvtool/kvtool/internal/saved"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

var oneServer = kv.Server{Policy: "noeviction", AppendOnly: "yes", Calls: []kv.Calls{{Command: "multi", N: 7}, {Command: "other", N: 50}}}

// What a server says is in a section of its own, and there is none of a store that says nothing or was not read whole.
func TestServerSection(t *testing.T) {
	reported := func(s *kv.Info) Output {
		out := Output{Store: s}
		server().New(frozen).Report(&out)
		return out
	}
	out := reported(&kv.Info{Server: oneServer})
	want := []report.Value{report.Text("noeviction"), report.Text("yes"), report.Number(57)}
	for i, m := range out.Metrics {
		if m.Value != want[i] {
			t.Errorf("%s is %v, want %v", m.Name, m.Value, want[i])
		}
	}
	rows := [][]report.Value{{report.Text("other"), report.Number(50)}, {report.Text("multi"), report.Number(7)}}
	if len(out.Metrics) != 3 || len(out.Tables) != 1 || !reflect.DeepEqual(out.Tables[0].Rows, rows) {
		t.Errorf("%+v", out)
	}
	for name, s := range map[string]*kv.Info{"silent": {}, "not read whole": nil} {
		if out := reported(s); len(out.Metrics)+len(out.Tables) > 0 {
			t.Errorf("%s: %+v", name, out)
		}
	}
}

// A run that is saved keeps what its server said, files of two servers add it up, and one of the time before has none.
func TestServerIsSaved(t *testing.T) {
	as := Analyzers(Config{})
	with := func(name string, version uint16) Saved {
		run := savedRun(t, as, name, name)
		b, err := loadStore(run.Parts)
		if err != nil {
			t.Fatal(err)
		}
		b.info.Server = oneServer
		data, err := saved.Append(nil, version, b.form)
		if err != nil {
			t.Fatal(err)
		}
		run.Parts[len(run.Parts)-1] = report.Part{Analyzer: report.StorePart, Version: version, Data: data}
		return run
	}
	merged := func(runs ...Saved) *report.Section {
		r, err := Merge(as, runs...)
		if err != nil {
			t.Fatal(err)
		}
		return r.Section("server")
	}
	s := merged(with("a", storeVersion), with("b", storeVersion))
	if s == nil || len(s.Metrics) != 3 || s.Metrics[0].Value != report.Text("noeviction") || s.Metrics[2].Value != report.Number(114) {
		t.Errorf("two servers: %+v", s)
	}
	for version := uint16(1); version < 3; version++ {
		if s := merged(with("a", storeVersion), with("b", version)); s != nil {
			t.Errorf("one of two is of version %d, which had no servers: %+v", version, s)
		}
	}
}
