package servertest

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// BerkeleyDB is the utilities of a Berkeley DB: db_load, db_dump and db_stat.
type BerkeleyDB struct{ load, dump, stat string }

// NewBerkeleyDB finds the distribution's utilities, or ends the test: skipped, or failed with CI=true.
func NewBerkeleyDB(t testing.TB) *BerkeleyDB {
	t.Helper()
	var db BerkeleyDB
	for name, path := range map[string]*string{"db5.3_load": &db.load, "db5.3_dump": &db.dump, "db5.3_stat": &db.stat} {
		found, err := exec.LookPath(name)
		switch {
		case err == nil:
			*path = found
		case os.Getenv("CI") == "true":
			t.Fatalf("%s is missing: scripts/servers installs it", name)
		default:
			t.Skipf("%s is missing: scripts/servers says how to get it", name)
		}
	}
	return &db
}

// Load loads a dump into a database file, or with -T among args lines of text, as db_load does.
func (db *BerkeleyDB) Load(t testing.TB, file, text string, args ...string) {
	t.Helper()
	db.run(t, text, db.load, append(args, file)...)
}

// Dump returns what db_dump prints of a file.
func (db *BerkeleyDB) Dump(t testing.TB, file string, args ...string) string {
	t.Helper()
	return db.run(t, "", db.dump, append(args, file)...)
}

// Stat returns what db_stat -d prints of a file.
func (db *BerkeleyDB) Stat(t testing.TB, file string, args ...string) string {
	t.Helper()
	return db.run(t, "", db.stat, append([]string{"-d", file}, args...)...)
}

func (db *BerkeleyDB) run(t testing.TB, stdin, program string, args ...string) string {
	t.Helper()
	var stderr bytes.Buffer
	c := exec.Command(program, args...)
	c.Stdin, c.Stderr = strings.NewReader(stdin), &stderr
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", program, args, err, stderr.String())
	}
	return string(out)
}
