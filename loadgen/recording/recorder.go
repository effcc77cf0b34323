package recording

import (
	"slices"
	"sync"
	"time"

	"github.com/kvtool/kvtool/loadgen/latency"
)

// A Builder puts together the recording of a run that goes on. It is safe for concurrent use.
type Builder struct {
	mu    sync.Mutex
	rec   *Recording
	found map[string]int // operations that were not in Meta
	err   error
}

// NewBuilder returns one of a run that began, or begins, at the given time.
func NewBuilder(m Meta, began time.Time) *Builder {
	m.Parts = max(m.Parts, 1)
	return &Builder{rec: &Recording{Meta: m, Began: began}}
}

// Add adds to a second; s is not used again.
func (b *Builder) Add(second int, s *Second) {
	if second < 0 || second >= maxSeconds {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(b.rec.Seconds) <= second {
		b.rec.Seconds = append(b.rec.Seconds, Second{})
	}
	sum, err := add(&b.rec.Seconds[second], s)
	if err != nil { // not of histograms that were packed here
		b.err = err
		return
	}
	b.rec.Seconds[second] = sum
}

// Event notes what happened.
func (b *Builder) Event(at time.Duration, name string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.rec.Events = mergeEvents(b.rec.Events, 0, []Event{{at, name}}, 0)
}

// mostFound bounds the operations that nobody knew beforehand: those beyond are one.
const mostFound = 256

// class returns the number of an operation, which is added if it is not there.
func (b *Builder) class(name string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.found == nil {
		b.found = map[string]int{}
		for i, known := range b.rec.Meta.Classes {
			b.found[known] = i
		}
	}
	if _, ok := b.found[name]; !ok && len(b.found) >= mostFound {
		name = "other"
	}
	i, ok := b.found[name]
	if !ok {
		i = len(b.rec.Meta.Classes)
		b.found[name] = i
		b.rec.Meta.Classes = append(slices.Clip(b.rec.Meta.Classes), name)
	}
	return i
}

// Snapshot returns what is there now; it does not change any more.
func (b *Builder) Snapshot() *Recording {
	b.mu.Lock()
	defer b.mu.Unlock()
	r := *b.rec
	r.Seconds = append([]Second(nil), b.rec.Seconds...) // a second is replaced, and not changed
	return &r
}

// Finish returns the recording of the run, which was one part.
func (b *Builder) Finish(p Part) (*Recording, error) {
	r := b.Snapshot()
	sum := r.Sum()
	p.Due, p.Done, p.Unsent = sum.Due, sum.Done, sum.Unsent
	if p.Verdict == "" {
		p.Verdict = Valid
	}
	r.Parts = []Part{p}
	if b.found != nil {
		r.sortClasses()
	}
	return r, b.err
}

// sortClasses puts the operations into the order of their names: they were found in one that chance has made.
func (r *Recording) sortClasses() {
	names := slices.Clone(r.Meta.Classes)
	slices.Sort(names)
	for i := range r.Seconds {
		classes := make([]Class, len(names))
		for c, x := range r.Seconds[i].Classes {
			at, _ := slices.BinarySearch(names, r.Meta.Classes[c])
			classes[at] = x
		}
		r.Seconds[i].Classes = classes
	}
	r.Meta.Classes = names
}

// A Recorder counts what one worker does, without locks and without memory once warm; each second it hands over what it has. It is
// not safe for concurrent use. Times count from the beginning of the schedule.
type Recorder struct {
	to      *Builder
	second  int // of what is in now
	now     Second
	classes []open
	any     bool
	due     int // second of what was due
	dueN    uint64
}

// open are the histograms of a class in the second that goes on. Tasks that are sent and answered together took the same time: those
// that follow each other are counted at once.
type open struct {
	errors uint64
	kinds  [3]latency.Histogram
	same   [3]time.Duration // what each of the last n tasks took, which are not in kinds yet
	n      uint64
}

// count puts what was put off into the histograms.
func (o *open) count() {
	for i := range o.kinds {
		o.kinds[i].RecordN(o.same[i], o.n)
	}
	o.n = 0
}

// Recorder returns a new one.
func (b *Builder) Recorder() *Recorder {
	return &Recorder{to: b, classes: make([]open, len(b.rec.Meta.Classes))}
}

// Class returns the number of an operation by its name, for loads of which nobody knows all operations beforehand. There are at most
// 256 such; all beyond are "other". The recording has them in the order of their names.
func (r *Recorder) Class(name string) int {
	i := r.to.class(name)
	for len(r.classes) <= i {
		r.classes = append(r.classes, open{})
	}
	return i
}

// Due counts a task that was due.
func (r *Recorder) Due(at time.Duration) { r.DueN(at, 1) }

// DueN counts n tasks that were due in one second.
func (r *Recorder) DueN(at time.Duration, n uint64) {
	if s := int(at / time.Second); s != r.due {
		r.flushDue()
		r.due = s
	}
	r.dueN += n
}

// Done counts a task that was done at a time. Lag is how late it was sent for reasons of the generator's own.
func (r *Recorder) Done(at time.Duration, class int, response, service, lag time.Duration) {
	r.at(at)
	r.now.Done++
	o := &r.classes[class]
	if took := [3]time.Duration{Response: response, Service: service, Lag: lag}; took != o.same {
		o.count()
		o.same = took
	}
	o.n++
}

// Error counts that a task has failed, by a word for it. It was counted as done, too.
func (r *Recorder) Error(at time.Duration, class int, word string) {
	r.at(at)
	r.classes[class].errors++
	if r.now.Errors == nil {
		r.now.Errors = map[string]uint64{}
	}
	if _, ok := r.now.Errors[word]; !ok && len(r.now.Errors) >= mostWords {
		word = "other"
	}
	r.now.Errors[word]++
}

// mostWords bounds the kinds of errors that are told apart.
const mostWords = 64

// Unsent counts a task that was due and is not done at the end, when it has waited for the given time.
func (r *Recorder) Unsent(end time.Duration, class int, waited time.Duration) {
	r.UnsentN(end, class, waited, 1)
}

// UnsentN counts n of them that have waited about as long.
func (r *Recorder) UnsentN(end time.Duration, class int, waited time.Duration, n uint64) {
	r.at(end)
	r.now.Unsent += n
	r.classes[class].kinds[Response].RecordN(waited, n)
}

// Violation counts something that the store must not do.
func (r *Recorder) Violation(at time.Duration) {
	r.at(at)
	r.now.Violations++
}

// at begins the second of a time, unless it goes on. What is done a little before what was done last counts to its second.
func (r *Recorder) at(at time.Duration) {
	if s := int(at / time.Second); s > r.second {
		r.Flush()
		r.second = s
	}
	r.any = true
}

func (r *Recorder) flushDue() {
	if r.dueN > 0 {
		r.to.Add(r.due, &Second{Due: r.dueN})
		r.dueN = 0
	}
}

// Flush hands over what there is: at the end, or for somebody who looks.
func (r *Recorder) Flush() {
	r.flushDue()
	if !r.any {
		return
	}
	s := r.now
	s.Classes = make([]Class, len(r.classes))
	for i := range r.classes {
		c := &r.classes[i]
		c.count()
		s.Classes[i] = Class{Errors: c.errors, Response: c.kinds[Response].Pack(), Service: c.kinds[Service].Pack(), Lag: c.kinds[Lag].Pack()}
		c.errors = 0
		for k := range c.kinds {
			c.kinds[k].Reset()
		}
	}
	r.to.Add(r.second, &s)
	r.now, r.any = Second{}, false
}
