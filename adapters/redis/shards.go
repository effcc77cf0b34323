package redis

import (
	"fmt"

	"github.com/kvtool/kvtool/internal/resp"
	"github.com/kvtool/kvtool/internal/slot"
)

// groupsOf asks one node who serves what: by CLUSTER SHARDS, which 7.0 has brought, or else by CLUSTER SLOTS. Where the first leaves
// open who serves a slot, as it may while a replica takes over, the second decides.
func (l *link) groupsOf(asked string, tls bool) ([]group, error) {
	reply, err := l.tree(resp.ReadOnly, "CLUSTER", "SHARDS")
	if text, refused := answer(err); err != nil && !(refused && denies(text)) {
		return nil, err
	}
	if err == nil {
		if groups, err := readShards(reply, asked, tls); err == nil && len(groups) > 0 {
			return groups, nil
		}
	}
	return l.slotsOf(asked)
}

// readShards reads the answer to CLUSTER SHARDS: of each shard its slots, as pairs of the first and the last, and its nodes. An empty
// endpoint is asked, the host by which the answering node was reached.
//
// Source: https://redis.io/docs/latest/commands/cluster-shards/
func readShards(reply any, asked string, tls bool) ([]group, error) {
	shards, ok := reply.([]any)
	if !ok || len(shards) > slot.Count {
		return nil, fmt.Errorf("%w: CLUSTER SHARDS was answered otherwise", resp.ErrProtocol)
	}
	var groups []group
	var taken slot.Set
	for _, s := range shards {
		fields := named(s)
		slots, err := readSpans(fields["slots"])
		if err != nil {
			return nil, err
		}
		if slots.Empty() {
			continue
		}
		if both := taken.And(slots); !both.Empty() {
			return nil, fmt.Errorf("CLUSTER SHARDS: %w: two shards serve slot %s", resp.ErrProtocol, short(&both))
		}
		taken = taken.Or(slots)
		g := group{slots: slots}
		if err := g.readMembers(fields["nodes"], asked, tls); err != nil {
			return nil, err
		}
		groups = append(groups, g)
	}
	return groups, nil
}

// named returns a list of names and values in turn as a map.
func named(v any) map[string]any {
	list, _ := v.([]any)
	fields := map[string]any{}
	for i := 0; i+1 < len(list); i += 2 {
		if name, ok := list[i].(string); ok {
			fields[name] = list[i+1]
		}
	}
	return fields
}

// readSpans reads slots.
func readSpans(v any) (set slot.Set, err error) {
	ends, ok := v.([]any)
	if !ok || len(ends)%2 != 0 {
		return set, fmt.Errorf("%w: CLUSTER SHARDS tells no slots", resp.ErrProtocol)
	}
	for i := 0; i < len(ends); i += 2 {
		low, ok1 := ends[i].(int64)
		high, ok2 := ends[i+1].(int64)
		if !ok1 || !ok2 || low < 0 || low > high || high >= slot.Count {
			return set, fmt.Errorf("CLUSTER SHARDS: %w: slots %v to %v", resp.ErrProtocol, ends[i], ends[i+1])
		}
		set.Add(int(low), int(high))
	}
	return set, nil
}

// readMembers reads the nodes of a shard. Its primary is the one that is well, or else the one that there is; an old one may still be
// listed beside the one that has followed it. Replicas that have failed, or hold no data yet, are left out.
func (g *group) readMembers(v any, asked string, tls bool) error {
	list, _ := v.([]any)
	if len(list) > maxReplicas {
		return fmt.Errorf("%w: a shard of %d nodes", resp.ErrProtocol, len(list))
	}
	var well, failed []node
	for _, one := range list {
		fields := named(one)
		n, err := readMember(fields, asked, tls)
		if err != nil {
			return fmt.Errorf("CLUSTER SHARDS: %w", err)
		}
		switch role, health := fields["role"], fields["health"]; {
		case role == "master" && health == "fail":
			failed = append(failed, n)
		case role == "master":
			well = append(well, n)
		case health == "online":
			g.replicas = append(g.replicas, n)
		}
	}
	if well == nil {
		well = failed
	}
	if len(well) != 1 {
		return fmt.Errorf("CLUSTER SHARDS: %w: %d primaries of slots %s", resp.ErrProtocol, len(well), short(&g.slots))
	}
	g.primary = well[0]
	return nil
}

// readMember reads one node of a shard.
func readMember(fields map[string]any, asked string, tls bool) (n node, err error) {
	host, _ := fields["endpoint"].(string)
	if host == "?" { // a cluster that would rather announce host names has none for it
		host, _ = fields["ip"].(string)
	}
	port, ok := fields["port"].(int64)
	if p, has := fields["tls-port"].(int64); has && (tls || !ok) {
		port = p
	}
	if n.id, _ = fields["id"].(string); n.id == "" || len(n.id) > 255 {
		return n, fmt.Errorf("%w: a node without an id", resp.ErrProtocol)
	}
	n.addr, err = endpoint(host, port, asked)
	return n, err
}
