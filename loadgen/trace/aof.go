package trace

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/kvtool/kvtool/kv"
)

// Bounds of one command of an append-only file: those that a server has for its clients.
const (
	maxAOFWords = 1 << 20
	maxAOFBytes = 512 << 20
)

// readAOF reads the commands of an append-only file: arrays of strings as a client sends them, and between them, where
// aof-timestamp-enabled is on, lines "#TS:1700000000". SELECT says the database and is left out.
func readAOF(in *bufio.Reader, k *clock) {
	c := Command{Size: -1}
	offset := int64(0)
	for {
		line, err := in.ReadSlice('\n')
		offset += int64(len(line))
		switch {
		case errors.Is(err, io.EOF) && len(line) == 0:
			k.finish(nil, true)
			return
		case err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull):
			k.fail(err)
			return
		case err != nil:
			k.fail(cutAOF(offset))
			return
		case line[0] == '#':
			c.stamp(line)
			continue
		}
		words, n, err := aofWords(in, line, c.Words[:0])
		if err != nil {
			k.fail(fmt.Errorf("at offset %d: %w", offset+n, err))
			return
		}
		offset += n
		c.Words = words
		if len(words) == 2 && strings.EqualFold(words[0], "select") {
			c.DB, _ = strconv.Atoi(words[1])
			continue
		}
		at := c.At
		if !k.next(&c) {
			return
		}
		c.At = at
	}
}

func cutAOF(offset int64) error {
	return kv.Corruptf("the append-only file ends at offset %d within a command", offset)
}

// stamp sets the time that holds for the commands behind it.
func (c *Command) stamp(line []byte) {
	if digits, ok := bytes.CutPrefix(bytes.TrimSpace(line), []byte("#TS:")); ok {
		if n, ok := number(digits); ok && n < maxSeconds {
			c.At, c.Timed, c.Whole, c.Wall = time.Duration(n)*time.Second, true, true, time.Unix(n, 0)
		}
	}
}

// aofWords reads the words behind the line that says how many there are, and returns how many bytes they took.
func aofWords(in *bufio.Reader, line []byte, words []string) ([]string, int64, error) {
	count, ok := length(line, '*')
	if !ok || count < 1 || count > maxAOFWords {
		return nil, 0, kv.Corruptf("not the beginning of a command")
	}
	read := int64(0)
	for range count {
		line, err := in.ReadSlice('\n')
		read += int64(len(line))
		size, ok := length(line, '$')
		switch {
		case err != nil:
			return nil, read, kv.Corruptf("it ends within a command: %w", err)
		case !ok || read+size > maxAOFBytes:
			return nil, read, kv.Corruptf("not the beginning of a word")
		}
		word, err := take(in, size)
		read += int64(len(word)) + 2
		if err != nil {
			return nil, read, kv.Corruptf("it ends within a word: %w", err)
		}
		words = append(words, word)
	}
	return words, read, nil
}

// take reads size bytes and the line end behind them. It takes memory for what is there, not for what size claims.
func take(in *bufio.Reader, size int64) (string, error) {
	var b bytes.Buffer
	if _, err := io.CopyN(&b, in, size); err != nil {
		return "", err
	}
	var end [2]byte
	if _, err := io.ReadFull(in, end[:]); err != nil {
		return "", err
	}
	if end != [2]byte{'\r', '\n'} {
		return "", errors.New("no line end behind it")
	}
	return b.String(), nil
}

// length reads a line of a mark and a number.
func length(line []byte, mark byte) (int64, bool) {
	if len(line) < 2 || line[0] != mark {
		return 0, false
	}
	return number(bytes.TrimRight(line[1:], "\r\n"))
}
