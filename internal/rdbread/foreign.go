package rdbread

import (
	"bytes"
	"errors"
	"strconv"

	"github.com/kvtool/kvtool/kv"
)

// ErrCommands marks an append-only file in command form, which holds no dump to read.
var ErrCommands = errors.New("commands")

// commandForm is an error that is ErrCommands, whatever else.
type commandForm struct{ error }

func (e commandForm) Unwrap() error        { return e.error }
func (e commandForm) Is(target error) bool { return target == ErrCommands }

// foreign says what an input is that is no dump.
func foreign(head []byte) error {
	for _, k := range []struct{ magic, name string }{
		{"", "it is empty"},
		{"\x1f\x8b", "it is gzip inside"},
		{"\x28\xb5\x2f\xfd", "it is zstd inside"},
		{"PK\x03\x04", "it is a zip archive"},
		{"BZh", "it is bzip2"},
		{"\xfd7zXZ\x00", "it is xz"},
		{"SQLite format 3\x00", "it is an SQLite database"},
		{"*", "it looks like an append-only file in command form"},
		{"file appendonly", "it is the manifest of an append-only file"},
		{"\x7fELF", "it is a program"},
		{"{", "it looks like JSON"},
		{"[", "it looks like JSON"},
	} {
		if k.magic == "" && len(head) > 0 || !bytes.HasPrefix(head, []byte(k.magic)) {
			continue
		}
		err := kv.Usagef("no dump: %s", k.name)
		if k.magic == "*" {
			return commandForm{err}
		}
		return err
	}
	if bytes.HasPrefix([]byte("REDIS"), head) || bytes.HasPrefix([]byte("VALKEY"), head) ||
		bytes.HasPrefix(head, []byte("REDIS")) || bytes.HasPrefix(head, []byte("VALKEY")) {
		return kv.Corruptf("dump damaged at byte %d, in the head: the file ends before its content (no key was read)", len(head))
	}
	return kv.WithHint(kv.Usagef("no dump: it does not begin with REDIS or VALKEY but with %s", strconv.QuoteToASCII(string(head[:min(len(head), 9)]))), "redis-cli --rdb FILE writes a dump")
}
