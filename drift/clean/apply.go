package clean

import (
	"context"
	"crypto/sha1" //nolint:gosec // what a script on a server can compute
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kvtool/kvtool/kv"
)

// Options of an application.
type Options struct {
	Undo     string      // path of the undo file; it is appended to
	Log      io.Writer   // a line a key
	Limiter  *kv.Limiter // keys a second
	MaxShare float64     // of a template's keys that may go; 0 is DefaultMaxShare
	MaxValue int64       // bytes of a value that may go to the undo file; 0 is DefaultMaxValue
	Now      func() time.Time
	Seed     uint64
	User     string // for the log
}

// Defaults.
const (
	DefaultMaxShare = 0.10
	DefaultMaxValue = 10 << 20
	DefaultRate     = 1000 // keys a second
	// Spread is by what part of it an expiry is longer or shorter, so that what is repaired at once does not expire at once.
	Spread = 0.15
)

// batchSize is how many keys go to the undo file at once, unless they are large.
const (
	batchSize  = 50
	batchBytes = 16 << 20
)

// batches divides a list into parts of at most batchSize, which take at most batchBytes together if they are more than one.
func batches[T any](all []T, bytes func(*T) int64) (parts [][]T) {
	from, sum := 0, int64(0)
	for i := range all {
		n := bytes(&all[i])
		if i > from && (i-from == batchSize || sum+n > batchBytes) {
			parts = append(parts, all[from:i])
			from, sum = i, 0
		}
		sum += n
	}
	if from < len(all) {
		parts = append(parts, all[from:])
	}
	return parts
}

// Limits beyond which an application stops by itself.
const (
	fewestJudged  = 200             // keys, before their outcomes mean anything
	maxOff        = 0.01            // of them that are not as the plan says
	maxLag        = 5 * time.Second // of a replica
	slower        = 2               // times as long as at the beginning
	slowerAtLeast = 20 * time.Millisecond
	lookEvery     = 2 * time.Second
)

// A Result is how an application went.
type Result struct {
	Keys    int                // of the plan
	Counts  map[kv.Outcome]int // by what became of them; Large are those whose value is too long
	Bytes   int64              // of what was removed, by the plan
	Stopped string             // why not all were tried; "" is all
}

// Large is the outcome of a key whose value is too long to be kept.
const Large kv.Outcome = "large"

// surely is by what part a value takes more in memory than it has bytes: short elements take ten times as much.
const surely = 16

// Refuse returns why a plan may not be applied to a store, as it is and now; nil if it may.
func (p *Plan) Refuse(id kv.Identity, opt *Options) error {
	now := opt.Now()
	switch {
	case p.Sampled:
		return kv.WithHint(kv.Usagef("the plan was made from a sample"), "make it from a whole scan, without --quick")
	case now.After(p.Expires):
		return kv.WithHint(kv.Usagef("the plan is of %s and held until %s", p.Created.Format(time.RFC3339), p.Expires.Format(time.RFC3339)), "make a new one")
	case now.Before(p.Created.Add(-time.Hour)):
		return kv.Usagef("the plan is of %s, which is still to come: the clocks are apart", p.Created.Format(time.RFC3339))
	case id.ID == "" || id.ID != p.Server:
		return kv.WithHint(kv.Usagef("the plan is of another server, or the server has been started anew since"), "make a new one")
	case id.Replica:
		return kv.WithHint(kv.Usagef("the server is a replica, which only its primary writes to"), "name the primary")
	case p.unsealed():
		return kv.WithHint(kv.Usagef("the plan does not hold what the values were, so that a value written since would be deleted"),
			"make it as a user who may run EVAL and DUMP")
	}
	return p.tooMuch(opt)
}

// unsealed reports whether keys are to be deleted and of none of them it is known what it was.
func (p *Plan) unsealed() bool {
	deletes := func(l Line) bool { return l.Action == Delete }
	return slices.ContainsFunc(p.Lines, deletes) && !slices.ContainsFunc(p.Lines, func(l Line) bool { return deletes(l) && l.Value != "" })
}

// tooMuch returns an error if a plan takes more of a template than may go.
func (p *Plan) tooMuch(opt *Options) error {
	most := opt.MaxShare
	if most == 0 {
		most = DefaultMaxShare
	}
	takes := map[string]map[kv.Name]bool{}
	for i := range p.Lines {
		l := &p.Lines[i]
		if l.Action != Delete {
			continue
		}
		if takes[l.Template] == nil {
			takes[l.Template] = map[kv.Name]bool{}
		}
		takes[l.Template][l.name()] = true
	}
	for t, keys := range takes {
		n, all := len(keys), p.Templates[t]
		if all == 0 || float64(n) > most*float64(all) {
			return kv.WithHint(kv.Usagef("the plan takes %d of the %d keys of %s, and more than %.3g%% may not go", n, all, t, 100*most),
				fmt.Sprintf("look again; if that is meant: --max-share %.3g%%", 100*min(1, float64(n)/float64(max(1, all))+0.005)))
		}
	}
	return nil
}

