// Package manifest writes what a scheduler is told so that it runs the parts of a load: for Kubernetes an Indexed Job with the files
// that it needs. It runs nothing, reads nothing, and talks to no cluster.
//
// The one idea is that a part is an ordinary process: all that it needs is in its arguments, in the files beside it and in one
// variable that says which part it is. So whatever starts processes can run a load, and the text that is printed here is the whole
// of what was asked for, but for the password, which it only names.
//
// Sources: the Kubernetes API, batch/v1 Job (completionMode, backoffLimitPerIndex from 1.29 on) and v1 ConfigMap, of which data may
// hold 1 MiB.
package manifest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"text/template"
	"unicode/utf8"
)

// Folder is where the files of a job are, and Results where its volume is.
const (
	Folder  = "/etc/kvtool"
	Results = "/results"
)

// Index is the variable by which an Indexed Job tells each of its pods which one it is, from 0.
const Index = "JOB_COMPLETION_INDEX"

// A Job is a load that runs in parts.
type Job struct {
	Comment   []string // lines above it
	Name      string   // of the job and of its files
	Namespace string   // empty is that of whoever applies it
	Image     string   // whose entry point is kvtool
	Args      []string // of every part
	Parts     int
	CPU       int // processors of a part
	Files     []File
	Secrets   []Secret
	Claim     string // of a volume for what the parts write; empty is none
}

// A File is what every part finds in Folder.
type File struct{ Name, Text string }

// A Secret is a variable that has its value from a secret of the cluster.
type Secret struct{ Variable, Name, Key string }

// most bounds the files of a job, in bytes: what a ConfigMap may hold.
const most = 1 << 20

// label is what a name of an object may be that is a part of names of pods, too.
var label = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,50}[a-z0-9])?$`)

// IsName reports whether a job may have a name: small letters, digits and dashes, so short that its pods have names, too.
func IsName(name string) bool { return label.MatchString(name) }

// Name makes one of any text.
func Name(text string) string {
	name := strings.Map(func(c rune) rune {
		switch {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9':
			return c
		case c >= 'A' && c <= 'Z':
			return c + 'a' - 'A'
		}
		return '-'
	}, text)
	name = strings.Trim(name[:min(len(name), 52)], "-")
	if name == "" {
		return "load"
	}
	return name
}

// ErrJob says that a job cannot be written.
var ErrJob = errors.New("no job")

func (j *Job) check() error {
	size, valid := 0, utf8.ValidString(j.Image)
	for _, f := range j.Files {
		size, valid = size+len(f.Name)+len(f.Text), valid && utf8.ValidString(f.Text)
	}
	for _, a := range j.Args {
		valid = valid && utf8.ValidString(a)
	}
	switch {
	case !IsName(j.Name):
		return fmt.Errorf("%w: %q is no name: small letters, digits and dashes, 52 at most", ErrJob, j.Name)
	case j.Namespace != "" && !IsName(j.Namespace):
		return fmt.Errorf("%w: %q is no namespace", ErrJob, j.Namespace)
	case j.Parts < 1 || j.Image == "" || j.CPU < 1:
		return fmt.Errorf("%w: it needs an image, and at least one part and one processor", ErrJob)
	case !valid:
		return fmt.Errorf("%w: its files and arguments must be UTF-8", ErrJob)
	case size > most:
		return fmt.Errorf("%w: its files have %d bytes, and a ConfigMap may hold %d", ErrJob, size, most)
	}
	return nil
}

// Write writes the job and its files as two YAML documents.
func (j *Job) Write(w io.Writer) error {
	if err := j.check(); err != nil {
		return err
	}
	t, err := template.New("job").Funcs(template.FuncMap{"quote": quote, "literal": literal, "comment": comment}).Parse(text)
	if err != nil {
		return err
	}
	return t.Execute(w, j)
}

// quote writes a string as JSON does, which YAML reads as the same.
func quote(s string) (string, error) {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		return "", err
	}
	return escaped(strings.TrimSuffix(b.String(), "\n")), nil
}

// escaped writes by their numbers what is a character to JSON, and to YAML a line's end or none at all.
func escaped(s string) string {
	var b strings.Builder
	for _, c := range s {
		if c >= 0x7f && c < 0xa0 || c == 0xfeff || c == 0xfffe || c == 0xffff {
			fmt.Fprintf(&b, "\\u%04x", c)
			continue
		}
		b.WriteRune(c)
	}
	return b.String()
}

// comment makes a comment of what may have more than one line.
func comment(s string) string { return strings.Join(strings.Fields(s), " ") }

// literal writes a text as people read it, a line below the other, indented by so many blanks. What YAML would not give back as it was,
// such as lines that end in blanks or begin with them before any other, is quoted.
func literal(indent int, s string) (string, error) {
	lines := strings.Split(strings.TrimSuffix(s, "\n"), "\n")
	odd := func(l string) bool {
		return strings.ContainsFunc(l, func(c rune) bool {
			return c < ' ' || c == 0x7f || c == 0x85 || c == 0x2028 || c == 0x2029 || c == 0xfeff || c == 0xfffd
		})
	}
	if !strings.HasSuffix(s, "\n") || lines[0] == "" || lines[0][0] == ' ' || lines[len(lines)-1] == "" || slices.ContainsFunc(lines, odd) {
		return quote(s)
	}
	pad := "\n" + strings.Repeat(" ", indent)
	var b strings.Builder
	b.WriteString("|")
	for _, l := range lines {
		if l == "" {
			b.WriteString("\n")
			continue
		}
		b.WriteString(pad + l)
	}
	return b.String(), nil
}

// text is the manifest. A part that has failed is not run again, since the time of the load is over; and it does not end the others.
const text = `{{range .Comment}}# {{comment .}}
{{end}}apiVersion: v1
kind: ConfigMap
metadata:
  name: {{quote .Name}}
{{- with .Namespace}}
  namespace: {{quote .}}
{{- end}}
  labels: {app.kubernetes.io/name: kvtool, app.kubernetes.io/instance: {{quote .Name}}}
