package manifest

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/kvtool/kvtool/internal/yamlfile"
)

func job() *Job {
	return &Job{
		Name: "kvtool-shop", Image: "kvtool:v1", Args: []string{"load", "run"}, Parts: 3, CPU: 2,
		Files: []File{{"kvscenario.yaml", "kvscenario: 1\n"}},
	}
}

func written(t interface{ Fatal(...any) }, j *Job) string {
	var b strings.Builder
	if err := j.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// Whatever a file or an argument holds, a cluster reads it as it was.
func TestTextSurvives(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(
			rapid.StringOf(rapid.SampledFrom([]rune("ab :#-|>\"'{}[]&*!%@`\\\n\n\t\r\u0085\u2028\ufeffé"))),
			rapid.String(),
			rapid.SampledFrom([]string{"a: 1\n\n  b\n", " a\n", "a\n\n", "---\n", "\n", "", "a\n ", "a \nb\n"}),
		).Draw(t, "text")
		j := job()
		j.Files[0].Text, j.Args[1], j.Image = text, text, "i"+text
		docs := strings.Split(written(t, j), "---\napiVersion: batch")
		if len(docs) != 2 { // no line of a text begins in the first column
			t.Fatalf("%q", docs)
		}
		files, err := yamlfile.Read("files", []byte(docs[0]), 1<<20)
		if err != nil {
			t.Fatalf("%v\n%s", err, docs[0])
		}
		if got := files.Child("data").Child("kvscenario.yaml").Value(); got != text {
			t.Fatalf("%q was read as %q\n%s", text, got, docs[0])
		}
		spec, err := yamlfile.Read("job", []byte("apiVersion: batch"+docs[1]), 1<<20)
		if err != nil {
			t.Fatalf("%v\n%s", err, docs[1])
		}
		pods, err := spec.Child("spec").Child("template").Child("spec").Child("containers").Items()
		if err != nil || len(pods) != 1 {
			t.Fatal(err)
		}
		args, err := pods[0].Child("args").Items()
		if err != nil || len(args) != 2 || args[1].Value() != text || pods[0].Child("image").Value() != "i"+text {
			t.Fatalf("%v: %q\n%s", err, text, docs[1])
		}
	})
}

func TestRefuses(t *testing.T) {
	for name, change := range map[string]func(*Job){
		"a name of capitals":       func(j *Job) { j.Name = "Load" },
		"a namespace with a point": func(j *Job) { j.Namespace = "a.b" },
		"no image":                 func(j *Job) { j.Image = "" },
		"no parts":                 func(j *Job) { j.Parts = 0 },
		"too much":                 func(j *Job) { j.Files[0].Text = strings.Repeat("x", 1<<20) },
		"what is no UTF-8":         func(j *Job) { j.Files[0].Text = "a\xff" },
	} {
		j := job()
		change(j)
		if err := j.Write(new(strings.Builder)); err == nil {
			t.Errorf("%s was written", name)
		}
	}
}

func TestName(t *testing.T) {
	for text, want := range map[string]string{
		"Shop v2": "shop-v2", "-": "load", "": "load", "é": "load", strings.Repeat("a", 51) + "-b": strings.Repeat("a", 51), "ycsb-a": "ycsb-a",
	} {
		if got := Name(text); got != want || !IsName(got) {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
