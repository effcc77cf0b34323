package lzf

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// texts are inputs of many shapes: long runs, repeats far and near, noise, and the lengths around the limits of the format.
func texts() [][]byte {
	r := rand.New(rand.NewPCG(1, 2))
	all := [][]byte{[]byte("a"), []byte("ab"), bytes.Repeat([]byte("a"), 20), bytes.Repeat([]byte("abc"), 4000)}
	for n := range 320 {
		all = append(all, bytes.Repeat([]byte("x"), n+1))
		noise := make([]byte, n+1)
		for i := range noise {
			noise[i] = "abcdefgh"[r.IntN(1+n%8)]
		}
		all = append(all, noise)
	}
	far := bytes.Repeat([]byte{0}, 8200)
	for i := range far {
		far[i] = byte(r.Uint32())
	}
	return append(all, append(far, far...), append([]byte("?"), append(far[:8191], far...)...))
}

func TestWhatIsPackedComesBack(t *testing.T) {
	z := new(Packer)
	for round := range 3 { // what an earlier input left in the table must not show
		for _, text := range texts() {
			packed, ok := z.Compress([]byte("head"), text, len(text)+len(text)/32+8)
			if !ok {
				t.Fatalf("round %d: %d bytes do not fit in their own length and the marks", round, len(text))
			}
			if want, _ := new(Packer).Compress([]byte("head"), text, len(text)+len(text)/32+8); !bytes.Equal(packed, want) {
				t.Fatalf("round %d: %d bytes differ with a used table", round, len(text))
			}
			got := make([]byte, len(text))
			if n, ok := Expand(got, packed[4:]); !ok || n != len(text) || !bytes.Equal(got, text) {
				t.Fatalf("round %d: %d bytes come back as %d, %v", round, len(text), n, ok)
			}
		}
	}
}

func TestLimit(t *testing.T) {
	z := new(Packer)
	for _, text := range texts() {
		full, _ := z.Compress(nil, text, len(text)+len(text)/32+8)
		for limit := range min(len(full)+8, 200) {
			packed, ok := z.Compress(nil, text, limit)
			if ok && (len(packed) > limit || !bytes.Equal(packed, full)) {
				t.Fatalf("%d bytes into %d: %d", len(text), limit, len(packed))
			}
			if !ok && limit > len(full)+4 {
				t.Fatalf("%d bytes do not fit into %d, and need %d", len(text), limit, len(full))
			}
		}
	}
}

func TestTheTableIsClearedBeforePositionsRunOut(t *testing.T) {
	z := &Packer{next: 1<<32 - 10}
	text := bytes.Repeat([]byte("abcd"), 20)
	want, _ := new(Packer).Compress(nil, text, 100)
	if got, ok := z.Compress(nil, text, 100); !ok || !bytes.Equal(got, want) || z.base != 1 {
		t.Fatalf("%x, want %x (base %d)", got, want, z.base)
	}
}

func FuzzCompress(f *testing.F) {
	f.Add([]byte("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaabcabcabc"), 40)
	z := new(Packer)
	f.Fuzz(func(t *testing.T, text []byte, limit int) {
		packed, ok := z.Compress(nil, text, max(0, limit))
		if !ok {
			return
		}
		got := make([]byte, len(text))
		if n, ok := Expand(got, packed); !ok || n != len(text) || !bytes.Equal(got, text) || len(packed) > limit {
			t.Fatalf("%x", packed)
		}
	})
}
