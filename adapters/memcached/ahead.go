package memcached

import "bytes"

// A batch is items whose lines were read together, and what ended the dump behind them, if anything did.
type batch struct {
	items []item
	err   error
}

const (
	batchItems = 512
	batches    = 4 // of one dump
	// shortTail is what may be left in a buffer that has no whole line any more.
	shortTail = 512
)

// An ahead reads a dump in a goroutine of its own, while those before are looked at: the server's writing, the reading of its lines, and
// the work on items go on side by side. It is ahead by so many batches at most.
//
//	link ──▶ run ── full ──▶ the scan
//	          ◀──── free ─────┘
type ahead struct {
	link *link
	line []byte      // was read, and is not in a batch yet; nil: there is none
	full chan *batch // closed at the end of the dump
	free chan *batch
}

// ahead begins to read a dump, of which the first line has come.
func (l *link) ahead(first []byte) *ahead {
	a := &ahead{link: l, line: first, full: make(chan *batch, batches), free: make(chan *batch, batches)}
	for range batches {
		a.free <- &batch{items: make([]item, 0, batchItems)}
	}
	go a.run()
	return a
}

// end closes the link, and returns when nobody reads any more.
func (a *ahead) end() {
	a.link.close()
	close(a.free)
	for range a.full {
	}
}

func (a *ahead) run() {
	defer close(a.full)
	for b := range a.free {
		more := a.fill(b)
		a.full <- b // it has room for all that there are
		if !more {
			return
		}
	}
}

// fill reads items until the batch is full, or no more have come yet. It reports whether the dump goes on.
func (a *ahead) fill(b *batch) (more bool) {
	b.items = b.items[:0]
	for len(b.items) < cap(b.items) {
		line := a.line
		if a.line = nil; line == nil {
			if len(b.items) > 0 && !a.link.ready() {
				return true
			}
			if line, b.err = a.link.line(); b.err != nil {
				return false
			}
		}
		if !bytes.HasPrefix(line, []byte("key=")) { // nearly all do
			if string(line) == "END" {
				return false
			}
			if isError(line) {
				b.err = answerError(line)
				return false
			}
		}
		n := len(b.items)
		b.items = b.items[:n+1]
		if b.err = b.items[n].parse(line); b.err != nil {
			b.items = b.items[:n]
			return false
		}
	}
	return true
}

// ready reports whether a line has come whole.
func (l *link) ready() bool {
	n := l.in.Buffered()
	if n >= shortTail {
		return true
	}
	tail, err := l.in.Peek(n)
	return err == nil && bytes.IndexByte(tail, '\n') >= 0
}
