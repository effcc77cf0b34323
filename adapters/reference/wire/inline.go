package wire

import "bytes"

// inline reads a request that is a line of words, as people type it. It returns nil if the line has not ended, and no words for
// an empty one. A NUL ends the line before its end for Redis, which then waits for more.
func (r *Reader) inline() ([][]byte, error) {
	b := r.buf[r.r:r.w]
	end := bytes.IndexByte(b, '\n')
	if nul := bytes.IndexByte(b, 0); end < 0 || nul >= 0 && nul < end {
		if len(b) > maxInline {
			return nil, ProtocolError("too big inline request")
		}
		return nil, nil
	}
	line := b[:end]
	if end > 0 && line[end-1] == '\r' {
		line = line[:end-1]
	}
	words, ok := Split(line)
	if !ok {
		return nil, ProtocolError("unbalanced quotes in request")
	}
	r.r += end + 1
	return words, nil
}

// Split divides a line into words, with the quotes and escapes of Redis (sds.c: sdssplitargs). It reports false if a quote is not
// closed, or is not followed by a blank.
func Split(line []byte) (words [][]byte, ok bool) {
	words = [][]byte{}
	for {
		for len(line) > 0 && blank(line[0]) {
			line = line[1:]
		}
		if len(line) == 0 {
			return words, true
		}
		word := []byte{}
		for len(line) > 0 && !ends(line[0]) {
			if line[0] != '"' && line[0] != '\'' {
				word, line = append(word, line[0]), line[1:]
				continue
			}
			if word, line, ok = quoted(word, line); !ok {
				return nil, false
			}
			break
		}
		words = append(words, word)
	}
}

// blank reports what may stand between words, ends what ends one: they are not the same.
func blank(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }
func ends(c byte) bool  { return c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == 0 }

// quoted appends to word what stands between the quotes at the beginning of line, and returns what follows them.
func quoted(word, line []byte) (longer, rest []byte, ok bool) {
	q := line[0]
	for line = line[1:]; len(line) > 0; {
		switch {
		case line[0] == q:
			line = line[1:]
			return word, line, len(line) == 0 || blank(line[0])
		case q == '\'' && len(line) > 1 && line[0] == '\\' && line[1] == '\'':
			word, line = append(word, '\''), line[2:]
		case q == '"' && len(line) > 1 && line[0] == '\\':
			c, n := escape(line)
			word, line = append(word, c), line[n:]
		default:
			word, line = append(word, line[0]), line[1:]
		}
	}
	return word, line, false
}

// escape reads what follows a backslash within double quotes, and how many bytes that was.
func escape(line []byte) (byte, int) {
	if len(line) >= 4 && line[1] == 'x' {
		high, ok := hex(line[2])
		low, ok2 := hex(line[3])
		if ok && ok2 {
			return high<<4 | low, 4
		}
	}
	switch line[1] {
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'b':
		return '\b', 2
	case 'a':
		return '\a', 2
	}
	return line[1], 2
}

func hex(c byte) (byte, bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10, true
	}
	return 0, false
}
