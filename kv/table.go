package kv

// A Table is what a store of tables says of the one that is read. What it does not say is zero.
type Table struct {
	Name            string
	Partition, Sort string // the attributes of the key; Sort is empty where there is none
	Billing         string // "on-demand" or "provisioned"
	Class           string // "standard" or "standard-ia"
	// ReadUnits and WriteUnits are capacity units a second that were bought, without those of indexes.
	ReadUnits, WriteUnits float64
	Items, Bytes          int64  // by its own count, which may be hours old
	TTLAttribute          string // empty where expiry is off, or it is not known
	TTL                   string // "on" or "off"
	Backup                string // continuous backups: "on" or "off"
	Replicas              int    // in other regions
	Partitions            int    // files or ranges that are known to be one partition each, at least; 0 is not known
	Indexes               []Index
}

// An Index is a secondary index of a table.
type Index struct {
	Name                  string
	Local                 bool // of one partition key, in the same partition as its items
	Partition, Sort       string
	Projection            string // "all", "keys" or "include"
	Attributes            []string
	ReadUnits, WriteUnits float64
	Items, Bytes          int64
}

// Known reports whether the store has told of a table.
func (t *Table) Known() bool { return t.Name != "" || t.Partition != "" }
