package learn

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/loadgen/scenario"
)

// A Mix is how often each command was called in a time.
type Mix struct {
	Took  time.Duration
	Calls []kv.Calls // of commands that touch keys, the most called first
	Reset bool       // a server has begun to count anew in between
}

// Difference returns what was called between two readings of the counters of the same servers. What administers a server or a
// connection and touches no key is no load, and left out: so is all that kvtool itself sends to take the readings, and to watch.
func Difference(before, after []kv.Stats) *Mix {
	m := &Mix{}
	var sum kv.Server
	servers := 0
	for i := range after {
		a := &after[i]
		j := slices.IndexFunc(before, func(b kv.Stats) bool { return b.Place == a.Place })
		if j < 0 || a.Calls == nil || before[j].Calls == nil {
			continue
		}
		servers++
		m.Took += a.At.Sub(before[j].At)
		was := map[string]int64{}
		for _, c := range before[j].Calls {
			was[c.Command] = c.N
		}
		for _, c := range a.Calls {
			if n := c.N - was[c.Command]; n > 0 {
				sum.Count(c.Command, n)
			} else if n < 0 {
				m.Reset = true
			}
		}
	}
	if servers == 0 || m.Reset {
		return m
	}
	m.Took /= time.Duration(servers)
	for _, c := range sum.Calls {
		if !administers(c.Command) {
			m.Calls = append(m.Calls, c)
		}
	}
	slices.SortFunc(m.Calls, func(a, b kv.Calls) int { return cmp.Or(cmp.Compare(b.N, a.N), cmp.Compare(a.Command, b.Command)) })
	return m
}

// administers reports whether a command touches no key: it is about the connection, the server or a transaction.
func administers(command string) bool {
	name, _, _ := strings.Cut(command, "|")
	return slices.Contains(strings.Fields(`info config client hello auth select ping echo time command cluster acl latency slowlog monitor
		scan keys dbsize randomkey memory object module debug save bgsave bgrewriteaof lastsave replicaof slaveof psync replconf sync role
		wait waitaof multi exec discard watch unwatch reset quit readonly readwrite asking subscribe psubscribe ssubscribe unsubscribe
		punsubscribe sunsubscribe publish spublish pubsub script function failover shutdown flushall flushdb swapdb lolwut hotkeys`), name)
}

// total is how many calls there were.
func (m *Mix) total() (n int64) {
	for _, c := range m.Calls {
		n += c.N
	}
	return n
}

// operations makes an operation of each command and template that it may be for.
func (l *learner) operations() {
	if m := l.src.Mix; m != nil && m.total() > 0 {
		l.counted(m)
	}
	if len(l.draft.Ops) > 0 {
		return
	}
	if l.src.Mix == nil {
		l.missing = append(l.missing, "the mix is assumed: nothing tells which commands there are, so that keys are read, and each tenth is written")
	} else {
		l.missing = append(l.missing, "the mix is assumed: no command that touches keys was called meanwhile")
	}
	for i := range l.draft.Schema.Templates {
		l.draft.AssumeOps(i, float64(l.raw.Templates[i].Cardinality.Live))
	}
}

// counted makes the operations of a mix. A command is shared among the templates of its type: as these are used, or by their keys.
func (l *learner) counted(m *Mix) {
	total := m.total()
	unknown := int64(0)
	var left []string
	for _, c := range m.Calls {
		shares := l.shares(c.Command)
		if len(shares) == 0 {
			unknown += c.N
			left = append(left, c.Command)
			continue
		}
		for _, s := range shares {
			calls := float64(c.N) * s.part
			if calls < 1 {
				continue
			}
			t := &l.draft.Schema.Templates[s.template]
			words, _ := scenario.Usual(c.Command, t)
			op := scenario.DraftOp{
				Name: t.Name + "_" + strings.ToLower(c.Command), Weight: math.Round(calls), Steps: []scenario.DraftStep{{Cmds: [][]string{words}}},
			}
			op.Learnt.Add("calls", math.Round(calls))
			op.Learnt.Add("of", float64(total))
			if len(shares) > 1 {
				if s.seen > 0 {
					op.Learnt.Add("accesses", float64(s.seen))
				} else {
					op.Learnt.Say("template", "assumed by its keys")
				}
			}
			l.draft.Ops = append(l.draft.Ops, op)
			if scenario.Counts(c.Command) && (t.Kind == "" || t.Kind == schema.Record) {
				t.Kind = schema.Counter
			}
		}
	}
	if unknown > 0 {
		text := fmt.Sprintf("left out: %d of %d calls, of %s: not commands that are known here, or for no template", unknown, total, strings.Join(left, ", "))
		l.missing = append(l.missing, text)
		l.draft.Learnt.Add("calls_left_out", float64(unknown))
	}
}

// A part is what of a command goes to a template.
type part struct {
	template int
	part     float64
	seen     int64 // accesses that it is from; 0: it is from the number of keys
}

// shares divides a command among the templates that it may be for.
func (l *learner) shares(command string) []part {
	var all []part
	sum, keys := int64(0), int64(0)
	for i := range l.draft.Schema.Templates {
		t := &l.draft.Schema.Templates[i]
		if _, ok := scenario.Usual(command, t); !ok || t.Type == "" && l.raw.Templates[i].Type == "" && len(l.draft.Schema.Templates) > 1 {
			continue
		}
		p := part{template: i, seen: l.used(i, command)}
		sum += p.seen
		keys += l.raw.Templates[i].Cardinality.Live
		all = append(all, p)
	}
	for j := range all {
		if sum > 0 {
			all[j].part = float64(all[j].seen) / float64(sum)
		} else {
			all[j].part = float64(l.raw.Templates[all[j].template].Cardinality.Live) / float64(max(keys, 1))
		}
	}
	return all
}

// used is how often the keys of template i were used for what the command does, as far as that was seen.
func (l *learner) used(i int, command string) (n int64) {
	if l.src.Uses == nil {
		return 0
	}
	for _, j := range l.of[i] {
		u := l.src.Uses.of(j)
		if u == nil {
			continue
		}
		switch scenario.KindOf(command) {
		case kv.OpRead:
			n += u.Reads
		case kv.OpWrite:
			n += u.Writes
		}
		n += u.Unknown
	}
	return n
}
