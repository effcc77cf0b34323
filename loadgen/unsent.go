package loadgen

import (
	"math"
	"time"
)

// A forgone is what the tasks of a phase were that were due and not sent.
type forgone struct {
	of      *Phase
	begun   uint64   // of those that the workload was asked about
	classes []uint64 // what they were
	passed  uint64   // steps in which others were passed over
}

const (
	// mostBegun bounds how many tasks of a phase that are not sent are begun, to know of which operation each would have been. Those
	// beyond it have the operations in the shares of these: a rate that nobody can send would take for ever otherwise.
	mostBegun = 50_000
	// passStep is by which part of what is left the schedule is passed over at once, but for shortPass and the end of a second: those
	// of one step have waited about as long.
	passStep  = 256
	shortPass = time.Millisecond
)

// leave counts what is left at the end of a stretch.
func (w *worker) leave() {
	now := w.run.now()
	w.forgo(min(now, w.plan.end), now)
	for _, t := range w.parked { // their connection was given up
		t.failed = unfinished
		w.done(t, now)
	}
	w.parked = w.parked[:0]
}

// forgo counts what is due before a time and is not sent, and passes over it.
func (w *worker) forgo(until, now time.Duration) {
	for w.next < until {
		f := &w.forgone
		if p := &w.plan.phases[w.phase]; f.of != p {
			*f = forgone{of: p, classes: make([]uint64, len(p.Workload.Operations()))}
		}
		if f.begun < mostBegun {
			w.unsent(now)
		} else {
			w.pass(until, now)
		}
	}
}

// unsent records that the next task of the schedule is not sent, and passes over it.
func (w *worker) unsent(now time.Duration) {
	f := &w.forgone
	t := w.arrive()
	t.begin(now) // to know of which operation it would have been
	w.active--
	f.begun++
	f.classes[t.Class]++
	if t.of.Record {
		w.rec.Unsent(now-w.run.origin, t.Class, now-t.due)
	}
	w.free = append(w.free, t)
}

// pass records a number of tasks that are not sent, of one second and of those due before a time.
func (w *worker) pass(until, now time.Duration) {
	f, p, from := &w.forgone, w.forgone.of, w.plan.from[w.phase]
	at := w.next - w.run.origin
	end := min(until, w.next+max((until-w.next)/passStep, shortPass), w.run.origin+at.Truncate(time.Second)+time.Second)
	if p.For > 0 {
		end = min(end, from+p.For)
	}
	n := 1 + w.schedule.Pass(end-from)
	if w.left > 0 {
		n = min(n, w.left)
	}
	w.n += n
	if p.Record {
		w.rec.DueN(at, n)
		waited := max(0, now-(w.next+end)/2)
		f.divide(n, func(class int, k uint64) { w.rec.UnsentN(now-w.run.origin, class, waited, k) })
	}
	if w.left > 0 {
		if w.left -= n; w.left == 0 {
			w.phase = len(w.plan.phases) - 1
			w.advance()
			return
		}
	}
	w.step()
}

// divide gives each class its share of n tasks. What is less than a whole one goes to each as often as it should: where the rounding
// begins moves on by the golden ratio.
func (f *forgone) divide(n uint64, give func(class int, k uint64)) {
	f.passed++
	_, offset := math.Modf(float64(f.passed) * math.Phi)
	cum, given := uint64(0), uint64(0)
	for class, c := range f.classes {
		cum += c
		upTo := n
		if cum < f.begun {
			upTo = min(n, uint64(float64(n)*float64(cum)/float64(f.begun)+offset))
		}
		give(class, upTo-given)
		given = upTo
	}
}
