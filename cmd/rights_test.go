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
			if want := withoutRight(right, of); code != want || out == "" || want != 0 && errs == "" {
				t.Errorf("without %s, %s: exit %d, want %d: %s%s", right, of, code, want, errs, out)
			}
		}
	}
}

// readsBy returns the commands that a right is of use to: nearly all, unless it is for values, for looking at the server, or for clusters.
func readsBy(right string) []string {
	uses := func(of string) bool {
		for _, one := range []string{"drift growth", "drift snapshot {} --out {dir}/2"} { // the one asks no server, the other is there for it
			if strings.HasPrefix(of, one) {
				return false
			}
		}
		command, _, _ := strings.Cut(of, " {}")
		switch right {
		case "+getrange", "+hget", "+lrange", "+sscan", "+hscan", "+zscan", "+sismember", "+hexists", "+zscore":
			return command == "drift orphans"
		case "+slowlog|get", "+latency|latest", "+client|list", "+config|get", "+acl|getuser", "+acl|list", "+command|info":
			return command == "audit" || command == "triage" || command == "hotkeys"
		}
		return command == "doctor" || command == "audit" || !strings.HasPrefix(right, "+cluster") && right != "+readonly" && right != "+asking"
	}
	var all []string
	for _, of := range reading {
		if uses(of) {
			all = append(all, of)
		}
	}
	return all
}

// withoutRight returns how a command ends without a right: well, unless it leaves nothing to be told. Without SCAN there are no keys, and
// without what tells LFU counters no hot ones.
func withoutRight(right, of string) int {
	reads := !strings.HasPrefix(of, "triage")
	if right == "+scan" && reads || right == "+object|freq" && strings.HasPrefix(of, "hotkeys") {
		return 4
	}
	return 0
}
