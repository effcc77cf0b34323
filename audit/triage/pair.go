package triage

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

// A pair is an observation as rules look at it: what has grown between the readings, and what is so now.
type pair struct {
	*Observation
	seconds float64 // between the readings; 0 where there are none
	used    []use   // of commands, the one that took most time first; without our own
}

// A use is how much of a command there was between the readings.
type use struct {
	name   string
	calls  float64
	cpu    float64 // seconds
	failed float64
	kv.Command
}

// share is the part of the window that the command took.
func (u *use) share(p *pair) float64 { return u.cpu / p.seconds }

// mean is how many seconds a call took.
func (u *use) mean() float64 { return u.cpu / max(u.calls, 1) }

func newPair(o *Observation) *pair {
	p := &pair{Observation: o}
	if o.Before == nil || o.After == nil {
		return p
	}
	p.seconds = o.After.At.Sub(o.Before.At).Seconds()
	if us, ok := p.grew("server_time_usec"); ok && us > 0 { // what the answer took on its way is no part of it
		p.seconds = us / 1e6
	}
	p.seconds = max(p.seconds, 1e-3)
	for _, name := range slices.Sorted(maps.Keys(o.After.Commands)) {
		c, was := o.After.Commands[name], o.Before.Commands[name]
		u := use{name: name, calls: float64(c.Calls - was.Calls), cpu: (c.CPU - was.CPU).Seconds(), Command: c}
		u.failed = float64(c.Failed - was.Failed + c.Rejected - was.Rejected)
		if own := p.own(name); own > 0 && u.calls > 0 {
			left := max(u.calls-own, 0)
			u.cpu *= left / u.calls
			u.calls = left
		}
		if u.calls > 0 || u.failed > 0 {
			p.used = append(p.used, u)
		}
	}
	slices.SortStableFunc(p.used, func(a, b use) int { return cmp.Compare(b.cpu, a.cpu) })
	return p
}

// own returns how many calls of a command were ours. A server that does not tell subcommands apart counts them together.
func (p *pair) own(command string) float64 {
	n := float64(p.Own[command])
	if !strings.Contains(command, "|") {
		for name, calls := range p.Own {
			if container, _, sub := strings.Cut(name, "|"); sub && container == command {
				if _, apart := p.After.Commands[name]; !apart {
					n += float64(calls)
				}
			}
		}
	}
	return n
}

// readsOfOthers returns how many reads in the window found their key and how many did not, without those of ours.
func (p *pair) readsOfOthers() (hits, misses float64) {
	return max(0, p.growth("keyspace_hits")-float64(p.OwnHits)), p.growth("keyspace_misses")
}

func (p *pair) product() string {
	for _, v := range []*kv.Vitals{p.After, p.Before} {
		if v != nil {
			return v.Product
		}
	}
	return ""
}

// now returns a number of the second reading.
func (p *pair) now(name string) (float64, bool) {
	if p.After == nil {
		return 0, false
	}
	x, ok := p.After.Numbers[name]
	return x, ok
}

// number is now, or 0 where the server does not say.
func (p *pair) number(name string) float64 {
	x, _ := p.now(name)
	return x
}

// text returns a text of the second reading.
func (p *pair) text(name string) string {
	if p.After == nil {
		return ""
	}
	return p.After.Texts[name]
}

// setting returns a setting, "" where the server does not say.
func (p *pair) setting(name string) string {
	if p.Details == nil {
		return ""
	}
	return p.Details.Settings[name]
}

// grew returns by how much a counter has grown. A counter that has fallen was set back, and nothing is known.
func (p *pair) grew(name string) (float64, bool) {
	if p.Before == nil || p.After == nil {
		return 0, false
	}
	was, ok1 := p.Before.Numbers[name]
	is, ok2 := p.After.Numbers[name]
	return max(is-was, 0), ok1 && ok2 && is >= was
}

// growth is grew, or 0 where it is not known.
func (p *pair) growth(name string) float64 {
	x, _ := p.grew(name)
	return x
}

// rate is growth a second.
func (p *pair) rate(name string) float64 {
	if p.seconds == 0 {
		return 0
	}
	return p.growth(name) / p.seconds
}

