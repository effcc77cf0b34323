package keyspace

import (
	"bytes"
	"testing"
)

// TestPutRoom: a string that has grown keeps its room when it is put again, is charged for it, and gives all of it back.
func TestPutRoom(t *testing.T) {
	s := New(Options{})
	key := []byte("key")
	h := Hash(key)
	room := s.Room(21)
	it, _ := s.PutBytes(0, key, h, Item{}, KindRaw, bytes.Repeat([]byte("a"), 18))
	if it.Room() != 18 || room <= 21 {
		t.Errorf("%d bytes of room, %d after growth", it.Room(), room)
	}
	small := it.Size(s.Model())
	for n := 18; n <= room; n++ {
		var ok bool
		if it, ok = s.PutRoom(0, key, h, it, KindRaw, bytes.Repeat([]byte("b"), n), room); !ok || it.Room() != room {
			t.Fatalf("%d bytes with room for %d, got %d", n, room, it.Room())
		}
		if got := it.Bytes(); len(got) != n || got[n-1] != 'b' || s.Dataset() != it.Size(s.Model()) || s.Dataset() <= small {
			t.Fatalf("%d bytes: there are %d, charged %d, counted %d", n, len(got), s.Dataset(), it.Size(s.Model()))
		}
	}
	if s.Delete(it); s.heap.Live() != 0 || s.Dataset() != 0 {
		t.Errorf("%d bytes are live and %d charged of nothing", s.heap.Live(), s.Dataset())
	}
}
