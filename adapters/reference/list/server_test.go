package list

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/kvtool/kvtool/adapters/reference/arena"
	"github.com/kvtool/kvtool/internal/memory"
	"github.com/kvtool/kvtool/internal/servertest"
)

// TestChunksAgainstServer: a list has as many chunks as it has nodes in a server, after every step of random histories.
func TestChunksAgainstServer(t *testing.T) {
	c := servertest.Redis(t, servertest.Options{Args: []string{"--enable-debug-command", "yes"}}).Client(t)
	m := memory.New(memory.Profile{})
	for _, fill := range []int{-1, -2, -3, 1, 2, 3, 4, 7, 128} {
		c.Must(t, "CONFIG", "SET", "list-max-listpack-size", strconv.Itoa(fill))
		for seed := range 6 {
			c.Must(t, "DEL", "l")
			h := &twin{c, New(arena.New(arena.Limit), m, fill), rand.New(rand.NewPCG(uint64(seed), uint64(fill)))}
			for range 250 {
				did := h.step(t)
				if h.l.Len() == 0 {
					h.l = New(arena.New(arena.Limit), m, fill)
					continue
				}
				info := c.Must(t, "DEBUG", "OBJECT", "l").(string)
				if want := fmt.Sprintf(" ql_nodes:%d ", h.l.Nodes()); !strings.Contains(info, want) {
					t.Fatalf("fill %d, after %v: %s\nwant%s", fill, did, info, want)
				}
			}
		}
	}
}

// A twin is a List and the same in a server.
type twin struct {
	c *servertest.Client
	l *List
	r *rand.Rand
}

func (h *twin) elem() string {
	if h.r.IntN(4) == 0 {
		return strings.Repeat("x", h.r.IntN(1200))
	}
	return strconv.Itoa(h.r.IntN(30))
}

func (h *twin) step(t *testing.T) []string {
	s, pivot, n := h.elem(), strconv.Itoa(h.r.IntN(30)), h.l.Len()
	var args []string
	switch op := h.r.IntN(14); {
	case op < 3 || n == 0:
		args = []string{"LPUSH", "l", s}
		h.l.Push([]byte(s), true)
	case op < 6:
		args = []string{"RPUSH", "l", s}
		h.l.Push([]byte(s), false)
	case op < 9:
		args = []string{"LINSERT", "l", "BEFORE", pivot, s}
		h.l.Insert([]byte(pivot), []byte(s), false)
	case op < 11:
		args = []string{"LINSERT", "l", "AFTER", pivot, s}
		h.l.Insert([]byte(pivot), []byte(s), true)
	case op == 11:
		i := h.r.IntN(n)
		args = []string{"LSET", "l", strconv.Itoa(i), s}
		h.l.Set(i, []byte(s))
	case op == 12:
		count := h.r.IntN(5) - 2
		args = []string{"LREM", "l", strconv.Itoa(count), pivot}
		h.l.Remove([]byte(pivot), count)
	default:
		lo, hi := h.r.IntN(min(n, 5)), n-h.r.IntN(min(n, 5))
		if lo >= hi {
			lo, hi = 0, n
		}
		args = []string{"LTRIM", "l", strconv.Itoa(lo), strconv.Itoa(hi - 1)}
		h.l.Delete(hi, n-hi)
		h.l.Delete(0, lo)
	}
	h.c.Must(t, args...)
	return args[:len(args)-1]
}
