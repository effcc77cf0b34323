package findmax

import (
	"context"
	"math"
	"math/rand/v2"
	"time"

	"github.com/kvtool/kvtool/loadgen/stat"
)

// A queue is a store with so many servers and a law of service times, under virtual time: requests come as a Poisson process and
// are served in their order (Lindley's recursion; of several servers the one that is free first).
type queue struct {
	rng     *rand.Rand
	servers int
	service func(*rand.Rand) float64 // seconds
	limit   float64                  // seconds
	allowed float64
	slow    func(now float64) float64 // factor of service times
	now     float64                   // virtual time of the whole search
	asked   int
}

// measure is a Measure. Queues begin each time empty, and settle for two seconds.
func (q *queue) measure(_ context.Context, rate float64, d time.Duration) (*Sample, error) {
	q.asked++
	const settle = 2
	end := d.Seconds()
	free := make([]float64, q.servers)
	blocks := make([]stat.Block, int(end))
	due, done, asked := 0.0, 0.0, 0.0
	for due < end+settle {
		at := 0
		for i := range free {
			if free[i] < free[at] {
				at = i
			}
		}
		took := q.service(q.rng)
		if q.slow != nil {
			took *= q.slow(q.now + due)
		}
		free[at] = max(free[at], due) + took
		if i := int(due - settle); due >= settle && i < len(blocks) {
			blocks[i].Samples++
			if free[at]-due > q.limit {
				blocks[i].Over++
			}
		}
		if free[at] <= end+settle {
			done++
		}
		asked++
		due += q.rng.ExpFloat64() / rate
	}
	q.now += end + settle
	s := &Sample{Achieved: done / asked}
	s.Tails = []Tail{{Name: "p99", Allowed: q.allowed, Limit: time.Duration(q.limit * 1e9), Blocks: blocks}}
	if s.Achieved < 0.99 {
		s.Missed = append(s.Missed, "achieved")
	}
	return s, nil
}

func exponential(mean float64) func(*rand.Rand) float64 {
	return func(r *rand.Rand) float64 { return mean * r.ExpFloat64() }
}

// truth1 is the highest rate of one server with exponential times: the response time is exponential with rate μ-λ.
func truth1(mean, limit, allowed float64) float64 { return 1/mean - math.Log(1/allowed)/limit }

// truthN is that of n servers: Gross and Harris, "Fundamentals of Queueing Theory", the response time of M/M/c, by bisection.
func truthN(n int, mean, limit, allowed float64) float64 {
	low, high := 0.0, float64(n)/mean
	for range 100 {
		if rate := (low + high) / 2; overN(n, rate, 1/mean, limit) > allowed {
			high = rate
		} else {
			low = rate
		}
	}
	return low
}

// overN is the share of response times over t where n servers of rate mu get lambda requests a second.
func overN(n int, lambda, mu, t float64) float64 {
	a := lambda / mu
	term, sum := 1.0, 0.0
	for k := range n {
		sum += term
		term *= a / float64(k+1)
	}
	last := term * float64(n) / (float64(n) - a)
	waits := last / (sum + last) // Erlang's C
	theta := float64(n)*mu - lambda
	// Service is exponential, and so is the waiting of those that wait: their sum is of two phases.
	both := (theta*math.Exp(-mu*t) - mu*math.Exp(-theta*t)) / (theta - mu)
	return (1-waits)*math.Exp(-mu*t) + waits*both
}
