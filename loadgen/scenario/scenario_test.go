package scenario

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/kvtool/kvtool/kv"
)

// TestBuiltins: each is a sound file under its own name, with a line on what it does.
func TestBuiltins(t *testing.T) {
	if n := len(Builtins()); n < 23 {
		t.Errorf("%d scenarios", n)
	}
	for _, name := range Builtins() {
		data, _ := Builtin(name)
		s, err := Parse(name+".yaml", data, nil)
		if err != nil {
			t.Error(err)
			continue
		}
		if s.Name != name || s.About == "" || len(s.Ops) == 0 {
			t.Errorf("%s: name %q, about %q", name, s.Name, s.About)
		}
	}
	if _, ok := Builtin("../scenario"); ok {
		t.Error("a path is no name")
	}
}

const sound = `kvscenario: 1
fields:
  uid: {type: int, cardinality: 10}
templates:
  user: {key: "user:{uid}", type: string}
ops:
  read: {steps: [{cmd: [GET, "@user"], on_nil: make}], make: [{cmd: [SET, "@user", "@user.value", PX, "@user.ttl"]}]}
mix: {read: 1}
phases:
  - {name: steady, for: 1s, rate: 10/s}
`

// TestMistakes: what cannot be played is refused with its line and what was meant.
func TestMistakes(t *testing.T) {
	tests := []struct{ name, old, with, want string }{
		{"version", "kvscenario: 1", "kvscenario: 2", "x.yaml:1: kvscenario: want 1"},
		{"unknown key", "mix:", "mixx:", `x.yaml:8: unknown key "mixx", did you mean mix?`},
		{"unknown template", "[GET, \"@user\"]", "[GET, \"@usr\"]", `x.yaml:7: ops.read.steps[0].cmd[1]: there is no template "usr", did you mean user?`},
		{"unknown part", "@user.value", "@user.vaule", `did you mean value?`},
		{"unknown command", "[GET,", "[GTE,", `unknown command "gte", did you mean get?`},
		{"unknown branch", "on_nil: make", "on_nil: mkke", `has no branch "mkke", did you mean make?`},
		{"circle", "make: [{cmd: [SET, \"@user\", \"@user.value\", PX, \"@user.ttl\"]}]", "make: [{cmd: [GET, \"@user\"], on_nil: make}]", "may not go in a circle"},
		{"keys outside the prefix", "[GET, \"@user\"]", "[GET, user]", "must be templates"},
		{"a value as a key", "[GET, \"@user\"]", "[GET, \"@user.value\"]", "must be templates"},
		{"a command without keys", "[GET, \"@user\"]", "[FLUSHALL]", "reaches beyond the run's keys"},
		{"a script", "[GET, \"@user\"]", "[EVAL, x, 0]", `unknown command "eval"`},
		{"zero keys", "cardinality: 10", "cardinality: 0", "want at least 1"},
		{"no rate", "rate: 10/s", "rate: 0/s", "want a rate of more than nothing"},
		{"impossible rate", "rate: 10/s", "rate: 900G/s", "want a rate"},
		{"no time", "for: 1s", "for: 0s", "want for"},
		{"too long", "for: 1s", "for: 5000w", "up to a year"},
		{"weights", "mix: {read: 1}", "mix: {read: 0}", "no operation has a weight"},
		{"unknown operation", "mix: {read: 1}", "mix: {raed: 1}", `there is no operation "raed", did you mean read?`},
		{"a key that is there twice", "mix: {read: 1}", "ops: {}", "line 6 already"},
		{"no operations", "ops:\n", "ops: {}\nx-ops:\n", "at least one operation"},
		{"nothing to fill", "for: 1s", "fill: [usr]", `there is no template "usr"`},
		{"a prefix without the run", "kvscenario: 1", "kvscenario: 1\nprefix: \"app:\"", "want a prefix with {run}"},
		{"an event of no kind", "for: 1s", "for: 1s, events: [{at: 0s}]", "want one of popularity_shift"},
		{"two events at once", "for: 1s", "for: 1s, events: [{at: 0s, failover: {}, conn_reset: {}}]", "want one of popularity_shift"},
		{"a fault without its length", "for: 1s", "for: 1s, events: [{at: 0s, server_sleep: {}}]", "has no for"},
		{"a fault with what it has not", "for: 1s", "for: 1s, events: [{at: 0s, failover: {for: 1s}}]", `unknown key "for"`},
		{"an event after the end", "for: 1s", "for: 1s, events: [{at: 2s, failover: {}}]", "after the end of the phase"},
		{"a write to a replica", "[GET, \"@user\"]", "[DEL, \"@user\"], replica: true", "a replica takes no writes"},
		{"asking again for nothing", "on_nil: make", "again: 1ms", "check: read_your_writes"},
		{"unknown check", "make: [", "check: sums, make: [", "did you mean sum?"},
		{"no steps", "steps: [", "x-steps: [", "has no steps"},
		{"a file beside nothing", "kvscenario: 1", "kvscenario: 1\nschema: /etc/passwd", "there is no file beside"},
	}
	if _, err := Parse("x.yaml", []byte(sound), nil); err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		text := strings.Replace(sound, tt.old, tt.with, 1)
		if text == sound {
			t.Fatalf("%s: %q is not in the file", tt.name, tt.old)
		}
		_, err := Parse("x.yaml", []byte(text), nil)
		if err == nil || !strings.Contains(err.Error(), tt.want) || !errors.Is(err, kv.ErrUsage) || !strings.HasPrefix(err.Error(), "x.yaml:") {
			t.Errorf("%s: %v, want %s", tt.name, err, tt.want)
		}
	}
}

// TestHash: the hash is that of what is done.
func TestHash(t *testing.T) {
	a, _ := Parse("x.yaml", []byte(sound), nil)
	b, _ := Parse("y.yaml", []byte(sound), nil)
	if a.Hash() != b.Hash() {
		t.Error("the same text has two hashes")
	}
	if err := b.Set("mix.read=2"); err != nil || a.Hash() == b.Hash() || b.Phases[0].Mix[0] != 2 {
		t.Errorf("%v: the mix is not in the hash, or not set", err)
	}
	for _, set := range []string{"mix.raed=2", "mix.read=x", "mix.read", "fields.uid.cardinality=0", "ops.read.single_flight=maybe", "load.conns=0"} {
		if err := b.Set(set); !errors.Is(err, kv.ErrUsage) {
			t.Errorf("%s: %v", set, err)
		}
	}
	for _, set := range []string{"fields.uid.cardinality=2k", "ops.read.single_flight=on", "ops.read.weight=3", "seed=7", "max_ttl=1m"} {
		if err := b.Set(set); err != nil {
			t.Errorf("%s: %v", set, err)
		}
	}
	if !b.Ops[0].SingleFlight || b.Schema.Fields[0].Cardinality != 2000 || b.Seed != 7 {
		t.Errorf("%+v", b)
	}
}

// FuzzParse: whatever the file says, it is read or refused.
func FuzzParse(f *testing.F) {
	f.Add([]byte(sound))
	f.Add([]byte(whole))
	for _, name := range Builtins() {
		data, _ := Builtin(name)
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := Parse("x.yaml", data, func(string) ([]byte, error) { return nil, os.ErrNotExist })
		if err == nil && (len(s.Ops) == 0 || len(s.Phases) == 0) {
			t.Error("nothing to do")
		}
		if err != nil && !errors.Is(err, kv.ErrUsage) {
			t.Error(err)
		}
	})
}
