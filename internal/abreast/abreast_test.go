package abreast

import (
	"strings"
	"sync/atomic"
	"testing"
)

func TestEach(t *testing.T) {
	for _, n := range []int{0, 1, 3, 100} {
		var now, most, calls atomic.Int64
		seen := make([]bool, n)
		Each(n, 4, func(i int) {
			for at := now.Add(1); ; {
				was := most.Load()
				if at <= was || most.CompareAndSwap(was, at) {
					break
				}
			}
			seen[i] = true
			calls.Add(1)
			now.Add(-1)
		})
		for i, is := range seen {
			if !is {
				t.Errorf("%d of %d was left out", i, n)
			}
		}
		if most.Load() > 4 || calls.Load() != int64(n) {
			t.Errorf("of %d: %d calls, %d at a time", n, calls.Load(), most.Load())
		}
	}
}

// TestPanic has one of several panic: the others are done before whoever waits meets it, with the place where it was.
func TestPanic(t *testing.T) {
	var done atomic.Int64
	defer func() {
		text, _ := recover().(string)
		if !strings.HasPrefix(text, "oh\n") || !strings.Contains(text, "TestPanic") || done.Load() != 7 {
			t.Errorf("%d others are done, and the panic is %q", done.Load(), text)
		}
	}()
	Each(8, 3, func(i int) {
		if i == 2 {
			panic("oh")
		}
		done.Add(1)
	})
	t.Error("the panic was lost")
}
