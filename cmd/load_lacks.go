package cmd

import (
	"strings"

	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/loadgen/play"
	"github.com/kvtool/kvtool/loadgen/scenario"
)

// lacks returns an error if a store has no command that a scenario needs: nothing has been written then.
func lacks(d kv.Driver, p *play.Player, name string) error {
	why := lackOf(d, p)
	if why == "" {
		return nil
	}
	var able []string
	for _, other := range scenario.Builtins() {
		s, err := readScenario(other, nil)
		if err == nil && lackOf(d, play.New(s, play.Options{})) == "" {
			able = append(able, other)
		}
	}
	return kv.WithHint(kv.Usagef("scenario %s cannot be run here: %s", name, why), "of those that come with kvtool these can: "+strings.Join(able, ", "))
}

// lackOf returns why a store cannot do what a player sends, "" if it can.
func lackOf(d kv.Driver, p *play.Player) string {
	for _, words := range p.Commands() {
		if why := kv.Lacks(d, words); why != "" {
			return why
		}
	}
	return ""
}
