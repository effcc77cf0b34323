package audit_test

import (
	"testing"

	"github.com/kvtool/kvtool/audit"
	"github.com/kvtool/kvtool/audit/audittest"
)

func FuzzSaved(f *testing.F) {
	audittest.Fuzz(f, audit.Analyzers(audit.Config{Top: 3}), hardRecords()[:400])
}
