package render

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rivo/uniseg"
)

// longestShown bounds the work on one name: of a longer one only the ends are looked at, which is all that is shown.
const longestShown = 4096

// clean makes s fit to be shown to a person: control characters, escape sequences, everything that reorders or hides
// text, and bytes that are not UTF-8 become \xNN. The result is one line.
func clean(s string, ascii bool) string {
	if len(s) > longestShown {
		s = s[:longestShown/2] + "…" + s[len(s)-longestShown/2:]
	}
	return cleanWhole(s, ascii)
}

// cleanWhole is clean without a limit.
func cleanWhole(s string, ascii bool) string {
	s = disarm(s)
	if plainASCII(s) {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		switch {
		case ascii && r >= utf8.RuneSelf && asciiFor(r) != "":
			b.WriteString(asciiFor(r))
		case !visible(r, n) || ascii && r >= utf8.RuneSelf:
			for i := range n {
				fmt.Fprintf(&b, `\x%02x`, s[i])
			}
		default:
			b.WriteString(s[:n])
		}
		s = s[n:]
	}
	return b.String()
}

// disarm breaks what the runner of GitHub's workflows obeys in the output of a program: a line that begins with "::", whatever
// spaces stand before it, and "##[" anywhere. A name may stand at the beginning of a line.
func disarm(s string) string {
	if strings.Contains(s, "##[") {
		s = strings.ReplaceAll(s, "##[", `#\x23[`)
	}
	if rest := strings.TrimLeft(s, " "); strings.HasPrefix(rest, "::") {
		s = s[:len(s)-len(rest)] + `\x3a` + rest[1:]
	}
	return s
}

// Clean is what every renderer for people passes names through. Messages about names pass it, too.
func Clean(s string, ascii bool) string { return clean(s, ascii) }

// plainASCII reports whether s is what almost every name is, so that it needs no copy.
func plainASCII(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// visible reports whether r, decoded from n bytes, shows as something that is where it stands. Format characters (bidi
// controls, zero-width joiners, tags) and all spaces but the plain one are not printable by unicode.IsPrint; the others
// named here are letters or marks to Unicode and yet draw nothing.
func visible(r rune, n int) bool {
	switch {
	case r == utf8.RuneError && n <= 1, !unicode.IsPrint(r):
		return false
	case r == 0x034F, r == 0x115F, r == 0x1160, r == 0x17B4, r == 0x17B5, r == 0x2800, r == 0x3164, r == 0xFFA0:
		return false
	case r >= 0xFE00 && r <= 0xFE0F, r >= 0xE0100 && r <= 0xE01EF, r >= 0x180B && r <= 0x180F:
		return false
	}
	return true
}

// asciiFor returns what stands for our own typographic characters where only ASCII may be written.
func asciiFor(r rune) string {
	switch r {
	case 'µ':
		return "u"
	case '±':
		return "+-"
	case '…':
		return ".."
	case '×':
		return "x"
	case '→':
		return "->"
	case '–', '—':
		return "-"
	case '≥':
		return ">="
	case '≤':
		return "<="
	}
	return ""
}

// columns returns how wide s is on a terminal. It counts graphemes as terminals do, not bytes or runes.
func columns(s string) int {
	if plainASCII(s) {
		return len(s)
	}
	return uniseg.StringWidth(s)
}

// cutMiddle shortens s to at most width columns by leaving out the middle, since both ends of a name tell more.
func cutMiddle(s string, width int, mark string) string {
	if columns(s) <= width {
		return s
	}
	room := width - columns(mark)
	if room < 2 {
		return head(s, width)
	}
	front := head(s, room-room/2)
	return front + mark + tail(s, room-columns(front))
}

// cutEnd shortens s to at most width columns.
func cutEnd(s string, width int, mark string) string {
	if columns(s) <= width {
		return s
	}
	if width < columns(mark) {
		return head(s, width)
	}
	return strings.TrimRight(head(s, width-columns(mark)), " ") + mark
}

// head returns as many graphemes from the front of s as fit into width columns.
func head(s string, width int) string {
	end, used, state := 0, 0, -1
	for rest := s; len(rest) > 0; {
		var cluster string
		var w int
		cluster, rest, w, state = uniseg.FirstGraphemeClusterInString(rest, state)
		if used+w > width {
			break
		}
		used += w
		end += len(cluster)
	}
	return s[:end]
}

// tail returns as many graphemes from the end of s as fit into width columns.
func tail(s string, width int) string {
	skip := columns(s) - width
	start, used, state := 0, 0, -1
	for rest := s; len(rest) > 0 && used < skip; {
		var cluster string
		var w int
		cluster, rest, w, state = uniseg.FirstGraphemeClusterInString(rest, state)
		used += w
		start += len(cluster)
	}
	return s[start:]
}

// wrap breaks s at spaces into lines of at most width columns. A word that is longer is cut into pieces.
func wrap(s string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(s) {
		for columns(word) > width {
			if line != "" {
				lines = append(lines, line)
				line = ""
			}
			piece := head(word, width)
			if piece == "" {
				break
			}
			lines = append(lines, piece)
			word = word[len(piece):]
		}
		switch {
		case line == "":
			line = word
		case columns(line)+1+columns(word) <= width:
			line += " " + word
		default:
			lines = append(lines, line)
			line = word
		}
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}
