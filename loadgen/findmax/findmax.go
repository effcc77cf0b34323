// Package findmax finds the highest rate at which a store meets limits. It sends nothing: it asks a function to run a rate for
// some time and to say what came of it, so that it is tested against queues whose answer is known.
//
// The one idea is that a rate has not passed because one number was below a limit: it passes when the interval of the share of
// requests over the limit is, and it fails when the interval is above; as long as it is neither, more is measured. The rate that is
// told has passed so twice more at length, and between the steps a rate that is known to pass is asked again, because a machine
// that has become slower meanwhile would be taken for a limit of the store.
package findmax

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/kvtool/kvtool/loadgen/stat"
)

// A Tail counts, for one limit of latency, what was over it.
type Tail struct {
	Name    string        // "p99"
	Allowed float64       // the share of requests that may be over the limit
	Limit   time.Duration // and the limit
	Value   time.Duration // the quantile as it was measured
	Blocks  []stat.Block  // one a second
}

// A Sample is what came of a rate that was run for some time.
type Sample struct {
	Achieved float64 // of the rate
	Tails    []Tail
	Missed   []string // limits without a distribution that were missed: "achieved", "errors", "evicted"
	Bound    string   // why the generator was the limit; empty if it was not
}

// A Measure runs a rate, in operations a second, for some time, after it has let the store settle.
type Measure func(ctx context.Context, rate float64, d time.Duration) (*Sample, error)

// Options say how exactly. The zero value has defaults.
type Options struct {
	// Guess is a rate above the highest, from a closed loop: the search begins at a tenth of it.
	Guess float64
	// Rarest is the least share of all operations that may be over a limit of latency: 0.01 for p99. 0 is none.
	Rarest    float64
	Precision float64       // between the highest rate that passed and the lowest that did not, as a share; 0 is 2 %
	Shortest  time.Duration // of a step; 0 is 10 s
	Longest   time.Duration // of a step; 0 is 60 s. It is extended up to threefold where nothing can be decided
	Confirm   time.Duration // at least; 0 is 60 s
	Step      func(*Step)   // is told each step as it ends; may be nil
}

// Constants of the algorithm: load.md, section 5.
const (
	firstShare  = 0.1  // of the guess
	climbBy     = 1.5  // from step to step
	beyond      = 1000 // samples over the quantile that a step is to have
	extensions  = 2    // of a step that is undecided
	guardEvery  = 3    // steps
	guardShare  = 0.8  // a guard's rate, of the lowest that failed, at most: near to it a rate may fail by chance
	confirms    = 2    // in a row
	backOff     = 0.97 // where one fails
	giveUpShare = 0.5  // of what had passed: below it the machine is another one
	mostGuesses = 10   // times the guess: whatever still passes there is bound by nothing that is known
	leastGuess  = 1e-3 // of the guess: whatever fails there fails at any rate
)

func (o Options) withDefaults() Options {
	o.Precision = cmp.Or(o.Precision, 0.02)
	o.Shortest = cmp.Or(o.Shortest, 10*time.Second)
	o.Longest = max(cmp.Or(o.Longest, 60*time.Second), o.Shortest)
	o.Confirm = cmp.Or(o.Confirm, 60*time.Second)
	return o
}

// A Kind says why a step was made.
type Kind string

// The kinds.
const (
	Climb   Kind = "climb"
	Bisect  Kind = "bisect"
	Guard   Kind = "guard"
	Confirm Kind = "confirm"
)

// A Verdict says what a step has shown.
type Verdict string

// The verdicts. An undecided step counts as one that failed.
const (
	Pass      Verdict = "pass"
	Fail      Verdict = "fail"
	Undecided Verdict = "undecided"
)

// A Step is one rate that was run.
type Step struct {
	Search    int // 0, or 1 once a search was given up because the machine had changed
	Kind      Kind
	Rate      float64
	Took      time.Duration // asked of Measure, all extensions together
	Achieved  float64       // share of the rate
	Tail      *Tail         // the one that decided, or came nearest; nil where there is none
	Low, High float64       // 95 % interval of the share over its limit
	Verdict   Verdict
	By        string // what failed, or could not be decided
	Bound     string // why the generator was the limit; empty if it was not
}

// A Result is the end of a search.
type Result struct {
	Max       float64 // the highest rate that was confirmed; 0 if none was
	NotPassed float64 // the lowest that did not pass; 0 if every one did
	By        string  // what failed there
	// AtLeast says that Max is only a lower bound: the generator was the limit, or nothing was.
	AtLeast  bool
	Restarts int // searches that were given up because the machine had changed
	Steps    []Step
}

// Failed returns the lowest rate above Max of which it is certain that it misses a limit; 0 if there is none. The truth is between
// the two: what could not be decided is on neither side.
func (r *Result) Failed() float64 {
	lowest := 0.0
	for i := range r.Steps {
		s := &r.Steps[i]
		if s.Search == r.Restarts && s.Verdict == Fail && s.Bound == "" && s.Rate > r.Max && (lowest == 0 || s.Rate < lowest) {
			lowest = s.Rate
		}
	}
	return lowest
}

// ErrDrift says that a rate which had passed has failed, twice: the machine changes faster than it can be measured.
var ErrDrift = errors.New("the machine has changed while it was measured: a rate that had passed has failed")

// ErrNone says that no rate passes. Where the result says AtLeast it is the generator that is too slow for any.
var ErrNone = errors.New("no rate meets the limits")

// A search is the state of Search.
type search struct {
	measure Measure
	opt     Options
	res     *Result
	passed  []float64 // rates, since the last restart
	failed  float64   // the lowest; 0 if none has
	by      string
	bound   bool // the lowest that failed did so because of the generator
	since   int  // steps since the last guard
}

