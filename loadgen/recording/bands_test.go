package recording

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/kvtool/kvtool/loadgen/latency"
)

// Every response is in one band of one stretch, however long the run is, and in the band of its length to within a bucket.
func TestBandsCountAll(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seconds := rapid.IntRange(1, 500).Draw(t, "seconds")
		b, want, slow := newBands(seconds), 0, 0
		for range rapid.IntRange(1, 40).Draw(t, "responses") {
			var h latency.Histogram
			d := time.Duration(rapid.Int64Range(0, int64(2*time.Minute)).Draw(t, "took"))
			h.Record(d)
			b.add(rapid.IntRange(0, seconds-1).Draw(t, "second"), &h)
			want++
			if d > 51*time.Second {
				slow++
			}
		}
		tab := b.table()
		if len(tab.Rows) > mostStretches || len(tab.Rows)*b.stretch < seconds {
			t.Fatalf("%d rows of %d seconds for %d seconds", len(tab.Rows), b.stretch, seconds)
		}
		got, over := 0, 0
		for _, row := range tab.Rows {
			for c := 1; c < len(row); c++ {
				n, _ := row[c].Number()
				got += int(n)
				if tab.Columns[c].Name == "over_50000000us" {
					over += int(n)
				}
			}
		}
		if got != want || over < slow {
			t.Errorf("%d responses in bands, want %d; %d above the last limit, want %d or more", got, want, over, slow)
		}
	})
	if newBands(3).table() != nil || newBands(0).table() != nil {
		t.Error("a table of nothing")
	}
}

// A response as long as a limit, and one a little longer.
func TestBandLimits(t *testing.T) {
	for d, want := range map[time.Duration]string{
		9 * time.Microsecond: "to_10us", 10 * time.Microsecond: "to_10us", 900 * time.Microsecond: "to_1000us", 1100 * time.Microsecond: "to_2000us",
		49 * time.Second: "to_50000000us", 55 * time.Second: "over_50000000us",
	} {
		b := newBands(1)
		var h latency.Histogram
		h.Record(d)
		b.add(0, &h)
		if tab := b.table(); len(tab.Columns) != 2 || tab.Columns[1].Name != want {
			t.Errorf("%v is in %+v, want %s", d, tab.Columns, want)
		}
	}
}
