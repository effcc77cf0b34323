package rdbread

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/kvtool/kvtool/kv"
)

const corpus = "../../testdata/rdb/corpus"

// facts is the part of facts.json that a walk can answer.
type facts struct {
	Files map[string]struct {
		Keys []struct {
			DB       int
			Key      string
			KeyHex   string `json:"key_hex"`
			Type     string
			TypeName string `json:"rdb_type_name"`
			ExpireAt *int64 `json:"expire_at_ms"`
			Elements int64
			Encoding string `json:"redis_7_0_15_encoding"`
			Module   string
		}
		CRC         string
		Functions   int
		ModuleAux   int   `json:"module_aux"`
		Trailing    int64 `json:"trailing_bytes"`
		Version     int   `json:"rdb_version"`
		Aux         map[string]string
		Checksummed string
	}
}

func readFacts(t *testing.T) facts {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(corpus, "facts.json"))
	if err != nil {
		t.Fatal(err)
	}
	var f facts
	if err := json.Unmarshal(b, &f); err != nil || len(f.Files) == 0 {
		t.Fatalf("%d files, %v", len(f.Files), err)
	}
	return f
}

// readAll walks a dump and copies its records.
func readAll(r io.Reader, opt Options) ([]kv.Record, Summary, error) {
	d, err := NewReader(r, opt)
	if err != nil {
		return nil, Summary{}, err
	}
	var records []kv.Record
	for {
		rec, err := d.Next()
		if errors.Is(err, io.EOF) {
			err = d.Drain()
			return records, d.Summary(), err
		}
		if err != nil {
			return records, d.Summary(), err
		}
		records = append(records, *rec)
	}
}

func TestCorpus(t *testing.T) {
	f := readFacts(t)
	for name, want := range f.Files {
		t.Run(name, func(t *testing.T) {
			file, err := os.Open(filepath.Join(corpus, name))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = file.Close() })
			got, sum, err := readAll(file, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if len(got) != len(want.Keys) {
				t.Fatalf("%d keys, want %d", len(got), len(want.Keys))
			}
			for i, w := range want.Keys {
				g := &got[i]
				key := w.Key
				if w.KeyHex != "" {
					b, _ := hex.DecodeString(w.KeyHex)
					key = string(b)
				}
				if g.Key != key || g.DB != w.DB {
					t.Errorf("key %q in db %d, want %q in %d", g.Key, g.DB, key, w.DB)
				}
				if w.Module != "" {
					w.Type = w.Module
				} else if w.Type == "string" {
					w.Elements = 1
				}
				if string(g.Type) != w.Type || g.Len != w.Elements {
					t.Errorf("%q: %s of %d, want %s of %d", key, g.Type, g.Len, w.Type, w.Elements)
				}
				if g.Size <= 0 {
					t.Errorf("%q: size %d", key, g.Size)
				}
				checkTTL(t, g, w.ExpireAt, sum)
				checkEncoding(t, g, w.Encoding)
			}
			sumWant := map[string]Checksum{"valid": ChecksumGood, "none (version < 5)": ChecksumAbsent, "zero (checksum off)": ChecksumZero}[want.CRC]
			if sum.Checksum != sumWant || sumWant == ChecksumPending {
				t.Errorf("checksum %d, want %q", sum.Checksum, want.CRC)
			}
			if sum.RDB != want.Version || sum.Version != want.Aux["redis-ver"] || sum.Functions != want.Functions ||
				sum.Trailing != want.Trailing || len(sum.Aux) != want.ModuleAux {
				t.Errorf("summary %+v", sum)
			}
		})
	}
}

func checkTTL(t *testing.T, g *kv.Record, want *int64, sum Summary) {
	t.Helper()
	switch {
	case want == nil:
		if g.TTL != kv.TTLNone {
			t.Errorf("%q: TTL %d at %v", g.Key, g.TTL, g.ExpireAt)
		}
	case g.ExpireAt.UnixMilli() != *want:
		t.Errorf("%q: expires at %v, want %d", g.Key, g.ExpireAt, *want)
	case (g.TTL == kv.TTLExpired) != (!sum.Created.IsZero() && *want < sum.Created.UnixMilli()):
		t.Errorf("%q: TTL state %d", g.Key, g.TTL)
	}
}

// checkEncoding compares with what Redis 7.0 made of the value when it loaded it: it converts the older forms.
func checkEncoding(t *testing.T, g *kv.Record, want string) {
	t.Helper()
	loaded := map[kv.Encoding][]string{
		kv.EncodingZiplist: {"listpack", "quicklist"}, kv.EncodingZipmap: {"listpack"}, kv.EncodingLinkedList: {"quicklist"},
	}[g.Encoding]
	if want != "" && want != string(g.Encoding) && !slices.Contains(loaded, want) {
		t.Errorf("%q: encoding %s, and the server makes it %s", g.Key, g.Encoding, want)
	}
}
