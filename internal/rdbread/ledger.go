package rdbread

import "github.com/kvtool/kvtool/kv"

// A Ledger is what the server behind a dump holds besides keys and their values, as far as the dump tells: bytes.
type Ledger struct {
	Startup     int64 // before its first key: assumed
	MainDict    int64 // tables, of all databases
	ExpiresDict int64 // tables and entries
	Functions   int64 // the libraries' source
	Rounding    int64 // what the allocator adds to structs that sizes count as they are
}

// A tables counts the keys of the database that is being read, and adds up those before it.
type tables struct {
	db             int
	keys, expiring int64
	main, expires  int64
	rounding       int64
	allExpiring    int64
	functions      int64
}

// account notes the key that was read, before the part of its name is added to its size.
func (r *Reader) account() {
	t := &r.tables
	if r.db != t.db {
		t.main, t.expires = r.dicts()
		t.db, t.keys, t.expiring = r.db, 0, 0
	}
	t.keys++
	if r.expires {
		t.expiring++
		t.allExpiring++
	}
	if rec := &r.rec; rec.Type != kv.TypeString || rec.Encoding == kv.EncodingEmbstr {
		if rec.Encoding != kv.EncodingStream {
			r.rounding = r.model.Rounding(rec.Type, rec.Encoding, rec.Size, rec.Len)
		}
		t.rounding += r.rounding
	}
}

// dicts returns the cost of the dicts of all databases so far.
func (r *Reader) dicts() (main, expires int64) {
	t := &r.tables
	if t.keys == 0 {
		return t.main, t.expires
	}
	return t.main + r.model.MainDict(t.keys), t.expires + r.model.ExpiresDict(t.expiring)
}

func (r *Reader) ledger() Ledger {
	main, expires := r.dicts()
	return Ledger{
		Startup: startup, MainDict: main, ExpiresDict: expires, Functions: r.tables.functions,
		Rounding: r.tables.rounding + r.keys*r.model.KeyRounding() + r.tables.allExpiring*r.model.ExpiryRounding(),
	}
}
