package cmd

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/loadgen"
	"github.com/kvtool/kvtool/loadgen/inject"
	"github.com/kvtool/kvtool/loadgen/play"
	"github.com/kvtool/kvtool/loadgen/scenario"
	"github.com/kvtool/kvtool/report"
)

// faults are the events of the phases that will be run which are done to the server, or to the way to it.
func (l *loading) faults() []scenario.Event {
	var all []scenario.Event
	for i := range l.scenario.Phases {
		p := &l.scenario.Phases[i]
		if len(p.Fill) > 0 || l.single() && !p.Record {
			continue // of the phases, the one that flags make has the faults of the first that is recorded
		}
		for _, e := range p.Events {
			if e.Fault() {
				all = append(all, e)
			}
		}
		if l.single() {
			break
		}
	}
	return all
}

func (l *loading) injects(kinds ...string) bool {
	return l.o.inject && slices.ContainsFunc(l.faults(), func(e scenario.Event) bool { return slices.Contains(kinds, e.Kind) })
}

// checkFaults refuses faults that are not to be done here.
func (l *loading) checkFaults() error {
	all := l.faults()
	switch {
	case !l.o.inject:
		return nil
	case len(all) == 0:
		return kv.WithHint(kv.Usagef("--inject: scenario %s has no faults", l.scenario.Name),
			"events of its phases: "+strings.Join(scenario.Faults(), ", "))
	case !loopback(l.target):
		return kv.WithHint(kv.Usagef("--inject: %s is not on this machine", l.target), "faults are done to servers at a loopback address alone")
	}
	for _, e := range all {
		if d := l.o.duration; d > 0 && e.At >= d {
			return kv.WithHint(kv.Usagef("--inject: %s comes after %s, and the run ends after %s", e.Kind, e.At, d), "a longer -d")
		}
	}
	return nil
}

// loopback reports whether a target is within this process, or on this machine.
func loopback(t kv.Target) bool {
	if t.URL == nil || t.Scheme == "ref" || t.Scheme == "demo" || t.URL.Host == "" {
		return true
	}
	for at := range strings.SplitSeq(t.URL.Host, ",") {
		if !local(at) {
			return false
		}
	}
	return true
}

// local reports whether an address is one of this machine alone.
func local(at string) bool {
	host, _, err := net.SplitHostPort(at)
	if err != nil {
		host = at
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// reach has the driver be one that reaches replicas, or whose connections can be disturbed, where the scenario needs it.
func (l *loading) reach(ctx context.Context) error {
	if l.scenario.HasReplica() || l.injects("failover") {
		r, err := kv.ReplicatedOf(l.store)
		if err != nil {
			return kv.WithHint(kv.Usagef("scenario %s needs a replica, and %s has none", l.scenario.Name, l.info.Target),
				"load a server that has one: redis://HOST:PORT, or with ?replica=HOST:PORT")
		}
		d, err := r.ReplicaDriver(ctx)
		if err != nil {
			return targetError(ended(ctx, err))
		}
		if at := d.Primary(); l.o.inject && at != "" && !local(at) {
			return kv.WithHint(kv.Usagef("--inject: the primary %s is not on this machine", at), "faults are injected on a loopback address alone: start a copy there")
		}
		l.driver, l.replicas, l.primary = d, d, d.Primary()
	}
	if l.injects("conn_reset", "added_delay") {
		l.network = inject.New(l.driver)
		l.driver = l.network
	}
	return nil
}

// replicaCount is from how many servers a read may be answered.
func (l *loading) replicaCount() int {
	if l.replicas == nil {
		return 0
	}
	return l.replicas.Replicas()
}

// eventsOfOne are those of the phase that flags make: the faults of the first that is recorded.
func (l *loading) eventsOfOne(ctx context.Context) []loadgen.Event {
	for i := range l.scenario.Phases {
		if p := &l.scenario.Phases[i]; len(p.Fill) == 0 && p.Record {
			return l.events(ctx, i)
		}
	}
	return nil
}

// events are those of phase i. What one asks the store it asks over a session of its own. Faults are left out where nobody asks for
// them, and so is all else where flags make the phase.
func (l *loading) events(ctx context.Context, i int) []loadgen.Event {
	var all []loadgen.Event
	for _, e := range l.player.Events(i) {
		if e.Fault && !l.o.inject || !e.Fault && l.single() {
			continue
		}
		do := func() {
			if err := l.happen(ctx, e); err != nil && ctx.Err() == nil {
				l.env.say("warning", e.Name+": "+err.Error())
			}
		}
		all = append(all, loadgen.Event{At: e.At, Name: e.Name, Breaks: e.Fault, Do: func() { go do() }})
	}
	return all
}

func (l *loading) happen(ctx context.Context, e play.Event) error {
	s, err := l.driver.Session(ctx, kv.SessionOptions{Timeout: 5*time.Second + e.Takes})
	if err != nil {
		return err
	}
	on := play.Subject{Session: s, Promote: !strings.Contains(l.target.Scheme, "+")}
	if l.network != nil {
		on.Network = l.network
	}
	return errors.Join(e.Do(on), s.Close())
}

// follow has what comes after the run ask the server that has taken over.
func (l *loading) follow(ctx context.Context) error {
	if l.replicas == nil || l.primary == "" || strings.Contains(l.target.Scheme, "+") {
		return nil // a cluster and sentinels are asked anew each time
	}
	s, err := l.driver.Session(ctx, kv.SessionOptions{Timeout: 5 * time.Second})
	if err != nil {
		return err
	}
	s.Close()
	at := l.replicas.Primary()
	if at == l.primary {
		return nil
	}
	t := l.target
	u := *t.URL
	u.Host, t.URL = at, &u
	store, err := l.env.Open(ctx, t)
	if err != nil {
		return err
	}
	l.store.Close()
	l.store = store
	return nil
}

// replicaMetrics say how far replicas were behind.
func (l *loading) replicaMetrics() []report.Metric {
	h := l.player.Staleness()
	if h.Count() == 0 {
		return nil
	}
	metric := func(name string, d time.Duration) report.Metric {
		return report.Metric{Name: name, Unit: report.UnitDuration, Value: report.Seconds(d)}
	}
	return []report.Metric{
		{Name: "seen", Unit: report.UnitCount, Value: report.Number(h.Count())},
		metric("staleness_p50", h.Quantile(0.5)), metric("staleness_p99", h.Quantile(0.99)), metric("staleness_max", h.Max()),
	}
}

// faultNotes say which faults were done, and which were not.
func (l *loading) faultNotes() []string {
	notes := l.player.Notes()
	if l.o.inject {
		return notes
	}
	for _, e := range l.faults() {
		notes = append(notes, fmt.Sprintf("not done without --inject: %s at %s", e.Kind, e.At))
	}
	return notes
}
