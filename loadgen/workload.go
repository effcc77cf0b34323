// Package loadgen runs a load against a store and says how long it took: honestly, from the moment at which each operation was due.
// What is done is a Workload's; when, an arrival's; how, a kv.Driver's; and what comes of it, a recording's.
//
// The one idea is that the schedule knows nothing of the store. When each task is due is decided before the run, so a store that
// stands still makes the tasks of that time late, and their response times say so; nothing is left out because nobody could send
// it. What is due and not yet sent costs nothing: it is the distance between a schedule and the clock.
//
//	schedule ── due ──▶ worker ── a free session ──▶ step ── step … ──▶ recorder
//	                      ▲  a task that waits is parked │
//	                      └──────────────────────────────┘
//
//	due      free        sent         done
//	├────────┼───────────┼────────────┤    response = done − due, what a user waits
//	│ queued │    lag    │  service   │    service = done − sent, what the store took
//	                                       lag = sent − max(due, free), which is the generator's own fault
package loadgen

import (
	"math/rand/v2"
	"time"

	"github.com/kvtool/kvtool/kv"
)

// A Workload says what is done. Everything that it decides of task N depends on (seed, worker, N) alone, and on the replies to
// the task's own steps. One Workload is shared by all workers: it is safe for concurrent use, and allocates nothing once warm.
type Workload interface {
	// Operations names what tasks are; Task.Class is an index into it. Nobody changes it.
	Operations() []string
	// Begin makes a task of t, of which N, Worker, Rand and Now are set: it chooses Class, and sets Ops to the first step.
	Begin(t *Task)
	// Next is told the replies to the last step, one for each of its Ops, and sets Ops to the next one, and Wait to how long
	// nothing happens before it. With no Ops and no Wait the task is done; with a Wait alone, Next is called again, without
	// replies, when that time is over. The steps of a task that do not wait are run on one session, with nothing between them.
	Next(t *Task, replies []kv.Result)
}

// A Task is one operation of the application: one or more steps, each of which is sent at once.
type Task struct {
	N      uint64        // which of its worker's tasks
	Worker int           // of the run, all parts counted
	Rand   rand.PCG      // the task's own
	Now    time.Duration // since the run's epoch, when Begin or Next was called

	Class     int           // index into Workload.Operations
	Ops       []kv.Op       // the step; the Workload's until it is called again
	Wait      time.Duration // before the step
	Violation string        // what the store did that it must not do, as evidence; empty is nothing. Set by Next, cleared by who records it
	State     any           // the Workload's, kept from task to task, so that it may be reused
}
