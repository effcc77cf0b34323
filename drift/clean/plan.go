// Package clean removes keys by a plan: which, why, and what each must still be when its turn comes. It owns the form of the plan
// and of the file that takes it all back, and the order of the steps between.
//
// The one idea is that nothing is removed that is not on the disk before, and nothing that has changed since somebody looked:
//
//	plan ──▶ dump ──▶ undo file, synced ──▶ script on the node: still as dumped, still without its parent? ──▶ UNLINK
//	                                                                         └─ no ──▶ left alone, and logged
//
// A plan is text, a line a key, to be read by a person before anything is done. Lines may be taken out, but not changed or added:
// each has a digest over the plan's head and itself.
package clean

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
	"unicode/utf8"

	"github.com/kvtool/kvtool/kv"
)

// PlanForm is the first word of a plan, and the version of its form.
const PlanForm = "clean-plan/2"

// Lifetime is how long a plan may be applied after it was made.
const Lifetime = 24 * time.Hour

// A Text is any bytes as JSON: a string, or {"b64": "…"} where they are no UTF-8.
type Text string

type base64Text struct {
	B64 []byte `json:"b64"`
}

// MarshalJSON writes the text.
func (t Text) MarshalJSON() ([]byte, error) {
	if utf8.ValidString(string(t)) {
		return json.Marshal(string(t))
	}
	return json.Marshal(base64Text{[]byte(t)})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (t *Text) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '{' {
		var x base64Text
		err := json.Unmarshal(b, &x)
		*t = Text(x.B64)
		return err
	}
	return json.Unmarshal(b, (*string)(t))
}

// A Head says what a plan is of.
type Head struct {
	Form      string           `json:"kvtool"`
	Tool      string           `json:"tool"`
	Target    string           `json:"target"` // without secrets
	Server    string           `json:"server"` // kv.Identity.ID
	Version   string           `json:"version,omitempty"`
	Created   time.Time        `json:"created"`
	Expires   time.Time        `json:"expires"`
	What      string           `json:"what"`                // orphans, ttl, free
	Schema    string           `json:"schema,omitempty"`    // digest of keys.yaml
	Sampled   bool             `json:"sampled"`             // not all keys were looked at
	Decay     int              `json:"lfu_decay,omitempty"` // minutes after which the server takes one off an LFU counter; 0 never
	Templates map[string]int64 `json:"templates"`           // how many keys each has, in the plan or not
}

// The actions.
const (
	Delete = "delete"
	Expire = "expire"
)

// A Line is what is to become of one key, and why.
type Line struct {
	Key      Text           `json:"key"`
	DB       int            `json:"db"`
	Template string         `json:"template"`
	Action   string         `json:"action"`
	Seconds  float64        `json:"seconds,omitempty"` // Expire: from now on, give or take a part of it (Spread)
	Rule     string         `json:"rule,omitempty"`
	Reason   string         `json:"reason"`
	Evidence map[string]any `json:"evidence,omitempty"`
	Type     kv.Type        `json:"type"`
	Expiry   string         `json:"expiry"`            // what it must be: none, some, >N milliseconds
	Missing  Text           `json:"missing,omitempty"` // a key that must still be missing
	Reads    []Reading      `json:"reads,omitempty"`   // what must still be read
	Bytes    int64          `json:"bytes,omitempty"`
	Value    string         `json:"sha1,omitempty"` // of the DUMP of what is to be deleted, when the plan was made
	Idle     *float64       `json:"idle_seconds,omitempty"`
	Freq     *int           `json:"freq,omitempty"` // LFU counter, when the plan was made
	ExpireAt *time.Time     `json:"expire_at,omitempty"`
	Digest   string         `json:"digest"`
}

// A Reading is what a value says: of the key itself, or of the one that it leads to.
type Reading struct {
	Key   Text   `json:"key"`
	Field string `json:"field,omitempty"` // empty: the whole of a string
	Says  Text   `json:"says"`
	Lost  bool   `json:"lost,omitempty"` // there is no such field
}

// A Plan is a file.
type Plan struct {
	Head
	Lines  []Line
	Digest string // of its head: the name of the plan in a log
}

// digest returns the digest of a line under a head.
func (l *Line) digest(head string) (string, error) {
	bare := *l
	bare.Digest = ""
	b, err := json.Marshal(&bare)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(append([]byte(head+"\n"), b...))
	return hex.EncodeToString(sum[:12]), nil
}

// Write writes a plan, and gives each line its digest.
func (p *Plan) Write(w io.Writer) error {
	p.Form = PlanForm
	head, err := json.Marshal(&p.Head)
	if err != nil {
		return err
	}
	p.Digest = headDigest(head)
	lines := [][]byte{head}
	for i := range p.Lines {
		l := &p.Lines[i]
		if l.Digest, err = l.digest(p.Digest); err != nil {
			return err
		}
		b, err := json.Marshal(l)
		if err != nil {
			return err
		}
		lines = append(lines, b)
	}
	_, err = w.Write(append(bytes.Join(lines, []byte{'\n'}), '\n'))
	return err
}

func headDigest(head []byte) string {
	sum := sha256.Sum256(head)
	return hex.EncodeToString(sum[:12])
}

// maxLine bounds a line: its keys have 512 MB at most in theory, and a few hundred bytes in plans that anybody reads.
const maxLine = 8 << 20

// ErrEdited says that a line of a plan is not as it was written.
var ErrEdited = errors.New("has been edited or added: lines may be taken out of a plan, and nothing else")

// Read reads a plan. Every line is held against its digest.
func Read(r io.Reader) (*Plan, error) {
	in := bufio.NewScanner(r)
	in.Buffer(make([]byte, 64<<10), maxLine)
	p := &Plan{}
	for n := 1; in.Scan(); n++ {
		b := in.Bytes()
		if len(bytes.TrimSpace(b)) == 0 {
			continue
		}
		if p.Form == "" {
			if err := strict(b, &p.Head); err != nil || p.Form != PlanForm {
				return nil, kv.Usagef("line %d is not the head of a plan of this version (%s)", n, PlanForm)
			}
			p.Digest = headDigest(b)
			continue
		}
		var l Line
		if err := strict(b, &l); err != nil {
			return nil, kv.Usagef("line %d: %w", n, err)
		}
		if d, err := l.digest(p.Digest); err != nil || d != l.Digest {
			return nil, kv.Usagef("line %d (%.60q) %w", n, string(l.Key), ErrEdited)
		}
		if err := l.check(); err != nil {
			return nil, kv.Usagef("line %d: %w", n, err)
		}
		p.Lines = append(p.Lines, l)
	}
	if err := in.Err(); err != nil {
		return nil, err
	}
	if p.Form == "" {
		return nil, kv.Usagef("it is empty")
	}
	return p, nil
}

// strict reads JSON that has no fields but those of v.
func strict(b []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if d.More() {
		return errors.New("more than one value in a line")
	}
	return nil
}

func (l *Line) check() error {
	switch {
	case l.Action != Delete && l.Action != Expire:
		return fmt.Errorf("unknown action %q", l.Action)
	case l.Action == Expire && !(l.Seconds > 0):
		return fmt.Errorf("an expiry of %v s", l.Seconds)
	case l.Expiry == "":
		return errors.New("no expiry is said that it must have")
	}
	return nil
}
