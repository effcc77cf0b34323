package rdb

import (
	"github.com/kvtool/kvtool/internal/rdbread"
	"github.com/kvtool/kvtool/kv"
)

// ledger lists what the server behind the dump held besides keys and values, once all of it was read. What is not in a file
// is listed as missing: the reader of a reconciliation must know what it lacks.
func ledger(sum *rdbread.Summary, scanned bool) []kv.Line {
	if !scanned || sum.UsedMem == 0 {
		return nil
	}
	l := &sum.Ledger
	return []kv.Line{
		{Name: "startup", Bytes: l.Startup, How: kv.Modelled, Why: "assumed"},
		{Name: "main_dict", Bytes: l.MainDict, How: kv.Modelled, Why: "from the number of keys"},
		{Name: "expires_dict", Bytes: l.ExpiresDict, How: kv.Modelled, Why: "from the keys with a TTL"},
		{Name: "functions", Bytes: l.Functions, How: kv.Modelled, Why: "the libraries' source"},
		{Name: "allocator_rounding", Bytes: l.Rounding, How: kv.Modelled, Why: sum.Model.Allocator.String() + " on structs and tables"},
		{Name: "buffers", Why: "of clients, replication, AOF: in no dump"},
	}
}
