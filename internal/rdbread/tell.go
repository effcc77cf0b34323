package rdbread

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kvtool/kvtool/kv"
)

// Facts says of each fact how a dump tells it, with what the caller knows: how the allocator is known, and where keys lie.
func (s *Summary) Facts(allocator string, place, slot kv.Fact) []kv.Fact {
	why := fmt.Sprintf("modelled as %s; allocator %s", s.Model, allocator)
	if note := s.Model.Note(); note != "" {
		why += "; " + note
	}
	return []kv.Fact{
		{Name: "name", Field: kv.FieldName, How: kv.Measured},
		{Name: "type", Field: kv.FieldType, How: kv.Measured},
		{Name: "encoding", Field: kv.FieldEncoding, How: kv.Measured},
		{Name: "size", Field: kv.FieldSize, How: kv.Modelled, Why: why},
		{Name: "length", Field: kv.FieldLen, How: kv.Measured},
		{Name: "ttl", Field: kv.FieldTTL, How: kv.Measured},
		s.accessFact("idle", kv.FieldIdle, "idle times", "LRU"),
		s.accessFact("freq", kv.FieldFreq, "access counters", "LFU"),
		place,
		slot,
		{Name: "largest", Field: kv.FieldLargest, How: kv.Measured, Why: "of collections but intsets; a number in a packed block counts with the bytes it takes there"},
		{Name: "stored", Field: kv.FieldStored, How: kv.Measured},
		{Name: "digest", Field: kv.FieldDigest, How: kv.Sampled, Why: "of strings of 32 bytes and more, 1 key in 16, chosen by the hash of its name"},
		{Name: "groups", Field: kv.FieldGroups, How: kv.Measured},
	}
}

// accessFact says whether the dump holds idle times or access counters: a server writes them for all keys or for none.
func (s *Summary) accessFact(name string, f kv.Field, what, policy string) kv.Fact {
	if s.Access&f != 0 {
		return kv.Fact{Name: name, Field: f, How: kv.Measured}
	}
	return kv.Fact{
		Name: name, Field: f, How: kv.Missing,
		Why:  "the dump holds no " + what + ": a server writes them only while its maxmemory-policy is one of " + policy,
		Hint: "audit the server itself: redis://HOST:PORT",
	}
}

// Lines lists what the server behind the dump held besides keys and values, once all of it was read. What is not in a dump is
// listed as missing: the reader of a reconciliation must know what it lacks.
func (s *Summary) Lines() []kv.Line {
	if s.UsedMem == 0 {
		return nil
	}
	l := &s.Ledger
	return []kv.Line{
		{Name: "startup", Bytes: l.Startup, How: kv.Modelled, Why: "assumed"},
		{Name: "main_dict", Bytes: l.MainDict, How: kv.Modelled, Why: "from the number of keys"},
		{Name: "expires_dict", Bytes: l.ExpiresDict, How: kv.Modelled, Why: "from the keys with a TTL"},
		{Name: "functions", Bytes: l.Functions, How: kv.Modelled, Why: "the libraries' source"},
		{Name: "allocator_rounding", Bytes: l.Rounding, How: kv.Modelled, Why: s.Model.Allocator.String() + " on structs and tables"},
		{Name: "buffers", Why: "of clients, replication, AOF: in no dump"},
	}
}

// Content says what a reader of a report must know of what is in the dump, as far as it was read.
func (s *Summary) Content() []string {
	var n []string
	if s.RDB > newest {
		n = append(n, fmt.Sprintf("RDB %d is newer than the formats that were tested: every type code in it was known.", s.RDB))
	}
	if s.Functions > 0 {
		n = append(n, fmt.Sprintf("The dump holds %d libraries of functions. They are in no key.", s.Functions))
	}
	for _, name := range s.modules() {
		n = append(n, fmt.Sprintf("Module %s: the sizes of its %d keys are those of their serialised form; what they take in memory is not modelled.", name, s.Modules[name]))
	}
	if len(s.Aux) > 0 {
		n = append(n, "Modules keep data beside the keys, which was not read: "+strings.Join(s.Aux, ", ")+".")
	}
	return n
}

// newest is the latest version of the format that was tested.
const newest = 12

func (s *Summary) modules() []string {
	var names []string
	for name := range s.Modules {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Verified says what a whole reading has shown of the dump's checksum, where that is not that it is right; else "".
func (s *Summary) Verified() string {
	switch s.Checksum {
	case ChecksumZero:
		return "The dump was written without a checksum: damage inside values cannot be seen."
	case ChecksumAbsent:
		return "Dumps of this version have no checksum: damage inside values cannot be seen."
	case ChecksumOff:
		return "The checksum was not verified, as asked."
	}
	return ""
}
