package crc64

import (
	std "hash/crc64"
	"math/rand/v2"
	"testing"
)

// reference is the checksum by the standard library.
func reference(crc uint64, p []byte) uint64 { return ^std.Update(^crc, std.MakeTable(poly), p) }

func TestCRCCheckValue(t *testing.T) {
	if got := Update(0, []byte("123456789")); got != 0xe9c6d914c4b8d9ca { // as crc64.c of Redis says
		t.Errorf("%#x", got)
	}
}

func TestCRCOfEveryLength(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	p := make([]byte, 4096+16)
	for i := range p {
		p[i] = byte(r.Uint32())
	}
	for n := range 4097 {
		from, crc := r.IntN(16), r.Uint64()
		b := p[from : from+n]
		want := reference(crc, b)
		if got := Update(crc, b); got != want {
			t.Fatalf("%d bytes: %x, want %x", n, got, want)
		}
		if got := portable(crc, b); got != want {
			t.Fatalf("%d bytes, portable: %x, want %x", n, got, want)
		}
	}
}

func TestCRCOfChunks(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	p := make([]byte, 1<<20)
	for i := range p {
		p[i] = byte(r.Uint32())
	}
	want := reference(0, p)
	for range 20 {
		crc := uint64(0)
		for rest := p; len(rest) > 0; {
			n := min(r.IntN(1<<r.IntN(17)+1), len(rest))
			crc, rest = Update(crc, rest[:n]), rest[n:]
		}
		if crc != want {
			t.Fatalf("%x, want %x", crc, want)
		}
	}
}

func BenchmarkCRC(b *testing.B) {
	p := make([]byte, 256<<10)
	for name, f := range map[string]func(uint64, []byte) uint64{
		"ours": Update, "portable": portable, "hash-crc64": func(crc uint64, p []byte) uint64 {
			return std.Update(crc,
				std.MakeTable(std.ECMA), p)
		},
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(p)))
			for b.Loop() {
				f(0, p)
			}
		})
	}
}
