package place

import "github.com/kvtool/kvtool/internal/slot"

// RedisCluster returns the slots of a Redis Cluster, spread evenly over so many masters.
func RedisCluster(nodes int) *Layout {
	return &Layout{Model: slots{}, Part: "slot", Node: "node", Nodes: nodes, Owner: even(slot.Count, nodes)}
}

// SlotMap returns the slots of a Redis Cluster whose masters have the slots that are given. A slot that nobody has is counted to
// the first.
func SlotMap(masters []slot.Set) *Layout {
	l := RedisCluster(1)
	l.Nodes = len(masters)
	for node := range masters {
		masters[node].Each(func(n uint16) { l.Owner[n] = node })
	}
	return l
}

// slots is the CRC16 of the key or its hash tag.
type slots struct{}

func (slots) Parts() int           { return slot.Count }
func (slots) Place(key []byte) int { return int(slot.Of(key)) }
