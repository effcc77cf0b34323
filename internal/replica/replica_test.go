package replica

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"

	"github.com/kvtool/kvtool/internal/resp"
)

// A peer answers whatever it is sent with what it was going to say.
type peer struct {
	io.Reader
	sent bytes.Buffer
}

func (p *peer) Write(b []byte) (int, error) { return p.sent.Write(b) }

const (
	mark    = "0123456789abcdef0123456789abcdef01234567"
	welcome = "+OK\r\n+OK\r\n+OK\r\n"
	fresh   = welcome + "+FULLRESYNC 8de1787ba490483314a4d30f1c628bc5025eb761 2443808505\r\n"
	payload = "REDIS0009 and so on"
)

func framed(text string) string { return "$EOF:" + mark + "\r\n" + text + mark }

func TestAsk(t *testing.T) {
	for _, tt := range []struct {
		name, command, says string
		want                string // of the snapshot
		size                int64
		err                 string // part of it
	}{
		{"by length", PSync, fresh + "$19\r\n" + payload + "*1\r\n$4\r\nPING\r\n", payload, 19, ""},
		{"by mark", PSync, fresh + framed(payload), payload, 0, ""},
		{"by mark, and commands at once", PSync, fresh + framed(payload) + "*1\r\n$4\r\nPING\r\n", payload, 0, ""},
		{"half a mark within", PSync, fresh + framed(payload+mark[:39]+payload+mark[:20]), payload + mark[:39] + payload + mark[:20], 0, ""},
		{"patience", PSync, welcome + "\n\n+FULLRESYNC a 1\r\n\n\n\n\n\n" + framed(payload), payload, 0, ""},
		{"SYNC", Sync, welcome + "\n\n$19\r\n" + payload, payload, 19, ""},
		{"options that are not known", PSync, "+OK\r\n-ERR Unrecognized REPLCONF option: rdb-only\r\n-ERR Unrecognized\r\n+FULLRESYNC a 1\r\n" + framed("x"), "x", 0, ""},
		{"nothing in it", PSync, fresh + framed(""), "", 0, ""},

		{"no right", PSync, "-NOPERM this user has no permissions to run the 'replconf' command\r\n", "", 0, "NOPERM"},
		{"no right to PSYNC", PSync, welcome + "-NOPERM User u has no permissions to run the 'psync' command\r\n", "", 0, "NOPERM"},
		{"no primary", PSync, welcome + "-NOMASTERLINK Can't SYNC while not connected with my master\r\n", "", 0, "NOMASTERLINK"},
		{"changed its mind", PSync, fresh + "\n-ERR BGSAVE failed\r\n", "", 0, "BGSAVE failed"},
		{"goes on", PSync, welcome + "+CONTINUE\r\n", "", 0, "CONTINUE"},
		{"a web server", PSync, "HTTP/1.1 400 Bad Request\r\n\r\n", "", 0, "HTTP"},
		{"a long line", PSync, welcome + "+" + strings.Repeat("x", 1<<20), "", 0, "without an end"},
		{"no number", PSync, fresh + "$-1\r\n", "", 0, "begins with"},
		{"nothing", PSync, fresh + "$0\r\n", "", 0, "begins with"},
		{"too large a number", PSync, fresh + "$9223372036854775807\r\n", "", 0, "begins with"},
		{"a number that is none", PSync, fresh + "$1x\r\n", "", 0, "begins with"},
		{"a short mark", PSync, fresh + "$EOF:abc\r\n", "", 0, "begins with"},
		{"a reply in place of it", PSync, fresh + "*1\r\n", "", 0, "begins with"},
		{"hangs up at once", PSync, "", "", 0, "EOF"},
		{"hangs up before", PSync, fresh + "\n\n", "", 0, "EOF"},
		{"hangs up within", PSync, fresh + "$19\r\nREDIS", "", 0, "EOF"},
		{"hangs up within the mark", PSync, fresh + "$EOF:" + mark + "\r\nREDIS" + mark[:39], "", 0, "EOF"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for how, r := range map[string]io.Reader{"whole": strings.NewReader(tt.says), "by bytes": iotest.OneByteReader(strings.NewReader(tt.says))} {
				p := &peer{Reader: r}
				got, size, err := take(p, tt.command)
				if tt.err == "" && (err != nil || got != tt.want || size != tt.size) {
					t.Errorf("%s: %q of %d, %v", how, got, size, err)
				}
				if tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) {
					t.Errorf("%s: %q, %v", how, got, err)
				}
				if sent := p.sent.String(); strings.Contains(sent, "listening-port") {
					t.Errorf("a port is announced: %q", sent)
				}
			}
		})
	}
}