data:
{{- range .Files}}
  {{quote .Name}}: {{literal 4 .Text}}
{{- end}}
---
apiVersion: batch/v1
kind: Job
metadata:
  name: {{quote .Name}}
{{- with .Namespace}}
  namespace: {{quote .}}
{{- end}}
  labels: {app.kubernetes.io/name: kvtool, app.kubernetes.io/instance: {{quote .Name}}}
spec:
  completionMode: Indexed
  completions: {{.Parts}}
  parallelism: {{.Parts}}
  backoffLimitPerIndex: 0 # a part that has failed is not run again: its time is over
  maxFailedIndexes: {{.Parts}} # and does not end the others
  ttlSecondsAfterFinished: 86400
  template:
    metadata:
      labels: {app.kubernetes.io/name: kvtool, app.kubernetes.io/instance: {{quote .Name}}}
    spec:
      restartPolicy: Never
      automountServiceAccountToken: false
      terminationGracePeriodSeconds: 60 # to write what there is
      securityContext:
        runAsNonRoot: true
        runAsUser: 65532
        runAsGroup: 65532
        fsGroup: 65532
        seccompProfile: {type: RuntimeDefault}
      affinity:
        podAntiAffinity: # a machine for each part, where there are as many
          preferredDuringSchedulingIgnoredDuringExecution:
            - weight: 100
              podAffinityTerm:
                topologyKey: kubernetes.io/hostname
                labelSelector:
                  matchLabels: {app.kubernetes.io/instance: {{quote .Name}}}
      containers:
        - name: kvtool
          image: {{quote .Image}}
          workingDir: ` + Folder + `
          args:
{{- range .Args}}
            - {{quote .}}
{{- end}}
{{- if .Secrets}}
          env:
{{- range .Secrets}}
            - name: {{quote .Variable}}
              valueFrom: {secretKeyRef: {name: {{quote .Name}}, key: {{quote .Key}}}}
{{- end}}
{{- end}}
          resources:
            requests: {cpu: "{{.CPU}}", memory: 512Mi}
            limits: {memory: 2Gi}
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities: {drop: [ALL]}
          volumeMounts:
            - {name: files, mountPath: ` + Folder + `, readOnly: true}
{{- if .Claim}}
            - {name: results, mountPath: ` + Results + `}
{{- end}}
      volumes:
        - name: files
          configMap: {name: {{quote .Name}}}
{{- with .Claim}}
        - name: results
          persistentVolumeClaim: {claimName: {{quote .}}}
{{- end}}
`
