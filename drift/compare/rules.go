package compare

import (
	"github.com/kvtool/kvtool/keydesign"
	"github.com/kvtool/kvtool/report"
)

// limit is one of kvtool's own, and what more there is to say of it.
func limit(name string, v float64, u report.Unit, more string) report.Limit {
	return report.Limit{Name: name, Value: v, Unit: u, Source: report.OwnDefault + more}
}

func ttlDrift() *report.Rule {
	return keydesign.TTLDriftRule(
		limit("js_info", shapeInfo, report.UnitRatio, ""), limit("js_warning", shapeWarning, report.UnitRatio, ""),
		limit("js_error", shapeError, report.UnitRatio, ""), limit("ttl_ratio", ttlRatio, report.UnitFactor, ""),
		limit("ttl_ratio_error", ttlError, report.UnitFactor, ""), limit("no_ttl", lostLeast, report.UnitRatio, ""),
		limit("no_ttl_error", lostError, report.UnitRatio, ""), limit("compared_keys", fewest, report.UnitCount, ": on both sides"),
	)
}

func gone() *report.Rule {
	return &report.Rule{
		ID: "DR001", Name: "template-set", Title: "Templates that have come, gone or been renamed", Severity: report.Warning,
		Doc: `A template is in one of two snapshots alone. One that has gone and one that is new, of the same placeholders, the same type and
about as many keys, are one that was renamed: its old keys expire, or stay for ever.`,
		Fix:    "declare what is new; delete what nobody reads any more: kvtool drift clean",
		Bad:    []string{"session:{uuid} before, and sess:{uuid} now"},
		Good:   []string{"session:{uuid} in both"},
		Limits: []report.Limit{limit("keys", fewestNew, report.UnitCount, ": fewer may be chance")},
	}
}

func counts() *report.Rule {
	return &report.Rule{
		ID: "DR002", Name: "keys-drift", Title: "Many more or fewer keys than before", Severity: report.Warning,
		Doc: `A template has another number of keys than in the snapshot before, by more than chance. With --normalise it is its share of all
keys that is compared.`,
		Fix:  "find out what writes or deletes them; kvtool drift growth says where it leads to",
		Bad:  []string{"10,000 carts yesterday, 40,000 today"},
		Good: []string{"10,000 carts yesterday, 10,900 today"},
		Limits: []report.Limit{
			limit("info", countInfo, report.UnitFactor, ""), limit("warning", countWarning, report.UnitFactor, ""),
		},
	}
}

func sizes() *report.Rule {
	return &report.Rule{
		ID: "DR003", Name: "size-drift", Title: "Values of another size than before", Severity: report.Warning,
		Doc:    `The median or the 99th percentile of what a key of this template takes has changed by more than half, beyond the error of a quantile.`,
		Fix:    "find the release that writes more: a field that was added, compression that is gone, a list that is not trimmed",
		Bad:    []string{"pages of 3 KiB yesterday, of 9 KiB today"},
		Good:   []string{"pages of 3 KiB on both days"},
		Limits: []report.Limit{limit("ratio", sizeRatio, report.UnitFactor, "")},
	}
}

func types() *report.Rule {
	return &report.Rule{
		ID: "DR004", Name: "type-drift", Title: "Values of another type or encoding than before", Severity: report.Error,
		Doc: `Keys of this template are of another type than before: a service of another version writes them, and those of the old one get
WRONGTYPE. Or the keys of a type are in another encoding, of which hash tables take several times the memory of listpacks.`,
		Fix:    "give the new form another name, and read both for as long as the old one lives",
		Bad:    []string{"session:{id} a hash yesterday, a string today"},
		Good:   []string{"session:{id} a hash, session2:{id} a string"},
		Limits: []report.Limit{limit("change", typeShare, report.UnitRatio, "")},
	}
}

func servers() *report.Rule {
	return &report.Rule{
		ID: "DR005", Name: "server-drift", Title: "A server that is set otherwise", Severity: report.Warning, Stores: []string{"redis", "redis-cluster", "valkey"},
		Doc:  `Of two snapshots, the servers are of another product or version, evict otherwise, keep another log, or are set otherwise in what CONFIG GET tells.`,
		Fix:  "set both alike, or know why not: what holds on the one does not on the other",
		Bad:  []string{"allkeys-lru in staging, noeviction in production"},
		Good: []string{"the same maxmemory-policy in both"},
	}
}

func skews() *report.Rule {
	return &report.Rule{
		ID: "DR006", Name: "skew-drift", Title: "Keys that are spread over slots or nodes otherwise", Severity: report.Warning, Stores: []string{"redis-cluster"},
		Doc:    `The keys of a cluster lie more, or less, unevenly over its slots (64 at a time) or nodes than in the snapshot before, chance taken out.`,
		Fix:    "kvtool skew --by node --plan says which slots to move",
		Bad:    []string{"a third on each node before, and half of them on one now"},
		Good:   []string{"a third on each node"},
		Limits: []report.Limit{limit("cohen_w", skewChange, report.UnitFactor, ": so much more")},
	}
}

// Rules lists the rules that a comparison may raise.
func Rules() []*report.Rule {
	return []*report.Rule{ttlDrift(), gone(), counts(), sizes(), types(), servers(), skews()}
}
