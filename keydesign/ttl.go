package keydesign

import (
	"fmt"
	"strings"
	"time"

	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

func lostTTL() rule {
	return rule{&report.Rule{
		ID: "KD061", Name: "ttl-less-keys", Title: "Keys that lost their TTL", Severity: report.Error,
		Doc: `Nearly all keys of this template expire, and some do not. Usually the expiry is set by a second command that is sometimes not
reached, or a later write removed it: ` + "`SET`" + ` without ` + "`KEEPTTL`" + ` does. Such keys stay for ever, and where eviction needs a TTL they
are never evicted either.

The limits are held against the lower end of the 95 % interval (Wilson) of the share, so that a few keys of a small template do
not make an error. Where a schema declares a TTL, any key without one counts, also if all are.`,
		Fix:  "set value and expiry in one command: SET k v EX 60; repair the others with EXPIRE",
		Bad:  []string{"INCR k, then EXPIRE k 60"},
		Good: []string{"SET k 1 EX 60 NX", "a script that does both"},
		Limits: []report.Limit{
			{Name: "with_ttl", Value: 1 - lostMost, Unit: report.UnitRatio, Source: report.OwnDefault + ": of which share must have a TTL"},
			{Name: "warning", Value: lostWarning, Unit: report.UnitRatio, Source: report.OwnDefault},
			{Name: "error", Value: lostError, Unit: report.UnitRatio, Source: report.OwnDefault},
			{Name: "keys", Value: lostKeys, Unit: report.UnitCount, Source: report.OwnDefault},
		},
	}, kv.FieldTTL, checkLost}
}

const (
	lostMost    = 0.10  // with a greater share having no TTL may be meant
	lostWarning = 0.001 // share without TTL
	lostError   = 0.05
	lostKeys    = 20
)

func checkLost(ks *keyspace, emit func(report.Finding)) {
	for _, t := range ks.templates {
		if p := t.promise; p != nil && p.life.policy != "" {
			checkDeclaredTTL(t, emit)
			continue
		}
		if t.timed < lostKeys || t.persistent == 0 || float64(t.persistent) > lostMost*float64(t.timed) || isLock(t) {
			continue
		}
		low := wilsonLow(t.persistent, t.timed)
		if low < lostWarning {
			continue
		}
		severity := report.Warning
		if low >= lostError {
			severity = report.Error
		}
		share := ratioMetric("no_ttl", t.persistent, t.timed)
		f := t.finding(severity, share, "%d of %d keys %s no TTL, the others have", t.persistent, t.timed, number(t.persistent, "has", "have"))
		f.Evidence = []report.Metric{
			countMetric("keys", t.persistent),
			{Name: "no_ttl_low", Value: report.Number(low), Unit: report.UnitRatio},
		}
		f.Samples = keyValues(t.lasting[:]...)
		emit(f)
	}
}

// checkDeclaredTTL holds the keys against a declared TTL.
func checkDeclaredTTL(t *template, emit func(report.Finding)) {
	if t.persistent == 0 || !t.promise.life.expires() || isLock(t) {
		return
	}
	severity := report.Warning
	if wilsonLow(t.persistent, t.timed) >= lostError {
		severity = report.Error
	}
	share := ratioMetric("no_ttl", t.persistent, t.timed)
	f := t.finding(severity, share, "%d of %d keys %s no TTL; %s is declared", t.persistent, t.timed, number(t.persistent, "has", "have"), t.promise.life)
	f.Evidence = []report.Metric{countMetric("keys", t.persistent)}
	if d := t.promise.life.longest; d > 0 {
		f.Evidence = append(f.Evidence, secondsMetric("declared", d.Seconds()))
	}
	f.Samples = keyValues(t.lasting[:]...)
	emit(f)
}

func persistentLocks() rule {
	return rule{&report.Rule{
		ID: "KD062", Name: "lock-without-ttl", Title: "Locks that never expire", Severity: report.Error, Stores: redisFamily(),
		Doc: `These keys are named as locks (` + lockWords + `), and some have no TTL. When the holder of such a lock dies, nobody can
take it again until somebody deletes it by hand.

Only strings and hashes count: a semaphore in a sorted set keeps its times in the scores. Where a schema declares the kind of a
template, that decides and not the name.`,
		Fix:    "take the lock with its expiry: SET lock:1 TOKEN NX PX 10000",
		Bad:    []string{"SETNX lock:1 x"},
		Good:   []string{"SET lock:1 TOKEN NX PX 10000"},
		Limits: []report.Limit{{Name: "keys", Value: 0, Unit: report.UnitCount, Source: report.OwnDefault + ": any"}},
	}, kv.FieldTTL, checkLocks}
}

// lockWords are the names of locks.
const lockWords = "lock, locks, mutex, mutexes, sem, semaphore, semaphores"

// isLock reports whether the template's keys are locks: by the kind that is declared, else by their name and their type.
func isLock(t *template) bool {
	if p := t.promise; p != nil && p.kind != "" {
		return p.kind == schema.Lock
	}
	if len(t.types) > 0 && t.types[0].typ != kv.TypeString && t.types[0].typ != kv.TypeHash {
		return false
	}
	for _, s := range t.segments {
		for _, word := range strings.FieldsFunc(s.Literal, func(r rune) bool { return strings.ContainsRune("-_. ", r) }) {
			if strings.Contains(", "+lockWords+",", ", "+strings.ToLower(word)+",") {
				return true
			}
		}
	}
	return false
}

func checkLocks(ks *keyspace, emit func(report.Finding)) {
	for _, t := range ks.templates {
		if t.persistent == 0 || !isLock(t) {
			continue
		}
		f := t.finding(report.Error, countMetric("keys", t.persistent), "%d of %d locks %s no TTL", t.persistent, t.timed, number(t.persistent, "has", "have"))
		f.Evidence = []report.Metric{ratioMetric("no_ttl", t.persistent, t.timed)}
		f.Samples = keyValues(t.lasting[:]...)
		emit(f)
	}
}

func ttlUnits() rule {
	return rule{&report.Rule{
		ID: "KD063", Name: "ttl-unit-bug", Title: "TTLs in the wrong unit", Severity: report.Error,
		Doc: `The TTLs of this template look as if a number had been given in another unit than the command takes.

- Some keys have 60, 1,000 or 3,600 times the TTL of the others, within a tenth: minutes for seconds, milliseconds for seconds,
  hours for seconds.
- A TTL is longer than ten years. Where what is left is about the number of seconds since 1970, a point in time was given to a
  command that takes a duration.

The TTL that was set is estimated from what is left: keys written at all times have any part of it left, so the upper end of each
group of remaining times is about the TTL. For the first case the rarer of two groups must hold at least 20 keys and at most a
quarter: with more, two TTLs are more likely to be meant. Where a schema declares the TTL, each group of at least 20 keys is held
against that, whatever its share.`,
		Fix:  "EXPIRE takes seconds and PEXPIRE milliseconds; EXPIREAT takes a point in time. Set the TTL of these keys again",
		Bad:  []string{"EXPIRE k 3600000", "EXPIRE k 1767225600"},
		Good: []string{"PEXPIRE k 3600000", "EXPIREAT k 1767225600"},
		Limits: []report.Limit{
			{Name: "tolerance", Value: unitTolerance, Unit: report.UnitRatio, Source: report.OwnDefault},
			{Name: "longest", Value: longestTTL.Seconds(), Unit: report.UnitDuration, Source: report.OwnDefault},
			{Name: "keys", Value: unitKeys, Unit: report.UnitCount, Source: report.OwnDefault + ": in the rarer group"},
			{Name: "rarer_share", Value: unitRarer, Unit: report.UnitRatio, Source: report.OwnDefault},
		},
	}, kv.FieldTTL, checkUnits}
}

const (
	unitTolerance = 0.10
	unitKeys      = 20
	unitRarer     = 0.25
	unitTemplate  = 200 // keys that expire: of fewer the groups are not clear
	longestTTL    = 10 * 365 * 24 * time.Hour
	epochShare    = 0.10 // what is left is the time since 1970, within this
)

// unitFactors are what a number of one unit is in another.
var unitFactors = [...]float64{60, 1000, 3600}

func checkUnits(ks *keyspace, emit func(report.Finding)) {
	now := ks.now.Unix()
	for _, t := range ks.templates {
		if t.expiring == 0 {
			continue
		}
		if f, ok := unitBug(t, now); ok {
			emit(f)
		}
	}
}

// unitBug finds what KD063 is about.
func unitBug(t *template, now int64) (f report.Finding, ok bool) {
	spans := remaining(&t.left)
	if f, ok = tooLong(t, spans, now); ok {
		return f, true
	}
	if p := t.promise; p != nil && p.life.expires() && p.life.longest > 0 {
		return declaredUnit(t, spans)
	}
	return wrongUnit(t, spans)
}

// declaredUnit finds a group of TTLs that is a factor of units away from the declared one.
func declaredUnit(t *template, spans []span) (f report.Finding, ok bool) {
	l := t.promise.life
	value, longest := l.value.Seconds(), l.longest.Seconds()
	if value == 0 {
		value = longest
	}
	for _, g := range groupTTLs(spans) {
		factor, form := declaredFactor(g.end, value, longest), "%s about %g times the declared TTL of %s"
		if g.keys < unitKeys || factor == 0 || factor < 1 && g.keys < unitTemplate { // a few that are about to expire
			continue
		}
		if factor < 1 {
			factor, form = 1/factor, "%s about 1/%g of the declared TTL of %s"
		}
		f = t.finding(report.Error, countMetric("keys", g.keys), form, verb(g.keys, "key has", "keys have"), factor, l)
		f.Evidence = []report.Metric{
			secondsMetric("ttl", g.end), secondsMetric("declared", longest), ratioMetric("share", g.keys, t.expiring),
		}
		if g.end > longest {
			f.Samples = keyValues(t.latest.key)
		}
		return f, true
	}
	return f, false
}

// declaredFactor returns by which factor of units a TTL is off one that is declared to be between value and longest, or 0.
func declaredFactor(ttl, value, longest float64) float64 {
	for _, f := range unitFactors {
		for _, factor := range [...]float64{f, 1 / f} {
			if ttl >= factor*value*(1-unitTolerance) && ttl <= factor*longest*(1+unitTolerance) {
				return factor
			}
		}
	}
	return 0
}

// tooLong finds TTLs of more than ten years.
func tooLong(t *template, spans []span, now int64) (f report.Finding, ok bool) {
	if p := t.promise; float64(t.latest.value-now) <= longestTTL.Seconds() || p != nil && p.life.longest > longestTTL {
		return f, false
	}
	var keys int64
	for _, s := range spans {
		if s.low > longestTTL.Seconds() {
			keys += s.keys
		}
	}
	keys = max(keys, 1) // the bin of the latest may begin below the limit
	left := float64(t.latest.value - now)
	f = t.finding(report.Error, secondsMetric("longest", left), "%s a TTL of more than 10 years", verb(keys, "key has", "keys have"))
	if epoch := float64(now); left > (1-epochShare)*epoch && left < (1+epochShare)*epoch {
		f.Message += ": about the time since 1970, so a point in time was given for a duration"
	}
	f.Evidence = []report.Metric{countMetric("keys", keys)}
	f.Samples = keyValues(t.latest.key)
	return f, true
}

// verb writes a count with the words for one and for several: "1 key has", "3 keys have".
func verb(n int64, one, several string) string {
	return fmt.Sprintf("%d %s", n, number(n, one, several))
}

// number returns the word that goes with n.
func number(n int64, one, several string) string {
	if n == 1 {
		return one
	}
	return several
}

// wrongUnit finds two groups of TTLs a factor of units apart.
func wrongUnit(t *template, spans []span) (f report.Finding, ok bool) {
	if t.expiring < unitTemplate {
		return f, false
	}
	groups := groupTTLs(spans)
	for i, a := range groups {
		for _, b := range groups[i+1:] {
			rarer := min(a.keys, b.keys)
			factor := unitFactor(b.end / a.end)
			if factor == 0 || rarer < unitKeys || float64(rarer) > unitRarer*float64(t.expiring) {
				continue
			}
			form := "%d keys have about %g times the TTL of the others"
			if rarer == a.keys {
				form = "%d keys have about 1/%g of the TTL of the others"
			}
			f = t.finding(report.Error, countMetric("keys", rarer), form, rarer, factor)
			f.Evidence = []report.Metric{
				secondsMetric("shorter_ttl", a.end), secondsMetric("longer_ttl", b.end), ratioMetric("share", rarer, t.expiring),
			}
			if rarer == b.keys {
				f.Samples = keyValues(t.latest.key)
			}
			return f, true
		}
	}
	return f, false
}

// unitFactor returns the factor of units that ratio is, or 0.
func unitFactor(ratio float64) float64 {
	for _, f := range unitFactors {
		if ratio >= f*(1-unitTolerance) && ratio <= f*(1+unitTolerance) {
			return f
		}
	}
	return 0
}

func synchronisedExpiry() rule {
	return rule{&report.Rule{
		ID: "KD065", Name: "synchronised-expiry", Title: "Many keys that expire at once", Severity: report.Warning,
		Doc: `Many keys of this template expire in the same moment: they were written together, with one TTL. All their readers then miss
at once, and whatever the keys were made from gets all the work; the server is busy with deleting meanwhile.

Keys expire at once if a tenth of them goes within a hundredth of the time in which the template's keys expire, or if, within a
second or what can be told apart, at least a thousand keys and one in a hundred of the template's go and that is five times what
chance explains. On either side there must be far fewer: keys in use all the time have all but the whole time left, and short
TTLs among long ones end soon, but not at once.`,
		Fix:  "add a random part to the TTL (EX 3600 ± 10 %), refresh before the expiry, let one reader refill",
		Bad:  []string{"a warm-up that writes 6,000 keys with EX 3600"},
		Good: []string{"EX 3240 to 3960, at random"},
		Limits: []report.Limit{
			{Name: "share", Value: burstShare, Unit: report.UnitRatio, Source: report.OwnDefault + ": of the keys that expire"},
			{Name: "window", Value: burstWindow, Unit: report.UnitRatio, Source: report.OwnDefault + ": of the time in which they do"},
			{Name: "times", Value: burstTimes, Unit: report.UnitFactor, Source: report.OwnDefault + ", of what chance explains: 1 + √(2 ln(bins/10⁻⁶)/mean)"},
			{Name: "keys", Value: burstTemplate, Unit: report.UnitCount, Source: report.OwnDefault + ": that expire"},
		},
	}, kv.FieldTTL, checkBursts}
}

func checkBursts(ks *keyspace, emit func(report.Finding)) {
	for _, t := range ks.templates {
		b, ok := findBurst(due(&t.expiry, ks.now.Unix()), groupTTLs(remaining(&t.left)))
		if !ok {
			continue
		}
		f := t.finding(report.Warning, ratioMetric("share", b.keys, b.of), "%s of the keys expire within %s",
			percent(float64(b.keys)/float64(b.of)), seconds(b.high-b.low))
		f.Evidence = []report.Metric{
			countMetric("keys", b.keys), secondsMetric("within", b.high-b.low), secondsMetric("from_now", b.low),
			{Name: "times_mean", Value: report.Number(b.times), Unit: report.UnitFactor},
		}
		emit(f)
	}
}

// seconds writes a duration as people do: "2s", "7m30s".
func seconds(s float64) string {
	return time.Duration(s * float64(time.Second)).Round(time.Second).String()
}
