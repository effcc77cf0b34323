package scenario

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/kv"
)

// core returns the property file of a core workload of YCSB 0.17.0, without its licence.
func core(read, update, insert, scan, modify float64, dist string) string {
	text := fmt.Sprintf(`# Yahoo! Cloud System Benchmark
recordcount=1000
operationcount=1000
workload=site.ycsb.workloads.CoreWorkload

readallfields=true

readproportion=%g
updateproportion=%g
scanproportion=%g
insertproportion=%g
`, read, update, scan, insert)
	if modify > 0 {
		text += fmt.Sprintf("readmodifywriteproportion=%g\n", modify)
	}
	if scan > 0 {
		text += "maxscanlength=100\n\nscanlengthdistribution=uniform\n"
	}
	return text + "\nrequestdistribution=" + dist + "\n"
}

// parsed reads a property file.
func parsed(t *testing.T, text string) *Scenario {
	t.Helper()
	data, err := FromProperties("dir/workload-x.properties", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	s, err := Parse("workload-x.yaml", data, nil)
	if err != nil {
		t.Fatalf("%v\n%s", err, data)
	}
	return s
}

// TestCoreWorkloads: the six that YCSB comes with have the shares, the records and the popularity that they say.
func TestCoreWorkloads(t *testing.T) {
	for name, tt := range map[string]struct {
		text string
		mix  map[string]float64
		dist schema.Dist
	}{
		"a": {core(0.5, 0.5, 0, 0, 0, "zipfian"), map[string]float64{"read": 0.5, "update": 0.5}, schema.Dist{Kind: schema.Zipf, A: 0.99}},
		"b": {core(0.95, 0.05, 0, 0, 0, "zipfian"), map[string]float64{"read": 0.95, "update": 0.05}, schema.Dist{Kind: schema.Zipf, A: 0.99}},
		"c": {core(1, 0, 0, 0, 0, "zipfian"), map[string]float64{"read": 1}, schema.Dist{Kind: schema.Zipf, A: 0.99}},
		"d": {core(0.95, 0, 0.05, 0, 0, "latest"), map[string]float64{"read": 0.95, "insert": 0.05}, schema.Dist{Kind: schema.Latest, A: 0.99}},
		"e": {core(0, 0, 0.05, 0.95, 0, "zipfian"), map[string]float64{"scan": 0.95, "insert": 0.05}, schema.Dist{Kind: schema.Zipf, A: 0.99}},
		"f": {core(0.5, 0, 0, 0, 0.5, "zipfian"), map[string]float64{"read": 0.5, "read_modify_write": 0.5}, schema.Dist{Kind: schema.Zipf, A: 0.99}},
	} {
		s := parsed(t, tt.text)
		got := map[string]float64{}
		for _, op := range s.Ops {
			got[op.Name] = op.Weight
		}
		if fmt.Sprint(got) != fmt.Sprint(tt.mix) {
			t.Errorf("%s: mix %v, want %v", name, got, tt.mix)
		}
		user := s.Schema.Field("user")
		if user.Cardinality != 1000 || user.Dist != tt.dist {
			t.Errorf("%s: %+v", name, user)
		}
		record := s.Schema.Template("record")
		if len(record.Value.Fields) != 10 || record.Value.Fields[0].Type.N != 100 || s.Phases[0].Fill[0] != "record" {
			t.Errorf("%s: %+v, filled %v", name, record.Value, s.Phases[0].Fill)
		}
		if scans := tt.mix["scan"] > 0; scans != (len(s.Phases[0].Fill) == 2) || scans && Members(s.Schema, 1) != 1000 {
			t.Errorf("%s: filled are %v", name, s.Phases[0].Fill)
		}
	}
}

// TestProperties: each property that the load has does what YCSB says of it.
func TestProperties(t *testing.T) {
	field := func(s *Scenario) schema.Dist { return s.Schema.Field("user").Dist }
	for name, tt := range map[string]struct {
		text string
		ok   func(s *Scenario) bool
	}{
		"defaults": {"recordcount=5", func(s *Scenario) bool {
			return len(s.Ops) == 2 && s.Ops[0].Weight == 0.95 && field(s) == schema.Dist{} && s.Schema.Field("user").Type.Kind == schema.TypeHex
		}},
		"blanks, colons and lines that go on": {"recordcount : 5\noperation\\\n  count 7\n! no\ntarget=7", func(s *Scenario) bool {
			return s.Phases[len(s.Phases)-1].For.Seconds() == 1 && s.Phases[len(s.Phases)-1].Rate.Values[0] == 7
		}},
		"hotspot": {"recordcount=1000\nrequestdistribution=hotspot\nhotspotdatafraction=0.1\nhotspotopnfraction=0.7", func(s *Scenario) bool {
			return field(s) == schema.Dist{Kind: schema.Hot, Keys: 100, Share: 0.7}
		}},
		"exponential": {"recordcount=10\nrequestdistribution=exponential\nexponential.percentile=90\nexponential.frac=0.5", func(s *Scenario) bool {
			return field(s) == schema.Dist{Kind: schema.Exponential, Share: 0.9, Within: 0.5}
		}},
		"sequential": {"recordcount=10\nrequestdistribution=sequential", func(s *Scenario) bool { return field(s).Kind == schema.Sequential }},
		"ordered":    {"recordcount=10\ninsertorder=ordered", func(s *Scenario) bool { return s.Schema.Field("user").Type.Kind == schema.TypeInt }},
		"fields": {"recordcount=10\nfieldcount=3\nfieldlength=7\nfieldnameprefix=f\ntable=t", func(s *Scenario) bool {
			v := s.Schema.Templates[0].Value
			return len(v.Fields) == 3 && v.Fields[2].Name == "f2" && v.Fields[2].Type.N == 7 && s.Schema.Templates[0].Key[0].Literal == "t:user"
		}},
		"one field": {"recordcount=10\nreadallfields=false", func(s *Scenario) bool { return s.Ops[0].Steps[0].Cmds[0].Name() == "HGET" }},
		"all fields": {"recordcount=10\nwriteallfields=true", func(s *Scenario) bool {
			return s.Ops[1].Steps[0].Cmds[0].Words[2].Part == PartFields
		}},
		"threads": {"recordcount=10\nthreadcount=9", func(s *Scenario) bool { return s.Load.Conns == 9 }},
		"short scans": {"recordcount=10\nscanproportion=1\nscanlengthdistribution=zipfian\nmaxscanlength=20", func(s *Scenario) bool {
			f := s.Schema.Field("length")
			return f.Dist.Kind == schema.Latest && f.Type.Values[0] == "20" && f.Type.Values[19] == "1"
		}},
		"what is of a binding": {"recordcount=10\nredis.host=cache-1\nmeasurementtype=hdrhistogram", func(s *Scenario) bool {
			return strings.Contains(string(s.Text), "left out: redis.host, measurementtype")
		}},
		"the last one counts": {"recordcount=10\nrecordcount=11", func(s *Scenario) bool { return s.Schema.Field("user").Cardinality == 11 }},
		"escapes":             {"recordcount=10\ntable=a\\u0062\\:c", func(s *Scenario) bool { return s.Schema.Templates[0].Key[0].Literal == "ab:c:user" }},
	} {
		t.Run(name, func(t *testing.T) {
			if s := parsed(t, tt.text); !tt.ok(s) {
				t.Errorf("%s", s.Text)
			}
		})
	}
}

// TestPropertiesRefused: what is not understood is named, with its line and what was meant.
func TestPropertiesRefused(t *testing.T) {
	for text, want := range map[string]string{
		"recordcont=10":                                        `x.properties:1: unknown property "recordcont", did you mean recordcount?`,
		"recordcount=10\nfoo=1\nreadpropotion=1":               `x.properties:3: unknown property "readpropotion", did you mean readproportion?`,
		"operationcount=10":                                    "has no recordcount",
		"recordcount=ten":                                      "x.properties:1: recordcount: want a whole number",
		"recordcount=0":                                        "want a whole number from 1",
		"recordcount=10\nrequestdistribution=zipf":             `"zipf": want one of`,
		"recordcount=10\nworkload=x.ConstantOccupancy":         "only the core workload is read",
		"recordcount=10\nfieldlengthdistribution=histogram":    `want one of constant`,
		"recordcount=10\nreadproportion=0\nupdateproportion=0": "all proportions are 0",
		"recordcount=10\nreadproportion=NaN":                   "want a number from 0 to 1",
		"recordcount=10\nminscanlength=9\nmaxscanlength=8":     "x.properties:2: minscanlength is more than maxscanlength",
		"recordcount=10\nscanproportion=1\nscanlengthdistribution=zipfian\nmaxscanlength=5000": "want at most 1000",
		"recordcount=10\ntable=a{b}": "without blanks and braces",
		"recordcount=10\nexponential.percentile=100\nrequestdistribution=exponential": "want a number from 0.001 to 99.999",
		"recordcount=\\u00zz":                                                "four hexadecimal digits",
		"recordcount=10\nfieldcount=1000\nfieldlength=65536":                 "more than 16 MiB",
		"recordcount=10\nrequestdistribution=hotspot\nhotspotdatafraction=0": "no keys are hot",
	} {
		_, err := FromProperties("x.properties", []byte(text))
		if err == nil || !strings.Contains(err.Error(), want) || !errors.Is(err, kv.ErrUsage) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

// FuzzProperties: whatever a file says, it is refused as a mistake of the user, or becomes a scenario that Parse accepts.
func FuzzProperties(f *testing.F) {
	f.Add([]byte(core(0.5, 0.2, 0.1, 0.1, 0.1, "latest")))
	f.Add([]byte("recordcount = 5\\\n0\ntable:x\nscanlengthdistribution zipfian\nmaxscanlength 9\nscanproportion 1"))
	f.Add([]byte("!\n\\u0041=\\"))
	f.Fuzz(func(t *testing.T, data []byte) {
		text, err := FromProperties("x.properties", data)
		if err != nil {
			if !errors.Is(err, kv.ErrUsage) {
				t.Error(err)
			}
			return
		}
		if s, err := Parse("x.yaml", text, nil); err != nil || len(s.Ops) == 0 {
			t.Errorf("%v\n%s", err, text)
		}
	})
}
