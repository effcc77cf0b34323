package cmd

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/loadgen/recording"
)

// mostParts is into how many parts a load can be divided.
const mostParts = 1 << 12

// readPart reads which part of the load this process has, and from when on.
func (l *loading) readPart() error {
	l.parts = 1
	if l.o.part != "" {
		var err error
		if l.part, l.parts, err = parsePart(l.o.part, l.env.Getenv); err != nil {
			return err
		}
	}
	if l.o.startAt != "" {
		var err error
		if l.start, err = time.Parse(time.RFC3339, l.o.startAt); err != nil {
			return kv.WithHint(kv.Usagef("--start-at %s", l.o.startAt), "a time as 2026-03-01T10:00:00Z")
		}
	}
	return nil
}

// parsePart reads I/N, or env:NAME/N, where a scheduler says in a variable which part a process is.
func parsePart(text string, getenv func(string) string) (part, parts int, err error) {
	i, n, ok := strings.Cut(text, "/")
	if name, env := strings.CutPrefix(i, "env:"); env {
		if i = getenv(name); i == "" {
			return 0, 0, kv.WithHint(kv.Usagef("--part %s: %s is not set", text, name), "an Indexed Job of Kubernetes sets JOB_COMPLETION_INDEX")
		}
	}
	part, err1 := strconv.Atoi(i)
	parts, err2 := strconv.Atoi(n)
	if !ok || err1 != nil || err2 != nil || part < 0 || part >= parts || parts > mostParts {
		return 0, 0, kv.WithHint(kv.Usagef("--part %s", text), "parts are counted from 0: of two they are 0/2 and 1/2; env:NAME/2 takes the number from a variable")
	}
	return part, parts, nil
}

// partOf is how many of n connections this part has: at least one.
func (l *loading) partOf(n int) int {
	own := n / l.parts
	if l.part < n%l.parts {
		own++
	}
	return max(own, 1)
}

// hash tells apart runs of which not the same was asked: of the scenario, and of what the flags have put in its place.
func (l *loading) hash() string {
	o := l.o
	if !l.single() && !o.noFill && o.conns == 0 {
		return l.scenario.Hash()
	}
	h := sha256.New()
	fmt.Fprintln(h, l.scenario.Hash(), float64(o.rate), o.constant, o.duration, o.warmup, o.conns, o.concurrency, o.pipeline, o.requests, o.noFill)
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// runName is the name of the run, under which all its keys are: the parts of one run have the same, without asking each other.
func (l *loading) runName(random [4]byte) string {
	if l.parts == 1 {
		return hex.EncodeToString(random[:])
	}
	sum := sha256.Sum256([]byte(fmt.Sprintln(l.hash(), l.scenario.Seed, l.parts, l.o.startAt)))
	return hex.EncodeToString(sum[:4])
}

// othersEnd is for how long other parts may still ask for keys once the time of the run is over: their drain, and their clocks.
const othersEnd = 1500 * time.Millisecond

// removes reports whether what was written is to be removed, once nobody asks for it any more. The keys of a run in parts are those of
// all: the first part removes them, unless it was ended before the others are, or nobody knows when that is.
func (l *loading) removes(ctx context.Context, rec *recording.Recording) bool {
	if l.o.keep || l.parts == 1 {
		return !l.o.keep
	}
	if verdict, _ := rec.Verdict(); l.part > 0 || verdict == recording.Incomplete || rec.Meta.Closed {
		return false
	}
	select {
	case <-time.After(othersEnd):
	case <-ctx.Done():
	}
	return true
}