func (l *Line) name() kv.Name { return kv.Name{DB: l.DB, Key: string(l.Key)} }

// An applying is an application in progress.
type applying struct {
	Options
	plan    *Plan
	store   kv.Remover
	getter  kv.Getter
	values  kv.ValueReader
	cluster bool
	undo    *undoFile
	result  *Result
	rng     *rand.Rand
	again   []*Line // whose value was another when its turn came: a table that is being rehashed dumps in another order
	judged  int
	off     int
	times   []time.Duration // of batches
	looked  time.Time
}

// Apply applies a plan that Refuse has nothing against. What was done is done, whatever the error.
func Apply(ctx context.Context, store kv.Store, p *Plan, opt Options) (*Result, error) {
	a := &applying{Options: opt, plan: p, result: &Result{Keys: len(p.Lines), Counts: map[kv.Outcome]int{}}, rng: rand.New(rand.NewPCG(opt.Seed, 1))}
	if a.MaxValue == 0 {
		a.MaxValue = DefaultMaxValue
	}
	var err error
	if a.store, err = kv.RemoverOf(store); err != nil {
		return a.result, err
	}
	if a.getter, err = kv.GetterOf(store); err != nil {
		return a.result, err
	}
	if a.values, err = kv.ValueReaderOf(store); err != nil {
		return a.result, err
	}
	id, err := a.store.Identify(ctx)
	if err != nil {
		return a.result, err
	}
	if err := p.Refuse(id, &opt); err != nil {
		return a.result, err
	}
	a.cluster = id.Cluster
	a.undo, err = openUndo(opt.Undo, undoHead{Target: p.Target, Server: id.ID, Lineage: id.Lineage, Version: id.Version, Plan: p.Digest, Created: opt.Now().UTC()})
	if err != nil {
		return a.result, err
	}
	err = a.run(ctx)
	return a.result, errors.Join(err, a.undo.close())
}

func (a *applying) run(ctx context.Context) error {
	lines := make([]*Line, len(a.plan.Lines))
	for i := range lines {
		lines[i] = &a.plan.Lines[i]
	}
	for round := range 2 {
		for _, part := range batches(lines, func(l **Line) int64 { return (*l).Bytes }) {
			if err := a.look(ctx); err != nil || a.result.Stopped != "" {
				return err
			}
			if err := a.Limiter.Wait(ctx, len(part)); err != nil {
				return err
			}
			began := time.Now()
			if err := a.batch(ctx, part, round == 0); err != nil {
				return err
			}
			a.times = append(a.times, time.Since(began))
		}
		if lines, a.again = a.again, nil; len(lines) == 0 {
			break
		}
	}
	return nil
}

// look decides whether to go on.
func (a *applying) look(ctx context.Context) error {
	if a.judged >= fewestJudged && float64(a.off) > maxOff*float64(a.judged) {
		a.result.Stopped = fmt.Sprintf("%d of %d keys are not as the plan says: make a new one", a.off, a.judged)
		return nil
	}
	if n := len(a.times); n >= 20 {
		first, last := median(a.times[:10]), median(a.times[n-10:])
		if last > slower*first && last > first+slowerAtLeast {
			a.result.Stopped = fmt.Sprintf("the server takes %s for %d keys, and took %s at the beginning", last.Round(time.Millisecond), batchSize, first.Round(time.Millisecond))
			return nil
		}
	}
	if time.Since(a.looked) < lookEvery {
		return nil
	}
	a.looked = time.Now()
	id, err := a.store.Identify(ctx)
	if err == nil && id.Lag > maxLag {
		a.result.Stopped = fmt.Sprintf("a replica is %s behind", id.Lag)
	}
	return err
}

func median(ds []time.Duration) time.Duration {
	s := slices.Sorted(slices.Values(ds))
	return s[len(s)/2]
}

// A step is a line with what it is at the moment.
type step struct {
	line *Line
	dump *kv.Dump
	sum  string
	to   time.Time
	says []kv.Saying // what the step that changes it is to ask
	out  kv.Outcome  // set: it is decided
}

// batch does what is to be done with some keys: it reads them, keeps what it has read, looks whether they are to go, and lets
// them go.
func (a *applying) batch(ctx context.Context, lines []*Line, retry bool) error {
	steps, err := a.read(ctx, lines)
	if err != nil {
		return err
	}
	if err := a.keep(steps); err != nil {
		return err
	}
	if err := a.before(ctx, steps); err != nil {
		return err
	}
	failed := a.change(ctx, steps)
	if failed == nil {
		failed = a.after(ctx, steps)
	}
	return errors.Join(failed, a.conclude(steps, retry))
}

