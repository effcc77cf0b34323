package place

import (
	"crypto/md5"
	"encoding/binary"
	"math"
)

// Limits of one partition of DynamoDB, from its developer guide ("Burst and adaptive capacity", "Read/write capacity modes").
const (
	PartitionRCU = 3000
	PartitionWCU = 1000
	PartitionGB  = 10
)

const (
	readUnit  = 4 << 10 // bytes
	writeUnit = 1 << 10
)

// ReadUnits returns the capacity units that reading an item of size bytes takes: one for each 4 KiB begun, half of that if the
// read may be stale.
func ReadUnits(size int64, eventual bool) float64 {
	units := math.Ceil(float64(max(size, 1)) / readUnit)
	if eventual {
		units /= 2
	}
	return units
}

// WriteUnits returns the capacity units that writing an item of size bytes takes: one for each KiB begun.
func WriteUnits(size int64) float64 { return math.Ceil(float64(max(size, 1)) / writeUnit) }

// Partitions returns how many partitions a table begins with for the capacity that was bought and the gigabytes it holds.
func Partitions(rcu, wcu, gb float64) int {
	return int(max(1, math.Ceil(max(rcu/PartitionRCU+wcu/PartitionWCU, gb/PartitionGB))))
}

// hashRanges is into how many ranges the model divides the space of hashes: the finest split that it knows.
const hashRanges = 1 << 14

// DynamoDB returns a table of so many partitions. The hash of the service is not published: this is a model, in which another
// of 128 bits stands for it. Which partition a key is in is therefore not to be had, how evenly keys lie is.
func DynamoDB(partitions int) *Layout {
	return &Layout{
		Model: hashed{}, Part: "hash range", Node: "partition", Nodes: partitions, Owner: even(hashRanges, partitions),
		Note: "a model: the hash of DynamoDB is not public, and a uniform one stands for it",
	}
}

type hashed struct{}

func (hashed) Parts() int { return hashRanges }

func (hashed) Place(key []byte) int {
	d := md5.Sum(key)
	return int(binary.BigEndian.Uint16(d[:])) * hashRanges >> 16
}

// A Load is what a range of hashes has to bear.
type Load struct{ RCU, WCU, Bytes float64 }

func (l *Load) add(o Load) { l.RCU, l.WCU, l.Bytes = l.RCU+o.RCU, l.WCU+o.WCU, l.Bytes+o.Bytes }

// weight is how many partitions l takes by itself.
func (l *Load) weight() float64 {
	return max(l.RCU/PartitionRCU, l.WCU/PartitionWCU, l.Bytes/(PartitionGB<<30))
}

// Split divides a partition that has more to bear than one may at the median of its load, and again, as the service does, and
// returns l with more partitions. A single range is never divided: what is in it is one key, or nearly so.
func (l *Layout) Split(loads []Load) *Layout {
	s := *l
	s.Owner, s.Nodes = make([]int, len(l.Owner)), 0
	for from := 0; from < len(l.Owner); {
		to := from
		for to < len(l.Owner) && l.Owner[to] == l.Owner[from] {
			to++
		}
		s.split(loads, from, to)
		from = to
	}
	return &s
}

func (l *Layout) split(loads []Load, from, to int) {
	var sum Load
	for _, x := range loads[from:to] {
		sum.add(x)
	}
	if at := median(loads, from, to); sum.weight() > 1 && at > from {
		l.split(loads, from, at)
		l.split(loads, at, to)
		return
	}
	for i := from; i < to; i++ {
		l.Owner[i] = l.Nodes
	}
	l.Nodes++
}

// median returns where the load of the ranges has its middle, a place between two of them; from if there is only one range.
func median(loads []Load, from, to int) int {
	if to-from < 2 {
		return from
	}
	total := 0.0
	for i := from; i < to; i++ {
		total += loads[i].weight()
	}
	sum, best, at := 0.0, math.Inf(1), from
	for i := from; i < to-1; i++ {
		sum += loads[i].weight()
		if d := math.Abs(sum - total/2); d < best {
			best, at = d, i+1
		}
	}
	return at
}
