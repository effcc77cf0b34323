package cmd_test

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// TestRights holds the rights that docs/redis.md names to what it says of them: they are enough for every command that reads, and
// without any one of them there is less in the reports, and no failure.
func TestRights(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("../docs/redis.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(doc), "ACL SETUSER kvtool on >PASSWORD ")
	line, _, ends := strings.Cut(rest, "```")
	if !ok || !ends {
		t.Fatal("docs/redis.md names no rights")
	}
	rights := strings.Fields(line)
	server := readable(t)
	c := server.Client(t)
	target, dir := "redis://kvtool:pw@"+server.Addr, t.TempDir()
	may := func(rights []string) {
		c.Must(t, append([]string{"ACL", "SETUSER", "kvtool", "reset", "on", ">pw"}, rights...)...)
	}
	may(rights)
	for _, of := range reading {
		code, out, errs := invoke(command(of, target, dir)...)
		if code != 0 || strings.Contains(out, "NOPERM") {
			t.Errorf("with all rights, %s: exit %d: %s%s", of, code, errs, out)
		}
	}
	for i, right := range rights {
		if !strings.HasPrefix(right, "+") {
			continue
		}
		may(slices.Delete(slices.Clone(rights), i, i+1))
		for _, of := range readsBy(right) {
			code, out, errs := invoke(command(of, target, dir)...)
			if want := withoutRight(right, of); code != want || out == "" {
				t.Errorf("without %s, %s: exit %d, want %d: %s%s", right, of, code, want, errs, out)
			}
		}
	}
}

// readsBy returns the commands that a right is of use to.
func readsBy(right string) []string {
	all := []string{"audit {}", "triage {} --window 20ms"}
	switch right {
	case "+getrange", "+hget", "+lrange", "+sscan", "+hscan", "+zscan", "+sismember", "+hexists", "+zscore", "+pttl":
		return append(all, "drift orphans {} --recheck 1ms --ref order:{uid}:{n}=user:{uid}")
	case "+object|freq":
		return append(all, "skew {}")
	}
	return all
}

// withoutRight returns how a command ends without a right: well, except that an audit without SCAN has no keys and is not complete.
func withoutRight(right, of string) int {
	if right == "+scan" && strings.HasPrefix(of, "audit") {
		return 4
	}
	return 0
}
