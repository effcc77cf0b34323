package propose

import (
	"fmt"
	"iter"
	"regexp"

	"github.com/kvtool/kvtool/internal/humanize"
)

// fit gives each placeholder the narrowest type with which the key matches all that it was made from. The text of a template
// tells less than what was folded into it: random text that happens to hold no digit, a word with a blank.
func (d *draft) fit() {
	re := d.compile()
	lost := 0
	for k := range d.forms() {
		if re.MatchString(k) {
			continue
		}
		if !d.widenFor(k) {
			lost++
			continue
		}
		re = d.compile()
	}
	if lost > 0 {
		d.notes = append(d.notes, fmt.Sprintf("%s of it cannot be written as one key", humanize.Counted(int64(lost), "form")))
	}
}

// sampleLimit is from which length on a sample may be the beginning of a key alone.
const sampleLimit = 256

// forms yields keys of the template: real ones, then made-up ones of each form.
func (d *draft) forms() iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, k := range d.Samples {
			if len(k) < sampleLimit && !yield(k) {
				return
			}
		}
		for k := range d.Likenesses() {
			if !yield(k) {
				return
			}
		}
	}
}

// compile returns what matches the key as it is now. Types and literals are ours, so that it does compile.
func (d *draft) compile() *regexp.Regexp {
	re, err := regexp.Compile(d.key().Regexp())
	if err != nil {
		return regexp.MustCompile(`\A(?s:.*)\z`)
	}
	return re
}

// widenFor widens one placeholder until the key k matches; the one that need be widened least, and of several the last, or
// all of them where one alone does not do. It reports whether k matches then.
func (d *draft) widenFor(k string) bool {
	for step := 1; step < longestLadder; step++ {
		for i := len(d.pieces) - 1; i >= 0; i-- {
			p := &d.pieces[i]
			if p.at+step >= len(p.types) {
				continue
			}
			if p.at += step; d.compile().MatchString(k) {
				return true
			}
			p.at -= step
		}
	}
	for d.widenAll() {
		if d.compile().MatchString(k) {
			return true
		}
	}
	return false
}

// longestLadder bounds how many types a placeholder may have.
const longestLadder = 8

// widenAll widens each placeholder by a step, and reports whether there was one to widen.
func (d *draft) widenAll() bool {
	widened := false
	for i := range d.pieces {
		if p := &d.pieces[i]; p.at+1 < len(p.types) {
			p.at++
			widened = true
		}
	}
	return widened
}