// Search finds the highest rate. With an error the result has the steps that were made.
func Search(ctx context.Context, m Measure, opt Options) (*Result, error) {
	if opt.Guess <= 0 || math.IsInf(opt.Guess, 0) || math.IsNaN(opt.Guess) {
		return &Result{}, fmt.Errorf("searching from a guess of %v operations a second", opt.Guess)
	}
	res := &Result{}
	for {
		s := &search{measure: m, opt: opt.withDefaults(), res: res}
		err := s.run(ctx)
		res.NotPassed, res.By = s.failed, s.by
		res.AtLeast = s.bound || err == nil && s.failed == 0
		if !errors.Is(err, ErrDrift) || res.Restarts == 1 {
			return res, err
		}
		res.Restarts++
	}
}

func (s *search) run(ctx context.Context) error {
	if err := s.climb(ctx); err != nil {
		return err
	}
	if err := s.bisect(ctx); err != nil {
		return err
	}
	return s.confirm(ctx)
}

// climb finds a rate that passes and one above it that does not. Where even the first fails it goes down instead.
func (s *search) climb(ctx context.Context) error {
	for rate := s.opt.Guess * firstShare; ; {
		ok, err := s.step(ctx, Climb, rate)
		if err != nil {
			return err
		}
		switch {
		case ok && (s.failed > 0 || rate >= s.opt.Guess*mostGuesses):
			return nil
		case ok:
			rate *= climbBy
		case len(s.passed) > 0:
			return nil
		case rate < s.opt.Guess*leastGuess:
			return fmt.Errorf("%w: %s at %.4g/s", ErrNone, s.by, rate)
		default:
			rate /= climbBy
		}
	}
}

func (s *search) bisect(ctx context.Context) error {
	for s.failed > 0 && s.failed > s.best()*(1+s.opt.Precision) {
		if _, err := s.step(ctx, Bisect, math.Sqrt(s.best()*s.failed)); err != nil {
			return err
		}
	}
	return nil
}

// best returns the highest rate that has passed and is below all that have failed.
func (s *search) best() float64 { return s.highest(math.Inf(1)) }

// highest returns the highest rate that has passed, up to a limit; the lowest that has if there is none.
func (s *search) highest(limit float64) float64 {
	least, most := math.Inf(1), 0.0
	for _, r := range s.passed {
		least = min(least, r)
		if r <= limit {
			most = max(most, r)
		}
	}
	if most == 0 {
		return least
	}
	return most
}

// confirm runs the highest rate at length, and lower ones until one has passed twice: each time as long as it took to pass at first,
// since less than that would leave it undecided.
func (s *search) confirm(ctx context.Context) error {
	rate, d := s.best(), s.opt.Confirm
	for i := range s.res.Steps {
		if step := &s.res.Steps[i]; step.Rate == rate && step.Verdict == Pass {
			d = max(d, step.Took)
		}
	}
	for least, times := rate*giveUpShare, 0; times < confirms; {
		ok, err := s.run1(ctx, Confirm, rate, d)
		switch {
		case err != nil:
			return err
		case ok:
			times++
		case rate*backOff < least:
			return fmt.Errorf("confirming %.4g/s: %w", s.best(), ErrDrift)
		default:
			rate, times = rate*backOff, 0
		}
	}
	s.res.Max = rate
	return nil
}

// step runs a rate and notes what came of it; every third time it first asks again for what had passed.
func (s *search) step(ctx context.Context, kind Kind, rate float64) (bool, error) {
	if s.since++; s.since > guardEvery && len(s.passed) > 0 {
		s.since = 1
		limit := math.Inf(1)
		if s.failed > 0 {
			limit = s.failed * guardShare
		}
		again := s.highest(limit)
		ok, err := s.run1(ctx, Guard, again, 0)
		if err == nil && !ok {
			err = fmt.Errorf("%.4g/s: %w", again, ErrDrift)
		}
		if err != nil {
			return false, err
		}
	}
	ok, err := s.run1(ctx, kind, rate, 0)
	if err == nil && ok {
		s.passed = append(s.passed, rate)
	}
	return ok, err
}

// run1 runs a rate for d, 0 is as long as it takes, and says whether it passed.
func (s *search) run1(ctx context.Context, kind Kind, rate float64, d time.Duration) (bool, error) {
	step := Step{Search: s.res.Restarts, Kind: kind, Rate: rate, Verdict: Undecided}
	if d == 0 {
		d = s.opt.duration(rate)
	}
	var all Sample
	for i := 0; i <= extensions && step.Verdict == Undecided; i++ {
		got, err := s.measure(ctx, rate, d)
		if err != nil {
			return false, fmt.Errorf("running %.4g/s: %w", rate, err)
		}
		all.add(got, float64(i))
		step.Took += d
		step.judge(&all)
	}
	s.res.Steps = append(s.res.Steps, step)
	if s.opt.Step != nil {
		s.opt.Step(&step)
	}
	ok := step.Verdict == Pass
	if !ok && kind != Guard && (s.failed == 0 || rate < s.failed) {
		s.failed, s.by, s.bound = rate, step.By, step.Bound != ""
	}
	return ok, nil
}

// duration returns how long a rate must run to have a thousand samples over the strictest quantile.
func (o *Options) duration(rate float64) time.Duration {
	if o.Rarest <= 0 {
		return o.Shortest
	}
	needed := min(beyond/(o.Rarest*rate), o.Longest.Seconds())
	return max(o.Shortest, time.Duration(needed*float64(time.Second)))
}
