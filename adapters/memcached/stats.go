package memcached

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// stats are the answer to one stats command: names and values.
type stats map[string]string

// mostStats bounds an answer: a server has sixty classes with twenty values each.
const mostStats = 10_000

// stats asks for a group of statistics; "" is the general ones.
func (l *link) stats(group string) (stats, error) {
	command := "stats"
	if group != "" {
		command += " " + group
	}
	if err := l.send(command); err != nil {
		return nil, err
	}
	s := stats{}
	for {
		line, err := l.line()
		if err != nil {
			return nil, err
		}
		done, err := s.add(line)
		switch {
		case err != nil:
			return nil, err
		case done:
			return s, nil
		case len(s) > mostStats:
			return nil, fmt.Errorf("%w: more than %d statistics", errProtocol, mostStats)
		}
	}
}

// add reads a line of an answer, and reports whether it is the last one.
func (s stats) add(line []byte) (done bool, err error) {
	if string(line) == "END" || string(line) == "RESET" {
		return true, nil
	}
	if isError(line) {
		return false, answerError(line)
	}
	rest, ok := bytes.CutPrefix(line, []byte("STAT "))
	name, value, _ := strings.Cut(string(rest), " ")
	if !ok || name == "" {
		return false, fmt.Errorf("%w: stats were answered %.40q", errProtocol, line)
	}
	s[name] = value
	return false, nil
}

// number returns a statistic, and 0 where there is none.
func (s stats) number(name string) int64 {
	n, _ := strconv.ParseInt(s[name], 10, 64)
	return n
}

// optional returns the statistics of a group, none where the server does not tell them.
func (l *link) optional(group string) (stats, error) {
	s, err := l.stats(group)
	var said answerError
	if errors.As(err, &said) {
		return stats{}, nil
	}
	return s, err
}

// A class is one size of chunk in which a server keeps items. Counters are since it was started.
type class struct {
	id            int
	chunk         int64 // bytes
	used, free    int64 // chunks
	pages         int64
	evicted       int64
	evictedUnread int64 // of these, never fetched
	outOfMemory   int64 // stores that failed
	age           int64 // seconds since the item that goes next was used
}

// classesOf puts together what `stats slabs` ("5:chunk_size") and `stats items` ("items:5:evicted") say of each class, the smallest
// chunk first.
func classesOf(slabs, items stats) []class {
	byID := map[int]*class{}
	at := func(text string) *class {
		id, err := strconv.Atoi(text)
		if err != nil || id < 0 || id > 255 { // a class is a byte
			return nil
		}
		if byID[id] == nil {
			byID[id] = &class{id: id}
		}
		return byID[id]
	}
	for name := range slabs {
		id, what, ok := strings.Cut(name, ":")
		c := at(id)
		if !ok || c == nil {
			continue
		}
		n := slabs.number(name)
		switch what {
		case "chunk_size":
			c.chunk = n
		case "used_chunks":
			c.used = n
		case "free_chunks":
			c.free = n
		case "total_pages":
			c.pages = n
		}
	}
	for name := range items {
		id, what, ok := strings.Cut(strings.TrimPrefix(name, "items:"), ":")
		c := at(id)
		if !ok || c == nil {
			continue
		}
		c.count(what, items.number(name))
	}
	var all []class
	for id := range 256 {
		if c := byID[id]; c != nil {
			all = append(all, *c)
		}
	}
	return all
}

func (c *class) count(what string, n int64) {
	switch what {
	case "evicted":
		c.evicted = n
	case "evicted_unfetched":
		c.evictedUnread = n
	case "outofmemory":
		c.outOfMemory = n
	case "age":
		c.age = n
	}
}
