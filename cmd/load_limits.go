package cmd

import (
	"fmt"
	"slices"

	"github.com/kvtool/kvtool/internal/config"
	"github.com/kvtool/kvtool/loadgen/scenario"
	"github.com/kvtool/kvtool/loadgen/threshold"
)

// loadLimits are the thresholds that the configuration holds every load to (load.thresholds). One that is of an operation holds for
// the scenarios that have it.
func (e *Env) loadLimits(s *scenario.Scenario) ([]string, error) {
	from := e.conf.first(func(f *config.File) bool { return f.Limits != nil })
	if from == nil {
		return nil, nil
	}
	var all []string
	for _, l := range from.Limits {
		t, err := threshold.Parse(l.Text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", from.at(l.Line), err)
		}
		if t.Op == "" || slices.ContainsFunc(s.Ops, func(op scenario.Op) bool { return op.Name == t.Op }) {
			all = append(all, l.Text)
		}
	}
	return all, nil
}
