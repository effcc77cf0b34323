// Package abreast does things side by side. It owns no queue and no order; its one idea is that whoever waits for goroutines meets
// their panics: a bug that shows in one of them is that of the call, and not the end of the process.
package abreast

import (
	"fmt"
	"runtime/debug"
	"sync"
)

// Each calls f for 0 to n-1, at most so many at a time, and returns when all have returned. If one of them panics, so does Each, then.
func Each(n, most int, f func(i int)) {
	var running sync.WaitGroup
	bugs, gate := make([]string, n), make(chan struct{}, min(most, max(n, 1)))
	for i := range n {
		gate <- struct{}{}
		running.Go(func() {
			defer func() {
				if p := recover(); p != nil {
					bugs[i] = fmt.Sprintf("%v\n%s", p, debug.Stack())
				}
				<-gate
			}()
			f(i)
		})
	}
	running.Wait()
	for _, bug := range bugs {
		if bug != "" {
			panic(bug)
		}
	}
}