// commands returns how many commands others have sent.
func (p *pair) commands() float64 {
	n, counted := p.grew("total_commands_processed")
	if !counted {
		return 0
	}
	for name := range p.After.Commands {
		n -= p.own(name)
	}
	return max(n, 0)
}

// failures returns by how much the errors of a class have grown.
func (p *pair) failures(class string) float64 {
	if p.Before == nil || p.After == nil {
		return 0
	}
	return float64(max(p.After.Errors[class]-p.Before.Errors[class], 0))
}

// mainThread returns how much of a processor the thread that runs commands used, and whether that is of such threads alone; of several
// of them, the mean.
func (p *pair) mainThread() (share float64, alone, ok bool) {
	user, ok1 := p.grew("used_cpu_user_main_thread")
	sys, ok2 := p.grew("used_cpu_sys_main_thread")
	if alone = ok1 && ok2; !alone {
		user, ok1 = p.grew("used_cpu_user")
		sys, ok2 = p.grew("used_cpu_sys")
	}
	if !ok1 || !ok2 || p.seconds == 0 {
		return 0, false, false
	}
	if threads := p.number("threads"); threads > 0 {
		return (user + sys) / p.seconds / threads, true, true
	}
	return (user + sys) / p.seconds, alone, true
}

// slow returns the slow calls of a command since the first reading, and the keys that they were about, the one that took longest
// first.
func (p *pair) slow(commands ...string) (calls []kv.SlowCall, keys []report.Value) {
	if p.Details == nil || p.Before == nil {
		return nil, nil
	}
	since := p.since()
	took := map[string]time.Duration{}
	for _, c := range p.Details.Slow {
		if !slices.Contains(commands, c.Command) || c.At.Before(since) {
			continue
		}
		calls = append(calls, c)
		if c.Key != "" {
			took[c.Key] += c.Took
		}
	}
	names := slices.SortedFunc(maps.Keys(took), func(a, b string) int { return cmp.Or(cmp.Compare(took[b], took[a]), cmp.Compare(a, b)) })
	for _, k := range names[:min(3, len(names))] {
		keys = append(keys, report.Text(k))
	}
	return calls, keys
}

// since returns when the watch began, by the server's clock, which may be another than ours. It notes seconds.
func (p *pair) since() time.Time {
	if us := p.Before.Numbers["server_time_usec"]; us > 0 {
		return time.UnixMicro(int64(us)).Add(-time.Second)
	}
	return p.Began.Add(-time.Second)
}

// stalled returns the probe that went longest without an answer.
func (p *pair) stalled() (worst Probe) {
	for _, x := range p.Probes {
		if x.Took > worst.Took {
			worst = x
		}
	}
	return worst
}

// lacks returns why one of the needs is not met, "" if all are.
func (p *pair) lacks(needs []string) string {
	for _, need := range needs {
		if why := p.lack(need); why != "" {
			return why
		}
	}
	return ""
}

func (p *pair) lack(need string) string {
	if p.Before == nil || p.After == nil {
		if p.Failed != nil {
			return fmt.Sprintf("there are no two readings: %s", p.Failed)
		}
		return "there are no two readings"
	}
	if why := cmp.Or(p.After.Lacks["info"], p.After.Lacks[need]); why != "" {
		return why
	}
	switch need {
	case "commandstats":
		if p.After.Commands == nil {
			return "the server does not count commands"
		}
		return ""
	case "errorstats":
		if p.After.Errors == nil {
			return "the server does not count errors by class"
		}
		return ""
	case "largest":
		if p.Largest == 0 {
			return "the sizes of keys are not known"
		}
		return ""
	case "design":
		if p.Design == nil {
			return "no schema says what the keys are for (--schema)"
		}
		return ""
	case "lasting":
		if p.Lasting == nil {
			return "nobody has looked which keys never expire"
		}
		return ""
	case "default", "slow", "spikes", "ttl", "clients", "settings", "cluster", "nodes", "memory", "users", "harmful", "sentinel":
		if p.Details == nil {
			return fmt.Sprintf("the server stopped answering: %s", p.Failed)
		}
		return p.Details.Lacks[need]
	}
	for name := range strings.SplitSeq(need, "|") {
		if _, ok := p.now(name); ok {
			return ""
		}
	}
	name, _, _ := strings.Cut(need, "|")
	return "the server does not tell " + name
}
