package redis

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kvtool/kvtool/internal/abreast"
	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/internal/slot"
	"github.com/kvtool/kvtool/kv"
)

// noteNode is what the report of one node says of the others.
const noteNode = "This server is one node of a cluster: its own keys are read, and those of no other node; " +
	"redis+cluster:// reads all of them."

// askedAtOnce is how many nodes are asked side by side what they are.
const askedAtOnce = 16

// A told is what one node says of itself.
type told struct {
	group *group
	addr  string // of the node that was asked
	info  *kv.Info
	err   error
}

// Info sums up what the nodes say that are to be read. One that does not answer is named; it is an error if none does.
func (c *cluster) Info(ctx context.Context) (*kv.Info, error) {
	m, err := c.look(ctx, slot.Set{})
	if err != nil {
		return nil, fmt.Errorf("probing %s: %w", c.cfg.target, err)
	}
	all := c.askAll(ctx, m)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	answered := slices.DeleteFunc(slices.Clone(all), func(t told) bool { return t.err != nil })
	if len(answered) == 0 {
		return nil, all[0].err
	}
	info := sumInfos(answered)
	info.Target = c.cfg.target
	info.KeysKnown = info.KeysKnown && len(answered) == len(all)
	info.Facts = append(mergeFacts(answered), placement()...)
	info.Facts = append(info.Facts, c.followFact())
	info.Notes = c.notes(m, all, answered)
	return info, nil
}

// sumInfos adds up what adds up of what nodes say, at least one.
func sumInfos(nodes []told) *kv.Info {
	first := nodes[0].info
	info := &kv.Info{Adapter: "redis", Live: true, KeysKnown: true, Product: first.Product, Version: first.Version, Server: first.Server}
	for _, t := range nodes[1:] {
		info.Server.Add(&t.info.Server)
	}
	for _, t := range nodes {
		info.Keys += t.info.Keys
		info.KeysKnown = info.KeysKnown && t.info.KeysKnown
		info.Memory += t.info.Memory
		info.Resident += t.info.Resident
		info.Burdens = append(info.Burdens, t.info.Burdens...)
	}
	info.Ledger = sumLedgers(nodes)
	return info
}

// askAll asks the reader of each group.
func (c *cluster) askAll(ctx context.Context, m *slotMap) []told {
	if at, ok := ctx.Deadline(); ok { // one that hangs must not take the time of those that answer
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Until(at)*3/4)
		defer cancel()
	}
	all := make([]told, len(m.groups))
	abreast.Each(len(all), askedAtOnce, func(i int) {
		g := &m.groups[i]
		all[i] = told{group: g, addr: g.primary.addr}
		s, n, err := c.reader(ctx, g)
		if err != nil {
			all[i].err = err
			return
		}
		all[i].addr = n.addr
		all[i].info, all[i].err = s.Info(ctx)
	})
	return all
}

// mergeFacts says of each fact how it can be had on the node where it can be had worst.
func mergeFacts(nodes []told) []kv.Fact {
	var merged []kv.Fact
	index := map[string]int{}
	differs := map[string]bool{}
	for _, n := range nodes {
		for _, f := range n.info.Facts {
			if f.Field&(kv.FieldPlace|kv.FieldSlot) != 0 {
				continue
			}
			i, known := index[f.Name]
			if !known {
				i = len(merged)
				index[f.Name] = i
				merged = append(merged, f)
			}
			differs[f.Name] = differs[f.Name] || f.How != merged[i].How
			if f.How < merged[i].How {
				merged[i] = f
			}
		}
	}
	for i, f := range merged {
		if !differs[f.Name] {
			continue
		}
		for _, n := range nodes {
			if slices.Contains(n.info.Facts, f) {
				merged[i].Why = n.addr + ": " + f.Why
				break
			}
		}
	}
	return merged
}

// sumLedgers adds up the lines of the same name.
func sumLedgers(nodes []told) []kv.Line {
	var sum []kv.Line
	index := map[string]int{}
	for _, n := range nodes {
		for _, l := range n.info.Ledger {
			i, known := index[l.Name]
			if !known {
				index[l.Name] = len(sum)
				sum = append(sum, l)
				continue
			}
			sum[i].Bytes += l.Bytes
			if l.How < sum[i].How {
				sum[i].How, sum[i].Why = l.How, l.Why
			}
		}
	}
	return sum
}

// followFact says whether slots that move are followed.
func (c *cluster) followFact() kv.Fact {
	c.mu.Lock()
	defer c.mu.Unlock()
	f := kv.Fact{Name: "moving slots", How: kv.Measured}
	for addr, why := range c.blind {
		f.How = kv.Missing
		f.Why = fmt.Sprintf("%s: %s: a slot is followed when it has moved, and not while it does", addr, why)
		f.Hint = "grant: ACL SETUSER " + userName(c.cfg.username) + " +cluster|nodes"
	}
	return f
}

// notes says what must be known of the cluster, and of its nodes: once what all of them say, else with the node's name.
func (c *cluster) notes(m *slotMap, all, answered []told) []string {
	var notes []string
	for _, t := range all {
		if t.err != nil {
			notes = append(notes, fmt.Sprintf("%s did not answer: %v.", t.group, t.err))
		}
	}
	served := m.served()
	if n := slot.Count - served.Len(); n > 0 {
		notes = append(notes, humanize.Counted(int64(n), "slot")+" served by no node.")
	}
	if c.cfg.replica != replicaNo {
		notes = append(notes, replicaNote(answered))
	}
	notes = append(notes, versionNote(answered)...)
	return append(notes, notesOf(answered)...)
}

// notesOf lists the notes of nodes: once what all of them say, else with the names of those that do.
func notesOf(answered []told) []string {
	var notes []string
	saidBy := map[string][]string{}
	var order []string
	for _, t := range answered {
		for _, note := range t.info.Notes {
			if note == noteNode {
				continue
			}
			if saidBy[note] == nil {
				order = append(order, note)
			}
			saidBy[note] = append(saidBy[note], t.addr)
		}
	}
	for _, note := range order {
		if by := saidBy[note]; len(by) < len(answered) {
			note = strings.Join(by, ", ") + ": " + note
		}
		notes = append(notes, note)
	}
	return notes
}

// replicaNote names the replicas that are read, and the primaries that are for want of one.
func replicaNote(nodes []told) string {
	var replicas, primaries []string
	for _, t := range nodes {
		if t.addr == t.group.primary.addr {
			primaries = append(primaries, t.addr)
		} else {
			replicas = append(replicas, t.addr)
		}
	}
	var parts []string
	if len(replicas) > 0 {
		parts = append(parts, "Read from replicas: "+strings.Join(replicas, ", ")+".")
	}
	if len(primaries) > 0 {
		parts = append(parts, "Read from primaries, for want of a replica: "+strings.Join(primaries, ", ")+".")
	}
	return strings.Join(parts, " ")
}

func versionNote(nodes []told) []string {
	by := map[string][]string{}
	var order []string
	for _, t := range nodes {
		v := t.info.Product + " " + t.info.Version
		if by[v] == nil {
			order = append(order, v)
		}
		by[v] = append(by[v], t.addr)
	}
	if len(order) < 2 {
		return nil
	}
	for i, v := range order {
		order[i] = fmt.Sprintf("%s (%s)", v, strings.Join(by[v], ", "))
	}
	return []string{"The nodes run different versions: " + strings.Join(order, ", ") + "."}
}
