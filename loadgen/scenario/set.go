package scenario

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/kvtool/kvtool/internal/yamlfile"
	"github.com/kvtool/kvtool/kv"
)

// setHint is for a path that cannot be set.
const setHint = "what can be set: mix.OP=3, ops.OP.weight=3, fields.FIELD.cardinality=1M, load.conns, load.pipeline, load.timeout, max_ttl, seed; " +
	"for anything else change the file: kvtool load list --show NAME prints it"

// Set changes one thing that the file says, as --set does: mix.OP or ops.OP.weight, ops.OP.single_flight, ops.OP.limit, ops.OP.window,
// fields.F.cardinality, load.conns, load.pipeline, load.timeout, max_ttl, seed. It is part of the hash from then on. The error is
// one of usage.
func (s *Scenario) Set(set string) error {
	path, value, ok := strings.Cut(set, "=")
	parts := strings.Split(path, ".")
	if !ok || value == "" {
		return kv.WithHint(kv.Usagef("--set %s: want PATH=VALUE, such as mix.read=3", set), setHint)
	}
	err := s.set(parts, value)
	if err != nil {
		return kv.WithHint(kv.Usagef("--set %s: %w", set, err), setHint)
	}
	s.Sets = append(s.Sets, set)
	return nil
}

func (s *Scenario) set(path []string, value string) error {
	switch {
	case len(path) == 2 && path[0] == "mix":
		return s.setOp(path[1], "weight", value)
	case len(path) == 3 && path[0] == "ops":
		return s.setOp(path[1], path[2], value)
	case len(path) == 3 && path[0] == "fields" && path[2] == "cardinality":
		f := s.Schema.Field(path[1])
		if f == nil {
			return fmt.Errorf("there is no field %q", path[1])
		}
		return count(&f.Cardinality, value, 1, 1<<40)
	case len(path) == 2 && path[0] == "load" && path[1] == "conns":
		return small(&s.Load.Conns, value, 100_000)
	case len(path) == 2 && path[0] == "load" && path[1] == "pipeline":
		return small(&s.Load.Pipeline, value, 10_000)
	case len(path) == 2 && path[0] == "load" && path[1] == "timeout":
		return duration(&s.Load.Timeout, value)
	case len(path) == 1 && path[0] == "max_ttl":
		return duration(&s.MaxTTL, value)
	case len(path) == 1 && path[0] == "seed":
		n, err := strconv.ParseUint(value, 10, 64)
		s.Seed = n
		return err
	}
	known := []string{"mix", "ops", "fields", "load", "max_ttl", "seed"}
	return fmt.Errorf("%s cannot be set%s", strings.Join(path, "."), meant(path[0], known))
}

func (s *Scenario) setOp(name, what, value string) error {
	names := make([]string, len(s.Ops))
	for i := range s.Ops {
		if names[i] = s.Ops[i].Name; names[i] != name {
			continue
		}
		op := &s.Ops[i]
		switch what {
		case "weight":
			f, ok := yamlfile.ParseNumber(value)
			if !ok {
				return fmt.Errorf("want a number")
			}
			op.Weight = f
			for j := range s.Phases {
				if len(s.Phases[j].Mix) > i {
					s.Phases[j].Mix[i] = f
				}
			}
			return nil
		case "single_flight":
			if op.SingleFlight = value == "on"; value != "on" && value != "off" {
				return fmt.Errorf("want on or off")
			}
			return nil
		case "limit":
			return count(&op.Limit, value, 1, 1<<30)
		case "window":
			return duration(&op.Window, value)
		}
		return fmt.Errorf("an operation has no %q%s", what, meant(what, []string{"weight", "single_flight", "limit", "window"}))
	}
	return fmt.Errorf("there is no operation %q%s", name, meant(name, names))
}

func count(p *int64, value string, low, high int64) error {
	n, ok := yamlfile.ParseCount(value)
	if !ok || n < low || n > high {
		return fmt.Errorf("want a whole number from %d to %d", low, high)
	}
	*p = n
	return nil
}

func small(p *int, value string, high int64) error {
	n := int64(0)
	err := count(&n, value, 1, high)
	if err == nil {
		*p = int(n)
	}
	return err
}

func duration(p *time.Duration, value string) error {
	d, ok := yamlfile.ParseDuration(value)
	if !ok || d < time.Millisecond {
		return fmt.Errorf("want a duration of at least 1ms")
	}
	*p = d
	return nil
}
