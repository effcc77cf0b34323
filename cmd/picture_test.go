package cmd

import (
	"bytes"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/kvtool/kvtool/internal/browsertest"
)

// TestPictureOfReport takes the picture of README and docs/html.md: the page of an audit of the demo store, as a browser shows it. What
// the browser draws differs with its fonts, so the picture is held to its size alone; -update takes it anew.
func TestPictureOfReport(t *testing.T) {
	t.Parallel()
	if testing.Short() && !*Update {
		t.Skip("a browser takes seconds")
	}
	b := browsertest.Start(t)
	path := filepath.Join(t.TempDir(), "audit.html")
	if _, stderr, code := in(t, "audit", "demo:", "-o", "html="+path); code != 0 {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	picture := b.Open(t, "file://"+path, browsertest.Options{Width: 1180, Height: 1000}).Picture(t, false)
	const kept = "../docs/report.png"
	if *Update {
		if err := os.WriteFile(kept, picture, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	old, err := os.ReadFile(kept)
	if err != nil {
		t.Fatal(err)
	}
	was, err := png.DecodeConfig(bytes.NewReader(old))
	if err != nil {
		t.Fatal(err)
	}
	now, err := png.DecodeConfig(bytes.NewReader(picture))
	if err != nil || was.Width != now.Width || was.Height != now.Height {
		t.Errorf("%s is %dx%d, and the page %dx%d (go test ./cmd -run TestPictureOfReport -update): %v", kept, was.Width, was.Height, now.Width, now.Height, err)
	}
}