// read dumps the keys.
func (a *applying) read(ctx context.Context, lines []*Line) ([]step, error) {
	steps := make([]step, len(lines))
	var names []kv.Name
	var of []*step
	for i, l := range lines {
		steps[i].line = l
		if l.Action == Delete && (l.Bytes > surely*a.MaxValue || l.Value == "") { // what is too long to be kept need not be fetched
			steps[i].out = Large
			continue
		}
		names, of = append(names, l.name()), append(of, &steps[i])
	}
	if len(names) == 0 {
		return steps, nil
	}
	err := a.store.Dump(ctx, names, func(i int, d *kv.Dump) { of[i].dump = d })
	if err != nil {
		return nil, err
	}
	for i := range steps {
		s := &steps[i]
		switch {
		case s.out != "":
		case s.dump == nil:
			s.out = kv.Gone
		case s.dump.Type != s.line.Type:
			s.out = kv.NewType
		case int64(len(s.dump.Value)) > a.MaxValue && s.line.Action == Delete:
			s.out = Large
		case !s.line.expires(s.dump): // before it comes to the undo file: there the last entry of a key counts
			s.out = kv.NewTTL
		case a.usedSince(s):
			s.out = kv.NewValue
		default:
			sum := sha1.Sum(s.dump.Value) //nolint:gosec // as above
			if text := hex.EncodeToString(sum[:]); s.line.Value == "" || text == s.line.Value {
				s.sum = text
			} else {
				s.out = kv.NewValue
			}
		}
	}
	return steps, nil
}

// expires reports whether the expiry of a key is as its line says.
func (l *Line) expires(d *kv.Dump) bool {
	more, timed := strings.CutPrefix(l.Expiry, ">")
	if !timed {
		return d.ExpireAt.IsZero() == (l.Expiry == "none")
	}
	n, err := strconv.ParseInt(more, 10, 64)
	return err == nil && !d.ExpireAt.IsZero() && d.ExpireAt.Sub(d.Now).Milliseconds() > n
}

// usedSince reports whether a key that is to go because nobody misses it has been used since the plan was made: it has been idle
// for less, in whole seconds, or its LFU counter is higher than what decay has left of it. The least that decay takes is assumed:
// of a counter that few uses raise (one in 51 at 10) not every use is seen. A server that tells neither any more is not trusted.
func (a *applying) usedSince(s *step) bool {
	if a.plan.What != "free" {
		return false
	}
	since := a.Now().Sub(a.plan.Created)
	switch {
	case s.line.Idle != nil && s.dump.HasIdle:
		return s.dump.Idle+2*time.Second < since
	case s.line.Freq != nil && s.dump.HasFreq:
		decayed := 0
		if a.plan.Decay > 0 {
			decayed = int(since.Minutes()) / a.plan.Decay
		}
		return int(s.dump.Freq) > max(0, *s.line.Freq-decayed)
	}
	return s.line.Idle != nil || s.line.Freq != nil
}

// keep writes what is to change to the undo file, and returns when it is on the disk.
func (a *applying) keep(steps []step) error {
	for i := range steps {
		s := &steps[i]
		if s.out != "" {
			continue
		}
		l := undoLine{Key: s.line.Key, DB: s.line.DB, Type: s.dump.Type, Digest: s.sum}
		if !s.dump.ExpireAt.IsZero() {
			l.ExpireMS = s.dump.ExpireAt.UnixMilli()
		}
		if s.dump.HasIdle {
			idle := int64(s.dump.Idle / time.Second)
			l.Idle = &idle
		}
		if s.line.Action == Expire {
			spread := 1 + Spread*(2*a.rng.Float64()-1)
			s.to = time.UnixMilli(s.dump.Now.Add(time.Duration(s.line.Seconds * spread * float64(time.Second))).UnixMilli())
			l.SetMS = s.to.UnixMilli()
		} else {
			l.Dump = s.dump.Value
		}
		if err := a.undo.add(&l); err != nil {
			return err
		}
	}
	return a.undo.sync()
}

// A logLine is what became of a key.
type logLine struct {
	Time   time.Time  `json:"time"`
	Plan   string     `json:"plan"`
	User   string     `json:"user,omitempty"`
	Key    Text       `json:"key"`
	DB     int        `json:"db"`
	Action string     `json:"action"`
	Result kv.Outcome `json:"result"` // "" is not known: the connection ended
}

// conclude counts and logs.
func (a *applying) conclude(steps []step, retry bool) error {
	for i := range steps {
		s := &steps[i]
		if s.sum != "" && s.out != kv.Done && s.out != "" {
			if err := a.undo.add(&undoLine{Key: s.line.Key, DB: s.line.DB, Kept: true}); err != nil {
				return err
			}
		}
		if s.out == kv.NewValue && retry {
			a.again = append(a.again, s.line)
			continue
		}
		if s.out == "" {
			s.out = "unknown"
		}
		a.result.Counts[s.out]++
		a.judged++
		switch s.out {
		case kv.Done:
			a.result.Bytes += s.line.Bytes
		case kv.NewType, kv.NewTTL, kv.NewValue, kv.Parent, kv.Restored, kv.Refused:
			a.off++
		}
		if a.Log == nil {
			continue
		}
		b, err := json.Marshal(&logLine{a.Now().UTC(), a.plan.Digest, a.User, s.line.Key, s.line.DB, s.line.Action, s.out})
		if err != nil {
			return err
		}
		if _, err := a.Log.Write(append(b, '\n')); err != nil {
			return fmt.Errorf("the log: %w", err)
		}
	}
	return nil
}
