package rdb

import (
	"testing"

	"github.com/kvtool/kvtool/kv"
)

// TestLedger: what a dump tells besides its keys is known once all of it was read, and what it cannot tell is listed.
func TestLedger(t *testing.T) {
	s, err := openTarget(t, "rdb:../../testdata/rdb/servers/redis-7.0.rdb", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if info, _ := s.Info(t.Context()); len(info.Ledger) > 0 {
		t.Errorf("a ledger before a key was read: %v", info.Ledger)
	}
	for _, err := range s.Scan(t.Context(), kv.ScanOptions{Want: kv.FieldSize}) {
		if err != nil {
			t.Fatal(err)
		}
	}
	info, err := s.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	lines := map[string]kv.Line{}
	for _, l := range info.Ledger {
		lines[l.Name] = l
		if l.Why == "" || l.How == kv.Measured {
			t.Errorf("%s is %s and does not say why", l.Name, l.How)
		}
	}
	// 29 keys in database 0, of which one expires, and one key in database 3: tables of 32, 4 and 4 buckets.
	if got := lines["main_dict"].Bytes; got != 8*(32+4) {
		t.Errorf("main dict %d", got)
	}
	if got := lines["expires_dict"].Bytes; got != 8*4+24 {
		t.Errorf("expires dict %d", got)
	}
	if lines["functions"].Bytes == 0 || lines["allocator_rounding"].Bytes == 0 {
		t.Errorf("%v", lines)
	}
	if l := lines["buffers"]; l.How != kv.Missing || l.Bytes != 0 {
		t.Errorf("buffers: %+v", l)
	}
}
