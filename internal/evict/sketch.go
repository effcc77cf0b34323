package evict

import "math/bits"

// A sketch estimates how often an ID was counted lately: a count-min sketch of 4-bit counters, sixteen in a word, of which an
// ID has four in different words. After ten counts for each word all are halved, so that old popularity fades.
type sketch struct {
	words []uint64 // a power of two
	added int
}

const (
	minSketch = 64
	rows      = 4
)

func newSketch(words int) sketch { return sketch{words: make([]uint64, words)} }

// fit gives the sketch a word for each of n records. It starts anew then: a cache that grows has dropped nothing lately.
func (s *sketch) fit(n int) {
	if n > len(s.words) {
		*s = newSketch(1 << bits.Len(uint(n)))
	}
}

func (s *sketch) count(id uint64) {
	for row := range uint64(rows) {
		word, shift := s.at(id, row)
		if s.words[word]>>shift&15 < 15 {
			s.words[word] += 1 << shift
		}
	}
	if s.added++; s.added >= 10*len(s.words) {
		s.halve()
	}
}

// estimate returns the smallest of an ID's counters: the others may have been counted for other IDs too.
func (s *sketch) estimate(id uint64) uint64 {
	least := uint64(15)
	for row := range uint64(rows) {
		word, shift := s.at(id, row)
		least = min(least, s.words[word]>>shift&15)
	}
	return least
}

// at returns where an ID's counter of a row is: each row has its own quarter of the counters of a word.
func (s *sketch) at(id, row uint64) (word uint64, shift uint) {
	h := mix(id + row*0x9e3779b97f4a7c15)
	return h & uint64(len(s.words)-1), uint(4 * (4*row + h>>62))
}

func (s *sketch) halve() {
	for i, w := range s.words {
		s.words[i] = w >> 1 & 0x7777777777777777
	}
	s.added /= 2
}

// mix spreads an ID over 64 bits, whatever the host hashes with (the finaliser of SplitMix64).
func mix(h uint64) uint64 {
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}
