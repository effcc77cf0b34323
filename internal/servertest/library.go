package servertest

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Library compiles a source in C to a library for Options.Preload, or ends the test where there is no compiler: skipped, or failed with
// CI=true. Several libraries are joined with colons.
func Library(t testing.TB, source string) (path string) {
	t.Helper()
	cc, err := exec.LookPath("cc")
	switch {
	case err == nil:
	case os.Getenv("CI") == "true":
		t.Fatal("cc is missing: it makes the libraries that stand for a slow disk and the like")
	default:
		t.Skip("cc is missing: it makes the libraries that stand for a slow disk and the like")
	}
	dir := t.TempDir()
	text, path := filepath.Join(dir, "double.c"), filepath.Join(dir, "double.so")
	if err := os.WriteFile(text, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(cc, "-Wall", "-Werror", "-O1", "-shared", "-fPIC", "-pthread", "-o", path, text, "-ldl").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return path
}
