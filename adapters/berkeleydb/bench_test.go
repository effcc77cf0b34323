package berkeleydb

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"

	"github.com/kvtool/kvtool/kv"
)

// BenchmarkScan reads a dump in memory against draining the same bytes: counting their lines, and unpacking them where they are
// packed. An operation is the whole dump.
func BenchmarkScan(b *testing.B) {
	for _, format := range []string{"bytevalue", "print"} {
		dump := dumpOf(format, 100_000)
		packed := []byte(gzipped(string(dump)))
		for _, x := range []struct {
			name string
			run  func() error
		}{
			{"drain", func() error { return drain(bytes.NewReader(dump)) }},
			{"scan", func() error { return scanAll(dump) }},
			{"drain-gz", func() error {
				z, err := gzip.NewReader(bytes.NewReader(packed))
				if err != nil {
					return err
				}
				return drain(z)
			}},
			{"scan-gz", func() error { return scanAll(packed) }},
		} {
			b.Run(format+"/"+x.name, func(b *testing.B) {
				b.SetBytes(int64(len(dump)))
				for b.Loop() {
					if err := x.run(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// dumpOf writes a dump of n keys with values of 100 to 200 bytes.
func dumpOf(format string, n int) []byte {
	var b bytes.Buffer
	b.WriteString("VERSION=3\nformat=" + format + "\ntype=btree\nHEADER=END\n")
	for i := range n {
		key, value := fmt.Sprintf("user:%d:cart", i), strings.Repeat("value ", 17+i%17)
		if format == "print" {
			fmt.Fprintf(&b, " %s\n \\00\\00\\00\\%02x%s\n", key, i%256, value)
		} else {
			fmt.Fprintf(&b, " %x\n 000000%02x%x\n", key, i%256, value)
		}
	}
	b.WriteString("DATA=END\n")
	return b.Bytes()
}

func scanAll(dump []byte) error {
	s, err := Adapter().Open(context.Background(), kv.Target{Scheme: "bdb", Path: "-", Stdin: bytes.NewReader(dump)})
	if err != nil {
		return err
	}
	for _, err := range s.Scan(context.Background(), kv.ScanOptions{Want: kv.AllFields}) {
		if err != nil {
			return err
		}
	}
	return s.Close()
}

// drain counts lines, as wc -l does.
func drain(r io.Reader) error {
	in := bufio.NewReaderSize(r, bufferSize)
	n := 0
	for {
		line, err := in.ReadSlice('\n')
		n += len(line)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
