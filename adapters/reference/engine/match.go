package engine

// Match reports whether a string matches a glob pattern of Redis: * ? [a-z] [^a] and a backslash before what is meant as it is
// (util.c: stringmatchlen).
func Match(pattern string, s []byte) bool {
	if len(s) == 0 {
		return pattern == ""
	}
	_, ok := match(pattern, s)
	return ok
}

// match also reports that no longer tail of s can match: without that, many stars take exponential time.
func match(p string, s []byte) (hopeless, ok bool) {
	for len(p) > 0 && len(s) > 0 {
		switch p[0] {
		case '*':
			for len(p) > 1 && p[1] == '*' {
				p = p[1:]
			}
			if len(p) == 1 {
				return false, true
			}
			for ; len(s) > 0; s = s[1:] {
				if hopeless, ok = match(p[1:], s); ok || hopeless {
					return hopeless, ok
				}
			}
			return true, false
		case '?':
		case '[':
			rest, in := class(p[1:], s[0])
			if !in {
				return false, false
			}
			p, s = rest, s[1:]
			continue
		default:
			if p[0] == '\\' && len(p) >= 2 {
				p = p[1:]
			}
			if p[0] != s[0] {
				return false, false
			}
		}
		p, s = p[1:], s[1:]
	}
	for len(s) == 0 && len(p) > 0 && p[0] == '*' {
		p = p[1:]
	}
	return false, len(p) == 0 && len(s) == 0
}

// class reads what follows a bracket, and reports whether it has c. One that is not closed ends with the pattern.
func class(p string, c byte) (rest string, in bool) {
	not := len(p) > 0 && p[0] == '^'
	if not {
		p = p[1:]
	}
	for {
		switch {
		case len(p) >= 2 && p[0] == '\\':
			in = in || p[1] == c
			p = p[2:]
		case len(p) == 0:
			return "", in != not
		case p[0] == ']':
			return p[1:], in != not
		case len(p) >= 3 && p[1] == '-':
			low, high := int8(p[0]), int8(p[2]) // signed, as char is
			in = in || int8(c) >= min(low, high) && int8(c) <= max(low, high)
			p = p[3:]
		default:
			in = in || p[0] == c
			p = p[1:]
		}
	}
}
