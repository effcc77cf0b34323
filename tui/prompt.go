package tui

import (
	"fmt"
	"strings"
	"unicode/utf8"

	tea "charm.land/bubbletea/v2"

	"github.com/kvtool/kvtool/report"
	"github.com/kvtool/kvtool/report/render"
)

// A promptKind is what the dashboard waits for.
type promptKind uint8

const (
	noPrompt promptKind = iota
	filterPrompt
	commandPrompt
	reasonPrompt  // why a finding is accepted
	confirmPrompt // whether the line that was shown is written
	exportPrompt
	basePrompt   // which file to compare with
	windowPrompt // how long hot keys are watched
	notePrompt   // what happens to the run
	quitPrompt
	helpPrompt
)

// A prompt is a question at the foot of the screen, with what was typed so far.
type prompt struct {
	kind    promptKind
	text    string
	finding *report.Finding
	diff    string
	scroll  int // of the help
}

// longestInput bounds what can be typed or pasted.
const longestInput = 400

// typed reports whether the prompt takes text.
func (p *prompt) typed() bool {
	switch p.kind {
	case filterPrompt, commandPrompt, reasonPrompt, basePrompt, windowPrompt, notePrompt:
		return true
	}
	return false
}

// paste adds text, without what is not text.
func (p *prompt) paste(text string) {
	if !p.typed() {
		return
	}
	for _, r := range text {
		if r >= ' ' && r != 0x7f && len(p.text) < longestInput {
			p.text += string(r)
		}
	}
}

// answer takes a key while something is asked.
func (m *Model) answer(name, text string) tea.Cmd {
	p := &m.asking
	switch {
	case name == "ctrl+c":
		return m.abort()
	case name == "esc":
		m.cancel()
	case !p.typed():
		return m.choose(name)
	case name == "enter":
		return m.enter()
	case name == "backspace":
		_, n := utf8.DecodeLastRuneInString(p.text)
		p.text = p.text[:len(p.text)-n]
	case name == "ctrl+u":
		p.text = ""
	default:
		p.paste(text)
	}
	if p.kind == filterPrompt {
		m.filterBy(p.text)
	}
	return nil
}

// cancel ends a question without an answer.
func (m *Model) cancel() {
	if m.asking.kind == filterPrompt {
		m.filterBy("")
	}
	m.asking = prompt{}
}

// filterBy filters as one types; an expression that is not yet whole leaves what is shown.
func (m *Model) filterBy(text string) {
	_, p := m.focus()
	if f, err := filterOf(text); err == nil {
		p.filter, p.cursor = f, 0
		m.changed()
	}
}

// enter takes what was typed.
func (m *Model) enter() tea.Cmd {
	p := m.asking
	m.asking = prompt{}
	switch p.kind {
	case filterPrompt:
		if _, err := filterOf(p.text); err != nil {
			m.say("", err)
		}
	case commandPrompt:
		return m.run(strings.TrimSpace(p.text))
	case basePrompt:
		if path := strings.TrimSpace(p.text); path != "" {
			return m.readBase(path)
		}
	case windowPrompt:
		m.watch(strings.TrimSpace(p.text))
	case notePrompt:
		m.annotate(strings.TrimSpace(p.text))
	case reasonPrompt:
		diff, err := m.o.Suppress(p.finding, p.text, false)
		if err != nil {
			m.say("", err)
			m.asking = p
			return nil
		}
		m.asking = prompt{kind: confirmPrompt, finding: p.finding, text: p.text, diff: diff}
	}
	return nil
}

// run does what was typed into the command bar.
func (m *Model) run(command string) tea.Cmd {
	switch i := m.screenNamed(command); {
	case command == "":
	case command == "q" || command == "quit":
		m.open(0)
		return m.back()
	case i >= 0:
		m.open(i)
	default:
		m.say("", fmt.Errorf("no screen %q: the bar lists those there are", clean(command, m.look.ascii)))
	}
	return nil
}

