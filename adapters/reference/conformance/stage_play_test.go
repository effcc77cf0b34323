package conformance

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kvtool/kvtool/adapters/reference/engine"
)

// TestPlays lets several clients do what is written in testdata/plays, on a redis-server and on the engine.
func TestPlays(t *testing.T) {
	t.Parallel()
	addr := [2]string{redisAddr(t), engineAddr(t, engine.Options{Shards: 2})}
	files, err := filepath.Glob("testdata/plays/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no plays", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := play(t, addr, parseCues(t, string(text))); err != nil {
				t.Error(err)
			}
		})
	}
}
