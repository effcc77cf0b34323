package keyspace

// Warm reads the records of keys by their hashes, so that they are in the processor's caches when they are looked up: what one
// look-up waits for is read while another waits. It counts no access and changes nothing.
func (s *Shard) Warm(db int, hashes []uint64) {
	var room [64]uint32
	refs := room[:0]
	for _, h := range hashes[:min(len(hashes), len(room))] {
		p := s.spaces[db].all.Probe(h)
		refs = append(refs, p.Next())
	}
	for _, ref := range refs {
		if ref != 0 {
			s.warmed += s.at(ref)[0]
		}
	}
}