// choose takes the key that answers a question.
func (m *Model) choose(name string) tea.Cmd {
	p := m.asking
	switch p.kind {
	case helpPrompt:
		switch name {
		case "j", "down":
			m.asking.scroll = min(p.scroll+1, m.helpScroll())
		case "k", "up":
			m.asking.scroll = max(0, p.scroll-1)
		default:
			m.asking = prompt{}
		}
		return nil
	case quitPrompt:
		m.asking = prompt{}
		if name == "y" || name == "enter" {
			m.leaving = Stopped
			return m.quit()
		}
	case confirmPrompt:
		m.asking = prompt{}
		if name == "y" {
			_, err := m.o.Suppress(p.finding, p.text, true)
			if err == nil {
				m.accepted[p.finding.Fingerprint()] = p.text
			}
			m.say("written: "+p.finding.Rule+" is accepted from the next run on", err)
		}
	case exportPrompt:
		m.asking = prompt{}
		return m.export(name)
	}
	return nil
}

// export writes in the format that begins with a letter.
func (m *Model) export(letter string) tea.Cmd {
	for _, f := range append([]string{"txt"}, m.o.Formats...) {
		if f[:1] == letter {
			text, section := "", m.section()
			if f == "txt" {
				text = m.plainFrame()
			}
			return func() tea.Msg {
				path, err := m.o.Export(f, section, text)
				return exportedMsg{path, err}
			}
		}
	}
	return nil
}

// plainFrame is the screen as it stands, without escape codes.
func (m *Model) plainFrame() string {
	c := *m
	c.look.theme, c.asking, c.message = None(), prompt{}, ""
	c.changed() // lists keep lines as they were drawn
	return c.frame() + "\n"
}

func (m *Model) askFilter() tea.Cmd {
	_, p := m.focus()
	m.asking = prompt{kind: filterPrompt, text: p.filter.text}
	return nil
}

func (m *Model) askCommand() tea.Cmd {
	m.asking = prompt{kind: commandPrompt}
	return nil
}

func (m *Model) askHelp() tea.Cmd {
	m.asking = prompt{kind: helpPrompt}
	return nil
}

func (m *Model) askExport() tea.Cmd {
	if m.o.Export == nil || m.doc == nil {
		m.say("nothing to export yet", nil)
		return nil
	}
	m.asking = prompt{kind: exportPrompt}
	return nil
}

// suppress asks why the finding under the cursor is accepted.
func (m *Model) suppress() tea.Cmd {
	l, p := m.focus()
	switch {
	case l == nil || p.cursor >= l.index.len() || len(l.finds) == 0:
	case m.o.Suppress == nil:
		m.say("nothing can be accepted here", nil)
	default:
		m.asking = prompt{kind: reasonPrompt, finding: l.finds[l.index.at(p.cursor)]}
	}
	return nil
}

// question is what stands at the foot while something is asked.
func (m *Model) question() string {
	p := &m.asking
	switch p.kind {
	case filterPrompt:
		return "filter: " + p.text + m.caret() + "   enter: keep  esc: all"
	case commandPrompt:
		return ":" + p.text + m.caret() + "   " + strings.Join(ScreenNames(), " ") + " q"
	case reasonPrompt:
		return "why is " + p.finding.Rule + " accepted? " + p.text + m.caret() + "   enter: look at it first  esc: no"
	case basePrompt:
		return "compare with the report in: " + p.text + m.caret() + "   enter: read it  esc: no"
	case windowPrompt:
		return "watch keys for: " + p.text + m.caret() + "   such as 30s; enter: begin  esc: no"
	case notePrompt:
		return "what happens now: " + p.text + m.caret() + "   enter: note it  esc: no"
	case confirmPrompt:
		return "y: write this to the file   n: leave it"
	case exportPrompt:
		var ways []string
		for _, f := range append([]string{"txt"}, m.o.Formats...) {
			ways = append(ways, f[:1]+": "+f)
		}
		return "export as   " + strings.Join(ways, "   ") + "   esc: no"
	case quitPrompt:
		return "stop " + m.snap.Busy + " and leave? y/n"
	case helpPrompt:
		return "j k: scroll   any other key: back"
	}
	return ""
}

func (m *Model) caret() string {
	if m.look.ascii {
		return "_"
	}
	return "▏"
}

func clean(s string, ascii bool) string { return render.Clean(s, ascii) }
