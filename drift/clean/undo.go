package clean

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/kvtool/kvtool/kv"
)

// UndoForm is the first word of an undo file, and the version of its form.
const UndoForm = "clean-undo/1"

// An undo file is frames of zstd one behind the other, each of them whole lines and on the disk before anything of it is done.
// What a crash leaves of the last frame is of keys that were not touched. It is appended to where a plan is applied again: of a
// key that is in it twice, the later dump is that of the later removal.

// undoHead is the first line of each run.
type undoHead struct {
	Form    string    `json:"kvtool"`
	Target  string    `json:"target"`
	Server  string    `json:"server"`
	Lineage []string  `json:"lineage,omitempty"` // kv.Identity.Lineage
	Version string    `json:"version"`
	Plan    string    `json:"plan"`
	Created time.Time `json:"created"`
}

// undoLine is a key before it was changed.
type undoLine struct {
	Key      Text    `json:"key"`
	DB       int     `json:"db"`
	Type     kv.Type `json:"type"`
	ExpireMS int64   `json:"expire_ms,omitempty"`
	Idle     *int64  `json:"idle_seconds,omitempty"`
	Dump     []byte  `json:"dump,omitempty"` // what is to be deleted
	Digest   string  `json:"sha1"`
	SetMS    int64   `json:"set_ms,omitempty"` // the expiry that it is to have
	Kept     bool    `json:"kept,omitempty"`   // nothing was done to it after all: its last entry does not count
}

// An undoFile is one that is being written.
type undoFile struct {
	f   *os.File
	enc *zstd.Encoder
	buf bytes.Buffer
}

func openUndo(path string, head undoHead) (*undoFile, error) {
	if err := appendable(path, head.Target); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600) // it holds values
	if err != nil {
		return nil, fmt.Errorf("the undo file: %w", err)
	}
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	u := &undoFile{f: f, enc: enc}
	head.Form = UndoForm
	if err := errors.Join(u.add(&head), u.sync()); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return u, nil
}

// appendable returns an error if what is appended to a file could not be read back: it is no undo file, one of another target, or
// one whose last frame was cut by a crash or a full disk.
func appendable(path, target string) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("the undo file: %w", err)
	}
	defer f.Close()
	if st, err := f.Stat(); err == nil && st.Size() == 0 {
		return nil
	}
	u, err := ReadUndo(f)
	switch {
	case err != nil:
		return fmt.Errorf("the undo file %s is there: %w", path, err)
	case u.Cut || u.Target != target:
		return kv.WithHint(kv.Usagef("the undo file %s is cut, or of another target: what is appended could not be read back", path),
			"name another one: --undo-file")
	}
	return nil
}

// add adds a line to the frame to come.
func (u *undoFile) add(line any) error {
	b, err := json.Marshal(line)
	if err != nil {
		return err
	}
	u.buf.Write(b)
	u.buf.WriteByte('\n')
	return nil
}

// sync writes the frame and waits until it is on the disk.
func (u *undoFile) sync() error {
	if u.buf.Len() == 0 {
		return nil
	}
	frame := u.enc.EncodeAll(u.buf.Bytes(), nil)
	u.buf.Reset()
	if _, err := u.f.Write(frame); err != nil {
		return fmt.Errorf("the undo file: %w", err)
	}
	if err := u.f.Sync(); err != nil {
		return fmt.Errorf("the undo file: %w", err)
	}
	return nil
}

func (u *undoFile) close() error { return errors.Join(u.sync(), u.enc.Close(), u.f.Close()) }

// An Undo is an undo file that was read.
type Undo struct {
	Target, Server, Version string
	Lineage                 []string
	Created                 time.Time
	Cut                     bool // its end is missing: of keys that were not touched
	lines                   []undoLine
}

// Keys returns how many keys it holds.
func (u *Undo) Keys() int { return len(u.lines) }

// maxUndoLine bounds a line: a value of 512 MB in base64.
const maxUndoLine = 1 << 30

// ReadUndo reads an undo file. Of a key that is in it several times the last entry counts that was not kept.
func ReadUndo(r io.Reader) (*Undo, error) {
	dec, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(4<<30))
	if err != nil {
		return nil, err
	}
	defer dec.Close()
	u := &Undo{}
	entries := map[kv.Name][]int{} // of all
	var all []undoLine
	in := bufio.NewScanner(dec)
	in.Buffer(make([]byte, 64<<10), maxUndoLine)
	for in.Scan() {
		b := in.Bytes()
		var head undoHead
		if json.Unmarshal(b, &head) == nil && head.Form != "" {
			if head.Form != UndoForm || u.Target != "" && head.Target != u.Target {
				return nil, kv.Usagef("it is no undo file of this version (%s), or of several targets", UndoForm)
			}
			u.Target, u.Server, u.Lineage, u.Version, u.Created = head.Target, head.Server, head.Lineage, head.Version, head.Created
			continue
		}
		var l undoLine
		if err := json.Unmarshal(b, &l); err != nil || u.Target == "" {
			if u.Target == "" {
				return nil, kv.Usagef("it is no undo file")
			}
			u.Cut = true
			break
		}
		name := kv.Name{DB: l.DB, Key: string(l.Key)}
		if of := entries[name]; !l.Kept {
			entries[name], all = append(of, len(all)), append(all, l)
		} else if len(of) > 0 {
			entries[name] = of[:len(of)-1]
		}
	}
	if err := in.Err(); err != nil {
		if u.Target == "" {
			return nil, kv.Usagef("it is no undo file: %w", err)
		}
		u.Cut = true
	}
	if u.Target == "" {
		return nil, kv.Usagef("it is no undo file")
	}
	for i := range all {
		if of := entries[kv.Name{DB: all[i].DB, Key: string(all[i].Key)}]; len(of) > 0 && of[len(of)-1] == i {
			u.lines = append(u.lines, all[i])
		}
	}
	return u, nil
}

// dump returns what a line takes to be written again.
func (l *undoLine) dump() kv.Dump {
	d := kv.Dump{Name: kv.Name{DB: l.DB, Key: string(l.Key)}, Type: l.Type, Value: l.Dump}
	if l.ExpireMS > 0 {
		d.ExpireAt = time.UnixMilli(l.ExpireMS)
	}
	if l.Idle != nil {
		d.Idle, d.HasIdle = time.Duration(*l.Idle)*time.Second, true
	}
	return d
}
