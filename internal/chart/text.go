package chart

import (
	"math"
	"strings"
)

// Charts of characters, one column of a terminal each: what text reports and the dashboard draw. None has colour, which is the
// affair of who knows the terminal; with ascii none has a byte over 127.

// Characters that fill a cell from its left, from its bottom, and more or less of all of it.
const (
	leftEighths   = "▏▎▍▌▋▊▉"
	levels        = "▁▂▃▄▅▆▇█"
	asciiLevels   = "_.-=+*#@"
	shadeRunes    = " ·░▒▓█"
	asciiShades   = " .:-=#"
	asciiHalf     = "."
	eighthsOfCell = 8
)

// Bar draws a share of a bar that is width columns long, in eighths of a column. What is not nothing shows; nothing is empty, and
// what is behind the bar is not filled up.
func Bar(share float64, width int, ascii bool) string {
	if !(share > 0) || width <= 0 {
		return ""
	}
	eighths := max(1, int(min(share, 1)*float64(width*eighthsOfCell)+0.5))
	if ascii {
		return strings.Repeat("#", (eighths+4)/eighthsOfCell)
	}
	out := strings.Repeat("█", eighths/eighthsOfCell)
	if rest := eighths % eighthsOfCell; rest > 0 {
		out += string([]rune(leftEighths)[rest-1])
	}
	return out
}

// Spark draws values from 0 to the greatest of them, a character each. NaN, what is not known, is a blank.
func Spark(values []float64, ascii bool) string {
	steps := []rune(levels)
	if ascii {
		steps = []rune(asciiLevels)
	}
	most := greatest(values)
	var b strings.Builder
	for _, v := range values {
		switch {
		case math.IsNaN(v):
			b.WriteByte(' ')
		case most == 0:
			b.WriteRune(steps[0])
		default:
			b.WriteRune(steps[min(len(steps)-1, int(min(max(v, 0)/most, 1)*float64(len(steps))))])
		}
	}
	return b.String()
}

// greatest returns the greatest of values that are finite; 0 where none is above it.
func greatest(values []float64) float64 {
	most := 0.0
	for _, v := range values {
		if v > most && !math.IsInf(v, 0) {
			most = v
		}
	}
	return most
}

// Shade returns the character of a cell in a heat map. Shades go by the root of the value: a cell of four times the weight is two
// shades darker, so that one great value does not hide all others. Only what holds nothing is blank.
func Shade(v, most float64, ascii bool) rune {
	steps := []rune(shadeRunes)
	if ascii {
		steps = []rune(asciiShades)
	}
	if !(v > 0) || !(most > 0) {
		return steps[0]
	}
	return steps[1+min(len(steps)-2, int(math.Sqrt(min(v/most, 1))*float64(len(steps)-1)))]
}

// Columns draws values as columns that stand beside each other, in height lines from the top. What is not nothing shows; NaN is a
// blank.
//
//	  ▄
//	▂ █
//	█▁█
func Columns(values []float64, height int, ascii bool) []string {
	most := greatest(values)
	lines := make([]string, max(0, height))
	for i := range lines {
		floor := (len(lines) - 1 - i) * eighthsOfCell
		var b strings.Builder
		for _, v := range values {
			b.WriteString(columnCell(columnEighths(v, most, height)-floor, ascii))
		}
		lines[i] = b.String()
	}
	return lines
}

// columnEighths is how high a column is.
func columnEighths(v, most float64, height int) int {
	if !(v > 0) || !(most > 0) {
		return 0
	}
	return max(1, int(min(v/most, 1)*float64(height*eighthsOfCell)+0.5))
}

// columnCell is a cell of which so many eighths are filled, from its bottom.
func columnCell(filled int, ascii bool) string {
	switch {
	case filled <= 0:
		return " "
	case ascii && filled < eighthsOfCell/2:
		return asciiHalf
	case ascii:
		return "#"
	case filled >= eighthsOfCell:
		return "█"
	}
	return string([]rune(levels)[filled-1])
}

// Thin makes n values of more: each is what how says of a stretch of them. Fewer are returned as they are.
func Thin(values []float64, n int, how func(stretch []float64) float64) []float64 {
	if n <= 0 || len(values) <= n {
		return values
	}
	out := make([]float64, n)
	for i := range out {
		out[i] = how(values[i*len(values)/n : (i+1)*len(values)/n])
	}
	return out
}