func take(p *peer, command string) (text string, size int64, err error) {
	s, err := Ask(p, command)
	if err != nil {
		return "", 0, err
	}
	b, err := io.ReadAll(s)
	return string(b), s.Size(), err
}

// TestErrors: what a server refuses is told apart from what is no server, and a stream that is cut from one that ends.
func TestErrors(t *testing.T) {
	var refused Refusal
	if _, _, err := take(&peer{Reader: strings.NewReader("-NOPERM x\r\n")}, PSync); !errors.As(err, &refused) || !refused.Denied() {
		t.Errorf("%v", err)
	}
	if _, _, err := take(&peer{Reader: strings.NewReader(fresh + "%2\r\n")}, PSync); !errors.Is(err, resp.ErrProtocol) {
		t.Errorf("%v", err)
	}
	if _, _, err := take(&peer{Reader: strings.NewReader(fresh + "$19\r\nREDIS")}, PSync); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%v", err)
	}
	broken := io.MultiReader(strings.NewReader(fresh+"$EOF:"+mark+"\r\n"+strings.Repeat("x", 100)), iotest.ErrReader(io.ErrClosedPipe))
	if got, _, err := take(&peer{Reader: broken}, PSync); !errors.Is(err, io.ErrClosedPipe) || len(got) < 61 {
		t.Errorf("%d, %v", len(got), err)
	}
}

// TestProbe: no snapshot is asked for, and a refusal of one of the two commands is told.
func TestProbe(t *testing.T) {
	const arity = "-ERR wrong number of arguments for 'psync' command\r\n"
	for _, tt := range []struct {
		says string
		want string
	}{
		{"+OK\r\n" + arity, ""},
		{"-ERR syntax error\r\n" + arity, ""},
		{"+OK\r\n-ERR unknown command `PSYNC`, with args beginning with: \r\n", "unknown command"},
		{"-NOPERM this user has no permissions to run the 'replconf' command\r\n", "NOPERM"},
		{"-ERR This command is not available\r\n", "not available"},
		{"-NOAUTH Authentication required.\r\n", "NOAUTH"},
		{"", "EOF"},
	} {
		p := &peer{Reader: strings.NewReader(tt.says)}
		err := Probe(p, PSync)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: %v", tt.says, err)
		}
		if sent := p.sent.String(); strings.Contains(sent, "?") {
			t.Errorf("a snapshot was asked for: %q", sent)
		}
	}
}

// TestSnapshotModel: in whatever pieces it comes and is read, a snapshot is what was sent before the mark.
func TestSnapshotModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		piece := rapid.OneOf(rapid.StringMatching("[ab]{0,50}"), rapid.Just(mark[:10]), rapid.Just(mark[:39]), rapid.Just(mark[1:]), rapid.Just(strings.Repeat("z", 70_000)))
		text := strings.Join(rapid.SliceOfN(piece, 0, 6).Draw(t, "pieces"), "")
		if strings.Index(text+mark, mark) < len(text) {
			t.Skip("the mark is within")
		}
		after := rapid.StringMatching("[a-z]{0,60}").Draw(t, "after")
		src := io.Reader(strings.NewReader(fresh + framed(text) + after))
		if rapid.Bool().Draw(t, "halves") {
			src = iotest.HalfReader(src)
		}
		s, err := Ask(&peer{Reader: src}, PSync)
		if err != nil {
			t.Fatal(err)
		}
		var got []byte
		size := rapid.IntRange(1, 100_000).Draw(t, "reads of")
		for p := make([]byte, size); err == nil; {
			var n int
			n, err = s.Read(p)
			got = append(got, p[:n]...)
		}
		if err != io.EOF || string(got) != text {
			t.Fatalf("%d of %d bytes, %v", len(got), len(text), err)
		}
	})
}

// FuzzAsk: whatever a server says, the end is a snapshot or an error, and no more memory is taken than a line and a buffer.
func FuzzAsk(f *testing.F) {
	f.Add([]byte(fresh+framed(payload)), true)
	f.Add([]byte(fresh+"$19\r\n"+payload), true)
	f.Add([]byte(welcome+"\n\n$19\r\n"+payload), false)
	f.Add([]byte("-NOPERM x\r\n"), true)
	f.Add([]byte(fresh+"$EOF:"+mark+"\r\n"+mark[:20]), true)
	f.Fuzz(func(t *testing.T, says []byte, psync bool) {
		command := Sync
		if psync {
			command = PSync
		}
		s, err := Ask(&peer{Reader: bytes.NewReader(says)}, command)
		if err != nil {
			return
		}
		n, err := io.Copy(io.Discard, s)
		if err == nil && s.Size() > 0 && n != s.Size() {
			t.Errorf("%d bytes of %d", n, s.Size())
		}
		if n > int64(len(says)) {
			t.Errorf("%d bytes of %d that were sent", n, len(says))
		}
	})
}
