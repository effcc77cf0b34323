package orphans

import (
	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/report"
)

// minShare is the share of references from which a finding has its full severity: of the lower end of the interval.
const minShare = 0.001

func limits() []report.Limit {
	return []report.Limit{{
		Name: "share", Value: minShare, Unit: report.UnitRatio,
		Source: report.OwnDefault + ": of all references, by the lower end of the interval; below it is for information",
	}}
}

func danglingIndex() *report.Rule {
	return &report.Rule{
		ID: "KD081", Name: "dangling-index", Title: "Index entries that lead to no key", Severity: report.Error,
		Doc: `An index, a set of members or a field names a key that is not there. Whoever follows it gets nothing, and has to tell that
from an error; a list that is made from such an index has holes. Every entry was asked about twice, after the key that it names.`,
		Fix:    "delete the entry where the key is deleted, in one transaction; kvtool drift clean plans the clean-up of those that are there",
		Bad:    []string{"idx:user:email:x = 1234, and no user:1234"},
		Good:   []string{"idx:user:email:x = 1234, and user:1234"},
		Limits: limits(),
	}
}

func childOrphan() *report.Rule {
	return &report.Rule{
		ID: "KD082", Name: "child-orphan", Title: "Keys whose parent is gone", Severity: report.Warning,
		Doc: `A key belongs to another, which it names, and that one is not there. Nothing reads it any more and nothing will delete it:
it is memory that only grows. Every key was asked about twice, after the one that it belongs to.`,
		Fix:    "delete children with their parent, or give them a TTL; kvtool drift clean plans the clean-up of those that are there",
		Bad:    []string{"order:7:9 without user:7"},
		Good:   []string{"order:7:9 beside user:7"},
		Limits: limits(),
	}
}

func staleIndex() *report.Rule {
	return &report.Rule{
		ID: "KD083", Name: "stale-index", Title: "Index entries that lead to the wrong key, or are missing", Severity: report.Warning,
		Doc: `An index entry names a key that is there, but by its field that leads back the key belongs to another entry: what was
indexed has changed, and the old entry was left. Whoever looks it up finds what does not fit.

The other way round, for information: a key has the field, and there is no entry of that name, so that no look-up finds the key.
That is said where an entry is a key of its own; of a set of entries it is not known.`,
		Fix:    "delete the old entry in the transaction that changes the field; kvtool drift clean plans the clean-up of those that are there",
		Bad:    []string{"idx:user:email:x = 17, and the email of user:17 is y"},
		Good:   []string{"idx:user:email:y = 17, and the email of user:17 is y"},
		Limits: limits(),
	}
}

// Rules lists the rules that a search for orphans may raise.
func Rules() []*report.Rule { return []*report.Rule{danglingIndex(), childOrphan(), staleIndex()} }

// ruleOf returns the rule of a relation, and the word of its reason.
func (r *run) ruleOf(relation int) (*report.Rule, string) {
	switch ref := r.refs[relation/2]; {
	case ref.Missing:
		return staleIndex(), "no entry"
	case relation%2 == 1:
		return staleIndex(), "stale"
	case ref.Kind == schema.RefParent:
		return childOrphan(), "no parent"
	}
	return danglingIndex(), "no target"
}
