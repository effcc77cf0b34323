package rdb

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kvtool/kvtool/kv"
)

// apart is how far the times of a cluster's dumps may lie apart before it is worth a note.
const apart = 10 * time.Minute

// Info tells what all dumps say together: sums of what adds up, and whatever only some of them say with their names.
func (d *directory) Info(ctx context.Context) (*kv.Info, error) {
	all := &kv.Info{Adapter: "rdb", Product: "rdb", Target: d.target, KeysKnown: true}
	var names []string
	var infos []*kv.Info
	for _, n := range d.nodes {
		if n.failed != nil {
			all.KeysKnown = false
			continue
		}
		i, err := n.Info(ctx)
		if err != nil {
			return nil, err
		}
		names, infos = append(names, n.name), append(infos, i)
		all.Keys += i.Keys
		all.KeysKnown = all.KeysKnown && i.KeysKnown
		if i.Clock.After(all.Clock) {
			all.Clock = i.Clock
		}
	}
	if !all.KeysKnown {
		all.Keys = 0
	}
	versions := column(infos, func(i *kv.Info) string { return i.Version })
	slices.Sort(versions)
	all.Version = list(slices.Compact(versions))
	d.memory(all, infos)
	all.Facts = facts(names, infos)
	all.Notes = slices.Concat(d.about(infos), d.notes, merged(names, infos))
	return all, nil
}

// memory adds up what the dumps say of their servers' memory, if all of them do.
func (d *directory) memory(all *kv.Info, infos []*kv.Info) {
	if len(infos) < len(d.nodes) || slices.ContainsFunc(infos, func(i *kv.Info) bool { return i.Memory == 0 }) {
		return
	}
	complete := true
	for _, i := range infos {
		all.Memory += i.Memory
		complete = complete && len(i.Ledger) > 0
	}
	if !complete {
		return
	}
	all.Ledger = slices.Clone(infos[0].Ledger)
	for _, i := range infos[1:] {
		for n := range i.Ledger { // every dump lists the same lines
			all.Ledger[n].Bytes += i.Ledger[n].Bytes
		}
	}
}

// facts merges the facts, which every dump lists in the same order. A fact that some dumps tell is told.
func facts(names []string, infos []*kv.Info) []kv.Fact {
	var all []kv.Fact
	for n, f := range infos[0].Facts {
		whys := column(infos, func(i *kv.Info) string { return i.Facts[n].Why })
		hint := f.Hint
		for _, i := range infos {
			g := i.Facts[n]
			if g.How > f.How {
				f.How = g.How
			}
			if g.Hint == "" {
				hint = ""
			}
		}
		f.Why, f.Hint = told(names, whys), hint
		all = append(all, f)
	}
	return all
}

// about says what a reader must know of the directory itself.
func (d *directory) about(infos []*kv.Info) []string {
	notes := []string{fmt.Sprintf("%d dumps of the directory are read as the nodes of one cluster.", len(infos))}
	var first, last time.Time
	for _, i := range infos {
		if i.Clock.IsZero() {
			continue
		}
		if first.IsZero() || i.Clock.Before(first) {
			first = i.Clock
		}
		if i.Clock.After(last) {
			last = i.Clock
		}
	}
	if last.Sub(first) > apart {
		notes = append(notes, fmt.Sprintf("The dumps were made between %s and %s: a key that moved meanwhile is there twice, or not at all.",
			first.UTC().Format(time.RFC3339), last.UTC().Format(time.RFC3339)))
	}
	return notes
}

// maxNotes bounds how many notes on single files are listed.
const maxNotes = 12

// merged lists the notes of the dumps, each once, with the names of the files unless it holds for all.
func merged(names []string, infos []*kv.Info) []string {
	var order []string
	by := map[string][]string{}
	for i, info := range infos {
		for _, n := range info.Notes {
			if by[n] == nil {
				order = append(order, n)
			}
			by[n] = append(by[n], names[i])
		}
	}
	for i, n := range order {
		if len(by[n]) < len(names) {
			order[i] = list(by[n]) + ": " + n
		}
	}
	if len(order) > maxNotes {
		order = append(order[:maxNotes], fmt.Sprintf("%d more notes on single dumps are left out.", len(order)-maxNotes))
	}
	return order
}

func column(infos []*kv.Info, f func(*kv.Info) string) []string {
	texts := make([]string, len(infos))
	for i, info := range infos {
		texts[i] = f(info)
	}
	return texts
}

// told returns the text that all files have, or each with the names of those that have it.
func told(names, texts []string) string {
	var order []string
	by := map[string][]string{}
	for i, t := range texts {
		if by[t] == nil {
			order = append(order, t)
		}
		by[t] = append(by[t], names[i])
	}
	if len(order) == 1 {
		return order[0]
	}
	var parts []string
	for _, t := range order {
		if t != "" {
			parts = append(parts, list(by[t])+": "+t)
		}
	}
	return strings.Join(parts, "; ")
}

// list joins names, the first few of many.
func list(names []string) string {
	const most = 3
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}
