package play

import (
	"slices"
	"strings"
)

// Commands returns each command that a run may send, once, as its words: those that are the same each time, in upper case the name;
// the others are empty. Of a transaction they are MULTI and the names of the commands in it, for a store that has not each of them
// there. It is what a store must have for the scenario to be run.
func (p *Player) Commands() [][]string {
	var all [][]string
	add := func(words ...string) {
		if !slices.ContainsFunc(all, func(w []string) bool { return slices.Equal(w, words) }) {
			all = append(all, words)
		}
	}
	for i := range p.ops {
		for j := range p.ops[i].code {
			in := &p.ops[i].code[j]
			switch {
			case in.atomic != "" && p.opt.Scripts:
				add("EVAL", "", "", "")
				continue
			case in.atomic != "":
				add("WATCH", "")
				read, writes := watched(in.atomic)
				add(read...)
				add(append([]string{"MULTI"}, writes...)...)
				add("EXEC")
				continue
			case in.tx:
				names := []string{"MULTI"}
				for k := range in.cmds {
					names = append(names, in.cmds[k].name)
				}
				add(names...)
				add("EXEC")
			}
			for k := range in.cmds {
				c := &in.cmds[k]
				words := make([]string, len(c.words))
				for n := range c.words {
					words[n] = string(c.words[n].literal)
				}
				words[0] = strings.ToUpper(c.name)
				add(words...)
				if len(c.expire) > 0 {
					add("PEXPIRE", "", "")
				}
			}
		}
	}
	for i := range p.s.Phases {
		for _, name := range p.s.Phases[i].Fill {
			p.fillCommands(name, add)
		}
	}
	return all
}

// fillCommands adds those that write the keys of a template.
func (p *Player) fillCommands(name string, add func(words ...string)) {
	for i := range p.templates {
		if p.templates[i].t.Name != name {
			continue
		}
		kind := kindOf(p.templates[i].t)
		if w := writer(kind); w == "SET" {
			add("SET", "", "", "PX", "")
		} else {
			add(w, "", "", "")
			add("PEXPIRE", "", "")
		}
	}
}

// watched returns what an atomic action reads under WATCH, and the names of the commands that it does then: see commit.
func watched(atomic string) (read, writes []string) {
	switch atomic {
	case "compare_delete":
		return []string{"GET", ""}, []string{"DEL"}
	case "sliding_window":
		return []string{"ZCOUNT", "", "", "+inf"}, []string{"ZREMRANGEBYSCORE", "ZADD", "PEXPIRE"}
	}
	return []string{"HMGET", "", "tokens", "at"}, []string{"HSET", "PEXPIRE"}
}
