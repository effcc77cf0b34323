package reference

import "testing"

func BenchmarkDemo(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Fill(Options{Clock: DemoClock}, DemoPreset()); err != nil {
			b.Fatal(err)
		}
	}
}

func TestDemoKeys(t *testing.T) {
	e, err := Fill(Options{Clock: DemoClock}, DemoPreset())
	if err != nil {
		t.Fatal(err)
	}
	if e.Len() != DemoKeys {
		t.Fatalf("%d keys", e.Len())
	}
}
