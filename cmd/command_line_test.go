package cmd

import "testing"

// The line that made a report can be typed again; no password is in it.
func TestCommandLine(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{nil, ""},
		{[]string{"report", "merge", "a.kvr", "b.kvr"}, "kvtool report merge a.kvr b.kvr"},
		{[]string{"audit", "demo:", "-o", "json=a.json", "-otext", "--save=x.kvr", "--output", "md", "-q", "--width", "99", "--top", "5"}, "kvtool audit demo: --top 5"},
		{[]string{"audit", "redis://:canary@h:6379/2"}, "kvtool audit redis://h:6379/2"},
		{[]string{"audit", "redis://u:ca@nary@h:6379"}, "kvtool audit redis://u@h:6379"},
		{[]string{"audit", "redis:/u:canary@h"}, "kvtool audit 'redis:***@h'"},
		{[]string{"audit", "redis://h?password=canary"}, "kvtool audit 'redis://h?password=***'"},
		{[]string{"load", "compare", "--base=redis://:canary@h", "it's here"}, `kvtool load compare --base=redis://h 'it'\''s here'`},
		{[]string{"audit", ""}, "kvtool audit ''"},
	} {
		e := &Env{args: c.args}
		if got := e.commandLine(); got != c.want {
			t.Errorf("%q becomes %s, want %s", c.args, got, c.want)
		}
	}
}
