package main

import (
	"context"
	"fmt"
	"math"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// What drift says is held against planted truth by tests, which fail where a bar is missed; this section runs them as they are and
// reads the figures that they log. Speed is by CPU time, so that other work on the machine does not count.

// A tested is a figure that a test logs: the worst of several.
type tested struct {
	figure string
	dir    string // of the package, below the module
	run    string // which tests
	args   []string
	line   *regexp.Regexp // its groups: the figure, or a count and that of which it is one
	limit  float64
	least  bool
}

func testedFigures(references int64) []tested {
	stream := []string{"-references", strconv.FormatInt(references, 10)}
	return []tested{
		{"hot keys: precision@100, zipf 0.8 to 1.2, merged from 8 shards", "internal/sketch", "Precision", nil, regexp.MustCompile(`precision@100 ([\d.]+)`), .98, true},
		{"TTL law: share right, n ≥ 200", "drift/ttl", "TestLaws$", nil, regexp.MustCompile(`\| all \| (\d+) of (\d+)`), .95, true},
		{"TTL: share within 1 %, n ≥ 1000", "drift/ttl", "TestLaws$", nil, regexp.MustCompile(`\| all \| [^|]*\| (\d+) of (\d+)`), .95, true},
		{"orphans, sampled: % of intervals that hold the truth, the worst law", "drift/join", "TestCoverage$", nil, regexp.MustCompile(`([\d.]+) % of the intervals`), 94, true},
		{"orphans: M keys/s of one core, each of two passes", "drift/orphans", "TestStream$", stream, regexp.MustCompile(`CPU time ([\d.]+) M keys/s`), 1, true},
		{"orphans: resident at most, kB of 1,024", "drift/orphans", "TestStream$", stream, regexp.MustCompile(`resident at most (\d+) kB`), 1e9 / 1024, false},
		{"diff: share of pairs of halves with an alarm, the worse of two families", "drift/compare", "TestHalves(OfOthers)?$", nil, regexp.MustCompile(`(\d+) alarms in (\d+)`), .01, false},
		{"growth: % of intervals that hold the day, the worst kind of history", "drift/growth", "TestDateInInterval$", nil, regexp.MustCompile(`([\d.]+) % of the intervals`), 90, true},
	}
}

// measureDrift runs the tests, each set once.
func measureDrift(ctx context.Context, b *bench, r *result) error {
	said := map[string]string{}
	for _, t := range testedFigures(b.references) {
		args := append([]string{"test", "./" + t.dir, "-run", t.run, "-v", "-count=1", "-timeout", "60m"}, t.args...)
		command := "go " + strings.Join(args, " ")
		if _, ran := said[command]; !ran {
			b.say("%s", command)
			c := exec.CommandContext(ctx, "go", args...)
			c.Dir = ".."
			out, err := c.CombinedOutput()
			if err != nil {
				return fmt.Errorf("%s: %w\n%s", command, err, out)
			}
			said[command] = string(out)
			r.commands = append(r.commands, command)
		}
		x, err := t.bar(said[command])
		if err != nil {
			return fmt.Errorf("%s: %w", command, err)
		}
		r.bars = append(r.bars, x)
	}
	r.data = fmt.Sprintf("Planted truth; a stream of %d references that nothing stores. What has no figure here either holds or "+
		"fails its test: orphans exact (`drift/orphans` TestPlanted), the six changes of a law (`drift/compare` TestSixChanges).", b.references)
	return nil
}

// bar reads the worst of what a test has logged of a figure.
func (t *tested) bar(log string) (bar, error) {
	var got []float64
	for _, m := range t.line.FindAllStringSubmatch(log, -1) {
		x, err := strconv.ParseFloat(m[1], 64)
		if len(m) == 3 && err == nil {
			of, failed := strconv.ParseFloat(m[2], 64)
			x, err = x/of, failed
		}
		if err != nil || math.IsNaN(x) {
			return bar{}, fmt.Errorf("%q is no figure", m[0])
		}
		got = append(got, x)
	}
	if len(got) == 0 {
		return bar{}, fmt.Errorf("no line says %s", t.line)
	}
	low, high := slices.Min(got), slices.Max(got)
	worst := high
	if t.least {
		worst = low
	}
	x := bar{figure: t.figure, got: worst, shown: strconv.FormatFloat(worst, 'g', 6, 64), limit: t.limit, least: t.least}
	if low < high {
		x.shown += fmt.Sprintf(" (%.6g - %.6g)", low, high)
	}
	return x, nil
}
