package infer

import (
	"runtime"
	"testing"
)

// BenchmarkAdd measures one key, hashing included, on a warm tree.
func BenchmarkAdd(b *testing.B) {
	for _, set := range []keySet{saasSet(300_000), frameworkSet(300_000)} {
		b.Run(set.name, func(b *testing.B) {
			t := treeOf(set.keys)
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				t.Add(set.keys[i]).keys++
				if i++; i == len(set.keys) {
					i = 0
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds()/1e6, "Mkeys/s")
		})
	}
}

func BenchmarkTemplates(b *testing.B) {
	t := treeOf(frameworkSet(300_000).keys)
	b.ReportAllocs()
	for b.Loop() {
		t.Templates()
	}
}

// heap returns the live heap in bytes.
func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
