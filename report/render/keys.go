package render

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/kvtool/kvtool/report"
)

// A KeyMode says how much of a key's name is shown. Templates are always shown; a key that is like
// no other is its own template, so that a name which must not be seen at all must not be in a report.
type KeyMode string

// The key modes.
const (
	KeysFull     KeyMode = "full"     // the name
	KeysMasked   KeyMode = "masked"   // session:9f…c2
	KeysHash     KeyMode = "hash"     // session:3fd0a1b2: the same key looks the same, but cannot be read
	KeysTemplate KeyMode = "template" // no key at all
)

// KeyModes lists them.
func KeyModes() []string {
	return []string{string(KeysFull), string(KeysMasked), string(KeysTemplate), string(KeysHash)}
}

// Set makes a *KeyMode a flag value.
func (m *KeyMode) Set(s string) error {
	if !slices.Contains(KeyModes(), s) {
		return fmt.Errorf("want %s", strings.Join(KeyModes(), ", "))
	}
	*m = KeyMode(s)
	return nil
}

// String returns the name that Set reads.
func (m KeyMode) String() string { return string(m) }

// Type names the flag's value in help.
func (KeyMode) Type() string { return "mode" }

// apply returns r with its keys shown as m says. It leaves r alone: other formats may show more of it.
func (m KeyMode) apply(r *report.Report) *report.Report {
	if m == "" || m == KeysFull {
		return r
	}
	c := *r
	c.Sections = slices.Clone(r.Sections)
	for i := range c.Sections {
		s := &c.Sections[i]
		s.Tables = slices.Clone(s.Tables)
		for j := range s.Tables {
			m.table(&s.Tables[j])
		}
	}
	c.Findings = slices.Clone(r.Findings)
	for i := range c.Findings {
		c.Findings[i].Samples = m.samples(c.Findings[i].Samples)
	}
	c.Targets = slices.Clone(r.Targets)
	for i, t := range c.Targets {
		c.Targets[i] = m.apply(t)
	}
	return &c
}

func (m KeyMode) table(t *report.Table) {
	rows := slices.Clone(t.Rows)
	for c := range t.Columns {
		if !holdsKeys(t.Columns[c]) {
			continue
		}
		for i := range rows {
			rows[i] = slices.Clone(rows[i])
			rows[i][c] = m.value(rows[i][c])
		}
	}
	t.Rows = rows
}

// holdsKeys reports whether the column holds names of single keys. Templates and prefixes have the same unit, since they
// are made of the same bytes.
func holdsKeys(c report.Column) bool {
	return c.Unit == report.UnitKey && c.Name != "template" && c.Name != "prefix"
}

func (m KeyMode) samples(keys []report.Value) []report.Value {
	if m == KeysTemplate {
		return nil
	}
	out := make([]report.Value, len(keys))
	for i, k := range keys {
		out[i] = m.value(k)
	}
	return out
}

func (m KeyMode) value(v report.Value) report.Value {
	key, ok := v.Text()
	switch {
	case !ok:
		return v
	case m == KeysTemplate:
		return report.Null
	}
	return report.Text(m.hide(key))
}

// hide replaces every segment of key but the first, which names what it is. What separates them stays. A key without
// separators is one segment and hidden whole.
func (m KeyMode) hide(key string) string {
	var b strings.Builder
	rest := key
	for first := true; ; first = false {
		end := strings.IndexAny(rest, ":/|{}")
		switch {
		case end < 0:
			b.WriteString(m.segment(rest))
			return b.String()
		case first:
			b.WriteString(rest[:end+1])
		default:
			b.WriteString(m.segment(rest[:end]) + rest[end:end+1])
		}
		rest = rest[end+1:]
	}
}

// segment masks or hashes one segment. A short one is masked whole: two of its four letters would give it away.
func (m KeyMode) segment(s string) string {
	switch {
	case s == "":
		return ""
	case m == KeysHash:
		h := sha256.Sum256([]byte(s))
		return hex.EncodeToString(h[:4])
	case len(s) < 8:
		return "…"
	}
	return s[:2] + "…" + s[len(s)-2:]
}
