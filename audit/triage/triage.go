// Package triage finds out why a server is slow now: from two readings of what it says of itself, and what it is asked once, to causes,
// the one that explains most first.
//
// The one idea is that a diagnosis is a pure function. Watch talks to servers and returns an Observation of each, which is data; Judge
// makes causes of it, by rules that neither wait nor ask:
//
//	kv.Exam ──Watch──▶ Observation ──Judge──▶ causes, and what could not be ruled out ──Report──▶ report.Report
//
// Each cause has a weight, the share of the window in which it kept the server from other work, or an estimate of it: what is compared
// is time, whatever it was lost to. A rule whose facts are withheld is never silent: it is named with the reason.
package triage

import (
	"cmp"
	"slices"
	"time"

	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

// An Observation is all that was learnt of one server in a window of time.
type Observation struct {
	Place         string
	Before, After *kv.Vitals  // nil: Failed says why
	Details       *kv.Details // nil where the server stopped answering before
	Probes        []Probe     // in their order
	Began         time.Time
	Since         time.Time        // since when it is known not to answer; zero: since Failed
	Failed        error            // why not everything was asked
	FailedAt      time.Time        // when what failed was asked
	Largest       int64            // bytes of the largest key; 0: nobody has looked
	Lasting       *float64         // share of the keys' bytes that never expire; nil: nobody has looked
	Design        *Design          // what the keys are for; nil: nobody has said
	Own           map[string]int64 // calls of ours between the two readings, by command
	OwnHits       int64            // of ours that the server counts as reads that found their key
}

// A Design is what a schema says of the server that is to hold its keys.
type Design struct {
	Policy  string   // of eviction; "" is not said
	Durable bool     // what is written must survive a restart
	Caches  []string // templates that may be evicted
	Kept    []string // templates that must not be: records, queues, locks
	Expires []string // templates with a TTL
}

// durable reports whether the server holds what must not be lost.
func (d *Design) durable() bool { return d != nil && (d.Durable || len(d.Kept) > 0) }

// A Probe is a question for a sign of life.
type Probe struct {
	At   time.Time
	Took time.Duration // until the answer, or until it was given up
	Err  error
}

// A Cause is one reason for which a server is slow, or does not serve.
type Cause struct {
	Rule     string
	Severity report.Severity
	Subject  string // server, or a command, a class of errors, an event: what stays the same while it lasts
	Message  string
	Measure  report.Metric
	Evidence []report.Metric
	Samples  []report.Value // keys
	Do       string         // now
	Avoid    string         // what makes it worse
	Weight   float64        // of the window, 0 to 1
}

// An Unknown is a rule that could not be held against the server.
type Unknown struct {
	Rule string // its name
	Why  string
}

// A Diagnosis is what is to be said of one server.
type Diagnosis struct {
	Causes  []Cause // the one that explains most first
	Unknown []Unknown
}

// A rule is one cause: what it is, what it cannot do without, and how it is recognised. A fact that is needed is the name of a number,
// or of what is asked for as a whole: commandstats, errorstats, slow, clients, settings, cluster.
type rule struct {
	report.Rule
	needs []string
	judge func(p *pair) []Cause
	// unless names the rules whose causes explain this one: it is what they look like from another side.
	unless []string
	// quiet is judge where a server is held against rules on a quiet day, if that is another question than why it is slow now.
	quiet func(p *pair) []Cause
	// lasting says that a cause is no matter of the moment: it is named on a quiet day as well.
	lasting bool
	// light says that any weight of theirs will do; else they must weigh explainedFrom together.
	light bool
}

// explainedFrom is the weight from which causes explain others.
const explainedFrom = 0.3

// Judge finds the causes in what was observed.
func Judge(o *Observation) Diagnosis {
	return diagnose(newPair(o), all())
}

func diagnose(p *pair, rules []rule) Diagnosis {
	var d Diagnosis
	for _, r := range rules {
		if !r.applies(p.product()) {
			continue
		}
		if why := p.lacks(r.needs); why != "" {
			d.Unknown = append(d.Unknown, Unknown{r.Name, why})
			continue
		}
		for _, c := range r.judge(p) {
			c.Rule = r.ID
			c.Weight = min(max(c.Weight, 0), 1)
			d.Causes = append(d.Causes, c)
		}
	}
	d.Causes = unexplained(d.Causes)
	rank(d.Causes)
	return d
}

// rank orders causes, the one that explains most first.
func rank(causes []Cause) {
	slices.SortStableFunc(causes, func(a, b Cause) int {
		return cmp.Or(
			cmp.Compare(severityRank(a.Severity), severityRank(b.Severity)),
			cmp.Compare(b.Weight, a.Weight),
			cmp.Compare(a.Rule, b.Rule),
			cmp.Compare(a.Subject, b.Subject),
		)
	})
}

func severityRank(s report.Severity) int { return slices.Index(report.Severities[:], s) }

func (r *rule) applies(product string) bool {
	return len(r.Stores) == 0 || product == "" || slices.Contains(r.Stores, product)
}

// unexplained returns the causes that no other one accounts for.
func unexplained(causes []Cause) []Cause {
	weights := map[string]float64{}
	for _, c := range causes {
		weights[c.Rule] = max(weights[c.Rule], c.Weight)
	}
	rules := map[string]rule{}
	for _, r := range all() {
		rules[r.ID] = r
	}
	return slices.DeleteFunc(causes, func(c Cause) bool {
		sum := 0.0
		for _, by := range rules[c.Rule].unless {
			sum += weights[by]
		}
		return sum >= explainedFrom || sum > 0 && rules[c.Rule].light
	})
}

// Rules lists the rules with their documentation: those of causes, and those of how a server is set up.
func Rules() []*report.Rule { return slices.Concat(CauseRules(), docs(setupRules())) }

// CauseRules lists the rules that Judge goes by.
func CauseRules() []*report.Rule { return docs(all()) }

func docs(rules []rule) []*report.Rule {
	list := make([]*report.Rule, len(rules))
	for i := range rules {
		list[i] = &rules[i].Rule
	}
	return list
}

// Rule returns the documentation of a rule that others find broken as well, by its id; nil where there is none of that id.
func Rule(id string) *report.Rule {
	for _, r := range Rules() {
		if r.ID == id {
			return r
		}
	}
	return nil
}

// all lists the rules.
func all() []rule {
	return slices.Concat(answerRules(), commandRules(), memoryRules(), diskRules(), clientRules(), replicaRules(), trafficRules(), tableRules())
}

const (
	ours    = report.OwnDefault
	server  = "server"  // the subject of what is wrong with a server as a whole
	cluster = "cluster" // of what is wrong with all of them: each node says so
)

// serverFamily are the stores whose servers count connections, bytes and reads.
func serverFamily() []string { return append(redisFamily(), "memcached", "reference engine") }

func redisFamily() []string { return []string{"redis", "valkey", "keydb", "dragonfly"} }
