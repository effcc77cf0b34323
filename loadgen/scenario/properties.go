package scenario

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/kvtool/kvtool/kv"
)

// A property is one of a file of Java properties.
type property struct {
	name, value string
	line        int
}

// parseProperties reads a file of Java properties as java.util.Properties does: lines of name and value with =, : or a blank between
// them, # and ! for comments, \ before what has a meaning and at the end of a line that goes on. The last of two with one name
// counts. The error is one of usage.
func parseProperties(file string, data []byte) ([]property, error) {
	if len(data) > MaxSize {
		return nil, kv.Usagef("%s: longer than %d bytes", file, MaxSize)
	}
	var all []property
	at := map[string]int{}
	lines := strings.Split(strings.ReplaceAll(string(data), "\r\n", "\n"), "\n")
	for i := 0; i < len(lines); i++ {
		first := i
		line := strings.TrimLeft(lines[i], " \t\f")
		if line == "" || line[0] == '#' || line[0] == '!' {
			continue
		}
		for goesOn(line) && i+1 < len(lines) {
			i++
			line = line[:len(line)-1] + strings.TrimLeft(lines[i], " \t\f")
		}
		p := property{line: first + 1}
		name, value := cutProperty(line)
		var err1, err2 error
		p.name, err1 = unescape(name)
		p.value, err2 = unescape(value)
		if err1 != nil || err2 != nil {
			return nil, kv.Usagef("%s:%d: \\u without four hexadecimal digits", file, p.line)
		}
		if !utf8.ValidString(p.name + p.value) {
			return nil, kv.Usagef("%s:%d: not UTF-8", file, p.line)
		}
		if j, twice := at[p.name]; twice {
			all[j] = p
			continue
		}
		at[p.name] = len(all)
		all = append(all, p)
	}
	return all, nil
}

// goesOn reports whether a line ends with a backslash that is none of a pair.
func goesOn(line string) bool {
	n := len(line) - len(strings.TrimRight(line, `\`))
	return n%2 == 1
}

// cutProperty divides a line at the first =, : or blank that has no backslash before it.
func cutProperty(line string) (name, value string) {
	end := len(line)
	for i := 0; i < len(line); i++ {
		if line[i] == '\\' {
			i++
			continue
		}
		if strings.IndexByte("=: \t\f", line[i]) >= 0 {
			end = i
			break
		}
	}
	name, value = line[:end], strings.TrimLeft(line[end:], " \t\f")
	if value != "" && (value[0] == '=' || value[0] == ':') {
		value = strings.TrimLeft(value[1:], " \t\f")
	}
	return name, value
}

// unescape undoes the backslashes of a name or a value.
func unescape(s string) (string, error) {
	if strings.IndexByte(s, '\\') < 0 {
		return s, nil
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			b.WriteByte(s[i])
			continue
		}
		if i++; i == len(s) {
			break
		}
		switch s[i] {
		case 'n':
			b.WriteByte('\n')
		case 't':
			b.WriteByte('\t')
		case 'r':
			b.WriteByte('\r')
		case 'f':
			b.WriteByte('\f')
		case 'u':
			if i+4 >= len(s) {
				return "", strconv.ErrSyntax
			}
			r, err := strconv.ParseUint(s[i+1:i+5], 16, 16)
			if err != nil {
				return "", err
			}
			b.WriteRune(rune(r))
			i += 4
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String(), nil
}
