package scenario

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/kvtool/kvtool/internal/yamlfile"
	"github.com/kvtool/kvtool/keydesign/schema"
)

// A Draft is a scenario that nobody has written: translated from another tool's file, made of the accesses of a design, or learnt
// from a keyspace. Write makes a file of it, and Parse reads that as any other, so that there is one reader and one set of checks.
type Draft struct {
	Name, About string
	Comments    []string // at the head of the file, a line each
	Seed        uint64   // 0 is not said
	Conns       int      // the same
	Schema      *schema.Schema
	Ops         []DraftOp
	Phases      []DraftPhase
	Learnt      Learnt // of the whole
}

// A DraftOp is an operation of a Draft.
type DraftOp struct {
	Name         string
	Weight       float64
	Steps        []DraftStep
	Insert       bool
	SingleFlight bool
	Learnt       Learnt
}

// A DraftStep is what is sent at once: commands in the words that a file has, or a time of which the mean is Think.
type DraftStep struct {
	Cmds  [][]string
	Think time.Duration
	OnNil []DraftStep
}

// A DraftPhase is a fill, or a time at a rate.
type DraftPhase struct {
	Name   string
	Fill   []string
	For    time.Duration
	Rate   float64 // operations a second
	Learnt Learnt
}

// A Learnt says how a number came about: how many of what it is from, and what was assumed. It is written beside it as x-learnt.
type Learnt []Sample

// A Sample is one of these, such as {keys, 12000}. A text is what is not a number.
type Sample struct {
	Name string
	N    float64
	Text string
}

// Add appends a number by its name; Flow writes six digits of one that is not whole.
func (l *Learnt) Add(name string, n float64) { *l = append(*l, Sample{Name: name, N: n}) }

// Say appends a text.
func (l *Learnt) Say(name, text string) { *l = append(*l, Sample{Name: name, Text: text}) }

// Flow writes it in one line of YAML.
func (l Learnt) Flow() string {
	parts := make([]string, len(l))
	for i, s := range l {
		value := strconv.FormatFloat(s.N, 'g', 6, 64)
		if s.N == float64(int64(s.N)) {
			value = strconv.FormatInt(int64(s.N), 10)
		}
		if s.Text != "" {
			value = yamlfile.Quote(s.Text)
		}
		parts[i] = yamlfile.Quote(s.Name) + ": " + value
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// LearntKey is the key under which files have a Learnt.
const LearntKey = "x-learnt"

// Write writes the file.
func (d *Draft) Write(w io.Writer) error {
	var b strings.Builder
	for _, c := range d.Comments {
		b.WriteString("# " + printable(c) + "\n")
	}
	fmt.Fprintf(&b, "kvscenario: %d\n", Version)
	line := func(name, text string) {
		if text != "" {
			fmt.Fprintf(&b, "%s: %s\n", name, yamlfile.Quote(text))
		}
	}
	line("name", d.Name)
	line("about", d.About)
	if d.Seed > 0 {
		fmt.Fprintf(&b, "seed: %d\n", d.Seed)
	}
	if d.Conns > 0 {
		fmt.Fprintf(&b, "load: {conns: %d}\n", d.Conns)
	}
	if err := d.writeSchema(&b); err != nil {
		return err
	}
	d.writeOps(&b)
	if len(d.Phases) > 0 {
		b.WriteString("phases:\n")
	}
	for i := range d.Phases {
		b.WriteString("  - " + d.Phases[i].flow() + "\n")
	}
	if len(d.Learnt) > 0 {
		fmt.Fprintf(&b, "%s: %s\n", LearntKey, d.Learnt.Flow())
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// writeSchema writes the fields and templates: what the writer of keys.yaml writes behind its head.
func (d *Draft) writeSchema(b *strings.Builder) error {
	var text strings.Builder
	bare := schema.Schema{Fields: d.Schema.Fields, Templates: d.Schema.Templates}
	if err := bare.Write(&text); err != nil {
		return err
	}
	_, body, _ := strings.Cut(text.String(), fmt.Sprintf("kvschema: %d\n", schema.Version))
	b.WriteString(body)
	return nil
}

func (d *Draft) writeOps(b *strings.Builder) {
	b.WriteString("ops:\n")
	for i := range d.Ops {
		op := &d.Ops[i]
		fmt.Fprintf(b, "  %s:\n", yamlfile.Quote(op.Name))
		if op.Insert {
			b.WriteString("    insert: true\n")
		}
		if op.SingleFlight {
			b.WriteString("    single_flight: \"on\"\n")
		}
		b.WriteString("    steps:\n")
		for _, s := range op.Steps {
			b.WriteString("      - " + s.flow() + "\n")
		}
		if len(op.Learnt) > 0 {
			fmt.Fprintf(b, "    %s: %s\n", LearntKey, op.Learnt.Flow())
		}
	}
	b.WriteString("mix: {")
	for i := range d.Ops {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(b, "%s: %s", yamlfile.Quote(d.Ops[i].Name), yamlfile.FormatNumber(d.Ops[i].Weight))
	}
	b.WriteString("}\n")
}

func (s DraftStep) flow() string {
	var parts []string
	switch {
	case s.Think > 0:
		parts = append(parts, "think: {exp: "+yamlfile.FormatDuration(s.Think)+"}")
	case len(s.Cmds) == 1:
		parts = append(parts, "cmd: "+command(s.Cmds[0]))
	default:
		cmds := make([]string, len(s.Cmds))
		for i, c := range s.Cmds {
			cmds[i] = command(c)
		}
		parts = append(parts, "cmds: ["+strings.Join(cmds, ", ")+"]")
	}
	if len(s.OnNil) > 0 {
		steps := make([]string, len(s.OnNil))
		for i := range s.OnNil {
			steps[i] = s.OnNil[i].flow()
		}
		parts = append(parts, "on_nil: ["+strings.Join(steps, ", ")+"]")
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// command writes the words of a command. Numbers need no quotes, and look better without.
func command(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		if quoted[i] = yamlfile.Quote(w); w == strconv.Itoa(number(w)) {
			quoted[i] = w
		}
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

func number(w string) int {
	n, err := strconv.Atoi(w)
	if err != nil {
		return -1
	}
	return n
}

func (p *DraftPhase) flow() string {
	parts := []string{"name: " + yamlfile.Quote(p.Name)}
	if len(p.Fill) > 0 {
		names := make([]string, len(p.Fill))
		for i, n := range p.Fill {
			names[i] = yamlfile.Quote(n)
		}
		parts = append(parts, "fill: ["+strings.Join(names, ", ")+"]", "rate: max")
	} else {
		parts = append(parts, "for: "+yamlfile.FormatDuration(p.For), "rate: {poisson: "+yamlfile.FormatNumber(p.Rate)+"/s}")
	}
	if len(p.Learnt) > 0 {
		parts = append(parts, LearntKey+": "+p.Learnt.Flow())
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// printable returns a text that stays a comment of one line.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if !strconv.IsPrint(r) {
			return '?'
		}
		return r
	}, text)
}
