package tui

import (
	"fmt"
	"slices"
)

// A style is what a piece of text is, not how it looks: that is the theme's. No style carries a meaning alone; beside a colour
// there is always a word, a letter or a character.
type style uint8

const (
	plain  style = iota
	strong       // a title
	faint        // a frame, or what one looks at last
	accent       // a bar, the frame of the pane that has the keys
	bad
	warn
	good
	cursor // the row that the keys are about
	styles // how many there are
)

// A Theme is how styles look: a sequence of SGR parameters each, of the 16 colours that a user has chosen for the terminal.
type Theme struct {
	Name string
	sgr  [styles]string
}

// None is the theme of what is no terminal: no escape codes at all.
func None() Theme { return Theme{Name: "none"} }

// Themes lists those that can be chosen. Mono has no colours, but bold and reversed text. Light differs where a bright
// background swallows a colour.
func Themes() []Theme {
	return []Theme{
		{"dark", [styles]string{strong: "1", faint: "2", accent: "36", bad: "1;31", warn: "33", good: "32", cursor: "7"}},
		{"light", [styles]string{strong: "1", faint: "2", accent: "34", bad: "1;31", warn: "35", good: "32", cursor: "7"}},
		{"mono", [styles]string{strong: "1", bad: "1", cursor: "7"}},
	}
}

// ThemeNames lists what ThemeOf knows; auto is dark until the terminal has said what its background is.
func ThemeNames() []string { return []string{"auto", "dark", "light", "mono"} }

// ThemeOf returns the theme of one of ThemeNames; it is an error if there is none.
func ThemeOf(name string) (Theme, error) {
	if name == "auto" {
		name = "dark"
	}
	all := Themes()
	if i := slices.IndexFunc(all, func(t Theme) bool { return t.Name == name }); i >= 0 {
		return all[i], nil
	}
	return Theme{}, fmt.Errorf("no theme %q", name)
}

// paint writes s, which holds no escape codes, in a style.
func (t *Theme) paint(st style, s string) string {
	if s == "" || t.sgr[st] == "" {
		return s
	}
	return "\x1b[" + t.sgr[st] + "m" + s + "\x1b[m"
}
