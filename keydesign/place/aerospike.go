package place

import "encoding/binary"

// AerospikePartitions is how many partitions a namespace of Aerospike has.
const AerospikePartitions = 4096

// Aerospike returns the partitions of a namespace for the keys of one set, spread evenly over so many nodes.
func Aerospike(set string, nodes int) *Layout {
	return &Layout{
		Model: digests(set), Part: "partition", Node: "node", Nodes: nodes, Owner: even(AerospikePartitions, nodes),
		Note: "partitions are spread evenly over the nodes; replicas are not counted",
	}
}

type digests string

func (digests) Parts() int { return AerospikePartitions }

func (s digests) Place(key []byte) int {
	d := Digest(string(s), key)
	return int(binary.LittleEndian.Uint16(d[:]) % AerospikePartitions)
}

// stringKey is the type of a key that is a string, as the wire protocol numbers it.
const stringKey = 3

// Digest returns what Aerospike knows a key by: the RIPEMD-160 of set, type of the key and key. The first twelve bits,
// little-endian, are the partition.
func Digest(set string, key []byte) [20]byte {
	var small [128]byte
	b := append(small[:0], set...)
	b = append(b, stringKey)
	return ripemd160(append(b, key...))
}
