package kv

// Pages is how the pages of one database in a file are used, as its store counts them.
type Pages struct {
	Database string // its name in a file that has several; empty if there is one
	Method   string // btree, hash, recno, queue
	Size     int64  // bytes of each page
	Keys     int64
	Items    int64 // values: of a database whose keys have several, more than keys
	Levels   int64 // of a tree; 0 of what is none
	Inline   int64 // bytes: a larger key or value does not lie in a leaf, but in pages of its own; 0: not known
	Kinds    []PageKind
	Unused   int64 // pages that hold nothing: those on the free list, and empty ones
}

// A PageKind is pages of one use.
type PageKind struct {
	Name  string // leaf, internal, duplicate, overflow, bucket, bucket overflow, data
	Pages int64
	Free  int64 // bytes of them that hold nothing
}

// Total returns how many pages the database has.
func (p *Pages) Total() int64 {
	n := p.Unused
	for _, k := range p.Kinds {
		n += k.Pages
	}
	return n
}

// Kind returns the pages of one use; none if there are none.
func (p *Pages) Kind(name string) PageKind {
	for _, k := range p.Kinds {
		if k.Name == name {
			return k
		}
	}
	return PageKind{Name: name}
}
