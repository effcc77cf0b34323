package cmd

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/report"
)

// A progress tells on stderr how far a scan has got. It is used from the goroutine that scans only.
type progress struct {
	w     io.Writer
	mode  string // line, plain, json or none
	width int
	now   func() time.Time
	start time.Time
	drawn bool // the cursor stands behind a line that is to be rewritten
}

// Time between two reports of progress.
const (
	lineEvery  = 250 * time.Millisecond
	plainEvery = 10 * time.Second
	jsonEvery  = time.Second
)

// newProgress returns the progress of the given mode, for which auto is the one that suits stderr.
func (e *Env) newProgress(mode string, quiet bool) *progress {
	if mode == "auto" {
		switch {
		case quiet:
			mode = "none"
		case e.StderrTTY && !e.dumb():
			mode = "line"
		default:
			mode = "plain"
		}
	}
	width := e.Width
	if width == 0 {
		width = 80
	}
	return &progress{w: e.Stderr, mode: mode, width: width, now: e.Now, start: e.Now()}
}

// every is how often update should be called; 0 is never.
func (p *progress) every() time.Duration {
	switch p.mode {
	case "line":
		return lineEvery
	case "plain":
		return plainEvery
	case "json":
		return jsonEvery
	}
	return 0
}

// opening fills the screen until the first numbers are there.
func (p *progress) opening(what string) {
	if p.mode == "line" {
		p.rewrite("scan  opening " + what)
	}
}

// watching fills the screen while a server is looked at for so long.
func (p *progress) watching(what string, d time.Duration) {
	if p.mode == "line" {
		p.rewrite("triage  watching " + what + " for " + humanize.Duration(d.Seconds()))
	}
}

// scanning begins to count: what it took to open the target is no part of the rate.
func (p *progress) scanning() { p.start = p.now() }

// update shows a partial report.
func (p *progress) update(r *report.Report) {
	c, elapsed := &r.Coverage, p.now().Sub(p.start).Seconds()
	rate := float64(c.Keys) / max(elapsed, 1e-3)
	switch p.mode {
	case "line":
		p.rewrite("scan  " + strings.Join(lineParts(c, rate, elapsed, r.Findings), "  "))
	case "plain":
		fmt.Fprintf(p.w, "kvtool: scan %s\n", strings.Join(plainParts(c, rate, elapsed), " "))
	case "json":
		b, _ := json.Marshal(progressLine{"progress", "scan", c.Keys, c.Of, int64(rate)})
		fmt.Fprintf(p.w, "%s\n", b)
	}
}

type progressLine struct {
	T     string `json:"t"`
	Phase string `json:"phase"`
	Done  int64  `json:"done"`
	Total *int64 `json:"total"`
	Rate  int64  `json:"rate"`
}

func lineParts(c *report.Coverage, rate, elapsed float64, fs []report.Finding) []string {
	parts := []string{humanize.Count(float64(c.Keys)) + " keys", humanize.Rate(rate), humanize.Duration(elapsed)}
	if share, eta, ok := ahead(c, rate); ok {
		parts = []string{
			humanize.Ratio(share), humanize.Count(float64(c.Keys)) + "/" + humanize.Count(float64(*c.Of)),
			humanize.Count(rate) + " keys/s", "ETA " + eta,
		}
	}
	if n := bySeverity(fs); n != "" {
		parts = append(parts, n)
	}
	return parts
}

func plainParts(c *report.Coverage, rate, elapsed float64) []string {
	parts := []string{fmt.Sprintf("%d keys", c.Keys), humanize.Rate(rate), "elapsed " + humanize.Duration(elapsed)}
	if share, eta, ok := ahead(c, rate); ok {
		parts[0] = fmt.Sprintf("%s %d/%d keys", humanize.Ratio(share), c.Keys, *c.Of)
		parts = append(parts, "eta "+eta)
	}
	return parts
}

// ahead says what share is done and how long the rest will take, where the total is known and not yet passed.
func ahead(c *report.Coverage, rate float64) (share float64, eta string, ok bool) {
	if c.Of == nil || *c.Of <= 0 || c.Keys > *c.Of || rate <= 0 {
		return 0, "", false
	}
	left := float64(*c.Of-c.Keys) / rate
	return float64(c.Keys) / float64(*c.Of), humanize.Duration(float64(int64(left + 1))), true
}

// bySeverity counts what is bad so far: "3 error 7 warning".
func bySeverity(fs []report.Finding) string {
	var parts []string
	for _, s := range report.Severities[:2] {
		n := 0
		for i := range fs {
			if fs[i].Severity == s {
				n++
			}
		}
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, s))
		}
	}
	return strings.Join(parts, " ")
}

// rewrite replaces the line that stands on the terminal.
func (p *progress) rewrite(line string) {
	if r := []rune(line); len(r) >= p.width {
		line = string(r[:p.width-1])
	}
	fmt.Fprintf(p.w, "\r%s\x1b[K", line)
	p.drawn = true
}

// say shows how something else than a scan goes.
func (p *progress) say(what, text string) {
	switch p.mode {
	case "line":
		p.rewrite(what + "  " + text)
	case "plain":
		fmt.Fprintf(p.w, "kvtool: %s %s\n", what, text)
	case "json":
		b, _ := json.Marshal(struct {
			T     string `json:"t"`
			Phase string `json:"phase"`
			Text  string `json:"text"`
		}{"progress", what, text})
		fmt.Fprintf(p.w, "%s\n", b)
	}
}

// clear takes the line off the terminal.
func (p *progress) clear() {
	if p.drawn {
		fmt.Fprint(p.w, "\r\x1b[K")
		p.drawn = false
	}
}

// done clears the line and says what the scan took. The report of a frozen store cannot: it is the same each time.
func (p *progress) done(keys int64) {
	p.clear()
	if p.mode != "line" {
		return
	}
	s := p.now().Sub(p.start).Seconds()
	fmt.Fprintf(p.w, "kvtool: %s keys in %s, %s keys/s\n", humanize.Exact(keys), humanize.Duration(s), humanize.Count(float64(keys)/max(s, 1e-3)))
}
