package kvr

import (
	"bytes"
	"testing"
)

// FuzzArmoured: whatever a log holds, no more is found than begins in it, and what was written into it last is found.
func FuzzArmoured(f *testing.F) {
	f.Add([]byte("-----BEGIN KVTOOL RUN-----\nAAAA\n-----END KVTOOL RUN-----\n"), []byte("x"))
	f.Add([]byte("-----BEGIN KVTOOL RUN-----\nAAA"), []byte{})
	f.Fuzz(func(t *testing.T, before, file []byte) {
		files, damaged := Armoured(before)
		if n := bytes.Count(before, []byte("BEGIN")); len(files)+damaged > n {
			t.Fatalf("%d files and %d damaged ones of %d", len(files), damaged, n)
		}
		log := append(append(bytes.Clone(before), '\n'), Armour(file)...)
		after, _ := Armoured(log)
		if len(after) == 0 || !bytes.Equal(after[len(after)-1], file) {
			t.Fatalf("%q is not the last of %q", file, after)
		}
	})
}
