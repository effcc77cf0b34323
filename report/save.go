package report

// A Part is the saved state of one analysis, from which it can be merged with others of its kind. Only a snapshot file holds
// parts: they are no part of the document.
type Part struct {
	Analyzer string
	Shard    int    // of Resume.Marks; 0 where there is none
	Version  uint16 // of the form of Data
	Config   uint64 // only equal ones merge
	Data     []byte
}

// StorePart is the name of the part that is no analysis, but what the store said of itself.
const StorePart = "store"

// A Resume is what it takes to go on with a scan that ended early.
type Resume struct {
	Match string // the glob of the scan
	Depth string // and how much it asked of the keys
	Marks []Mark // one a shard
}

// A Mark says how far the scan of a shard has got. Its parts hold what was read until then.
type Mark struct {
	Shard   string // name
	State   MarkState
	From    []byte // where to go on, in the store's own words; nil is the beginning
	Keys    int64  // that its parts hold
	Asked   int64  // of these, how many were asked for more than their names
	Lacking int64  // of these, how many did not tell all that they were asked
	Since   []Key  // of these, those that were read behind From: a scan that goes on yields them again
}

// A MarkState is what is left to do with a shard.
type MarkState uint8

// The states of a shard.
const (
	MarkAnew MarkState = iota // nobody knows where to go on: what its parts hold is to be read again
	MarkHere                  // to go on at From
	MarkDone                  // nothing
)

// A Key is one key of a database.
type Key struct {
	DB  int
	Key string
}
