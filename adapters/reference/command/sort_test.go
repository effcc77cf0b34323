package command_test

import (
	"math/rand/v2"
	"strconv"
	"testing"
)

func TestSort(t *testing.T) {
	elem := func(r *rand.Rand) string {
		return draw(r, strconv.Itoa(r.IntN(10)), strconv.Itoa(r.IntN(10)), strconv.Itoa(r.IntN(10)), draw(r, "1.5", "-3",
			"1e2", "abc", "x", "", "a\x00b", "inf", " 7"))
	}
	pattern := func(r *rand.Rand) string {
		return draw(r, "w*", "w*", "h*->f", "h*->g", "#", "nothing", "w*->", "*", "->", "h*->f*", "w\x00*", "*->f")
	}
	play(t, 14, append([]string{"l", "s", "z", "d"}, twinKeys...),
		func(r *rand.Rand) []string { return []string{"RPUSH", "l", elem(r), elem(r), elem(r)} },
		func(r *rand.Rand) []string { return []string{"SADD", "s", strconv.Itoa(r.IntN(30))} },
		func(r *rand.Rand) []string { return []string{"ZADD", "z", strconv.Itoa(r.IntN(5)), elem(r)} },
		func(r *rand.Rand) []string { return []string{"SET", "w" + elem(r), elem(r)} },
		func(r *rand.Rand) []string { return []string{"HSET", "h" + elem(r), draw(r, "f", "g"), elem(r)} },
		func(r *rand.Rand) []string { return []string{"DEL", draw(r, "l", "s", "z", "w1", "h2")} },
		sortCall(elem, pattern), sortCall(elem, pattern), sortCall(elem, pattern),
		func(r *rand.Rand) []string { return []string{"LRANGE", "d", "0", "-1"} },
	)
}

// sortCall makes calls whose replies have an order that Redis promises, or makes by an algorithm that is the engine's, too.
func sortCall(elem, pattern func(*rand.Rand) string) func(*rand.Rand) []string {
	return func(r *rand.Rand) []string {
		key := draw(r, "l", "l", "s", "z", "none", "w1")
		args := []string{anyCase(r, draw(r, "sort", "sort", "sort_ro")), key}
		alpha := r.IntN(2) == 0
		if alpha {
			args = append(args, anyCase(r, "alpha"))
		}
		if by := pattern(r); r.IntN(2) == 0 && (key == "l" || !alpha) {
			args = append(args, "BY", by)
			if key == "s" { // a set has no order of its own
				args = append(args, "STORE", "d")
			}
		}
		if r.IntN(2) == 0 {
			args = append(args, "LIMIT", number(r), number(r))
		}
		for range r.IntN(3) {
			args = append(args, draw(r, []string{"GET", pattern(r)}, []string{"DESC"}, []string{"asc"}, []string{"STORE", "d"},
				[]string{elem(r)})...)
		}
		return args
	}
}

// TestSortOfTies holds the order of elements that compare equal, where only some are looked at, against a server.
func TestSortOfTies(t *testing.T) {
	w := newTwin(t, 1)
	r := rand.New(rand.NewPCG(15, 1))
	for round := range 40 {
		w.restart(1)
		n := draw(r, 5, 7, 8, 30, 50, 300)
		for i := range n {
			w.same("RPUSH", "l", strconv.Itoa(i))
			if r.IntN(4) > 0 {
				w.same("SET", "w"+strconv.Itoa(i), strconv.Itoa(r.IntN(1+round%7)))
			}
		}
		for range 10 {
			args := []string{"SORT", "l", "BY", "w*", "LIMIT", strconv.Itoa(r.IntN(n)), strconv.Itoa(r.IntN(n))}
			args = append(args, draw(r, []string{"ALPHA"}, []string{"ALPHA", "DESC"}, []string{"DESC"}, []string{})...)
			w.same(args...)
		}
	}
}
