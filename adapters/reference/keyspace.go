package reference

import "github.com/kvtool/kvtool/kv"

// Len returns the number of keys.
func (e *Engine) Len() int {
	n := 0
	for i := range e.buckets {
		b := &e.buckets[i]
		b.mu.Lock()
		b.expire(e.now())
		n += b.keys.Len()
		b.mu.Unlock()
	}
	return n
}

// Exists reports whether there is such a key.
func (e *Engine) Exists(key string) bool {
	_, ok := e.look(key)
	return ok
}

// Type returns the type of key's value, or "".
func (e *Engine) Type(key string) kv.Type {
	r, _ := e.look(key)
	return r.Type
}

// Encoding returns the encoding of key's value as OBJECT ENCODING prints it, or "".
func (e *Engine) Encoding(key string) kv.Encoding {
	r, _ := e.look(key)
	return r.Encoding
}

// MemoryUsage returns what MEMORY USAGE key SAMPLES 0 of the modelled server prints, or 0 where there is no such key.
func (e *Engine) MemoryUsage(key string) int64 {
	r, _ := e.look(key)
	return r.Size
}

func (e *Engine) look(key string) (r kv.Record, ok bool) {
	b := e.lock(key)
	defer b.mu.Unlock()
	en, ok := b.keys.Get(key)
	if ok {
		e.fill(&r, en, kv.Universal)
	}
	return r, ok
}

// Del removes keys and returns how many there were.
func (e *Engine) Del(keys ...string) int {
	n := 0
	for _, key := range keys {
		b := e.lock(key)
		if b.drop(key) {
			n++
		}
		b.mu.Unlock()
	}
	return n
}
