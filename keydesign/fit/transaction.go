package fit

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kvtool/kvtool/keydesign/schema"
)

// What must hold for several keys at once, or for one over a reading and a writing.

func transactions(f *facts) []line {
	found := f.where(f.spreadTransaction, func(u use) string {
		if u.Consistency == serializable {
			return "consistency serializable"
		}
		return "transaction over " + strings.Join(u.Keys, ", ") + ", which share no tag or partition"
	})
	if found == nil {
		return nil
	}
	return []line{{
		"multi-key-transaction", join(found), "a relational store or a transactional ordered store",
		"it makes several keys change together or not at all, wherever they are",
		"the keys share a hash tag or a partition key, or the work can be repeated and undone",
	}}
}

const serializable = "serializable"

// spreadTransaction reports whether an access needs several partitions to agree.
func (f *facts) spreadTransaction(u use) bool {
	return u.Consistency == serializable || u.Query == "tx" && !f.together(u)
}

// together reports whether all keys of a transaction are in one partition: they are one template's, or have the same tag.
func (f *facts) together(u use) bool {
	first := ""
	for i, name := range u.Keys {
		t := f.templates[name]
		if t == nil {
			return false
		}
		tag := partition(t)
		if i > 0 && (tag == "" || tag != first) {
			return false
		}
		first = tag
	}
	return true
}

// partition is what decides where a key of a template lies: the partition key of an item, else the hash tag; empty if it is the
// whole key.
//
//	{user:{uid}}:cart  ──▶  user:{uid}
func partition(t *schema.Template) string {
	if len(t.Item.PK) > 0 {
		return t.Item.PK.String()
	}
	var tag strings.Builder
	inside := false
	for _, p := range t.Key {
		if p.Type != nil {
			if inside {
				fmt.Fprintf(&tag, "{%s:%s}", p.Field, p.Type.Kind)
			}
			continue
		}
		text := p.Literal
		if !inside {
			_, after, open := strings.Cut(text, "{")
			if !open {
				continue
			}
			inside, text = true, after
		}
		before, _, closed := strings.Cut(text, "}")
		tag.WriteString(before)
		if closed {
			return tag.String()
		}
	}
	return ""
}

func ledgers(f *facts) []line {
	if !f.schema.Store.Durable {
		return nil
	}
	var found []string
	for i := range f.schema.Templates {
		t := &f.schema.Templates[i]
		if readModifyWrite(t) && !f.inTransaction(t.Name) {
			found = append(found, t.Name+": read and written whole, in no transaction"+at(t.Pos))
		}
	}
	if found == nil {
		return nil
	}
	return []line{{
		"durable-ledger", join(found) + "; store.durable" + at(f.schema.Store.Pos), "a relational store",
		"of two that read, change and write at the same time one is lost, and what is lost must not be",
		"the change is one command (INCRBY, HINCRBY), or is conditional (CAS, WATCH, a condition)",
	}}
}

// readModifyWrite reports whether a lasting value is both read and written as a whole.
func readModifyWrite(t *schema.Template) bool {
	if t.Kind != schema.Record && t.Kind != schema.Counter && t.Kind != "" {
		return false
	}
	read, written := false, false
	for _, a := range t.Access {
		switch strings.ToUpper(a.Op) {
		case "GET", "JSON.GET", "GETITEM":
			read = true
		case "SET", "JSON.SET", "PUT", "PUTITEM":
			written = a.Consistency == "" || written
		}
	}
	return read && written
}

// inTransaction reports whether any declared transaction is over the template.
func (f *facts) inTransaction(name string) bool {
	return slices.ContainsFunc(f.uses, func(u use) bool {
		return u.Query == "tx" && (u.t.Name == name || slices.Contains(u.Keys, name))
	})
}

// observedTransactions looks at what a server says it was asked.
func observedTransactions(f *facts) []line {
	calls := f.calls()
	tx := calls["multi"] + calls["eval"] + calls["evalsha"] + calls["fcall"]
	if all := calls.total(); all < fewestCalls || tx < txShare*all {
		return nil
	}
	evidence := fmt.Sprintf("commandstats: %.0f MULTI, %.0f WATCH and %.0f EVAL or FCALL of %.0f calls",
		calls["multi"], calls["watch"], calls["eval"]+calls["evalsha"]+calls["fcall"], calls.total())
	return []line{{
		"multi-key-transaction", evidence, "a relational store or a transactional ordered store",
		"transactions and scripts are a large part of what the server does: there is no rollback, and in a cluster one slot is all they reach",
		"they touch keys of one hash tag, and none of them runs long",
	}}
}
