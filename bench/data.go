package main

import (
	"bufio"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/kvtool/kvtool/internal/keygen"
)

// A dataset is a keyspace on a server of its own, and the dump that the server saved of it.
type dataset struct {
	server *server
	keys   int64 // that each tool must see
	dump   string
	bytes  int64 // of the dump
	used   int64 // used_memory of the server
}

// cpu returns the CPU time that the server has used so far, if there is one.
func (d *dataset) cpu() time.Duration {
	if d.server == nil {
		return 0
	}
	return d.server.cpu()
}

func (d *dataset) describe() string {
	return fmt.Sprintf("Data set: %d keys, used_memory %.2f GB, dump of %.0f MB.", d.keys, float64(d.used)/1e9, float64(d.bytes)/1e6)
}

// needMain makes the data set of most sections, unless it is there.
func needMain(ctx context.Context, b *bench) (err error) {
	if b.main != nil {
		return nil
	}
	k := keygen.New(b.keys)
	b.main, err = b.fill(ctx, "main", k.Keys(), func(w io.Writer) error {
		_, err := k.WriteTo(w)
		return err
	})
	return err
}

// What the wide data set has besides a few keys of the common kinds.
const (
	wideKeys   = 10_000
	wideFields = 1_000_000
	wideBytes  = 64 << 20
)

// needWide makes the data set of a few giants: a hash of a million fields and two strings of 64 MiB, one of which cannot be
// compressed. Whoever holds a whole value in memory is seen.
func needWide(ctx context.Context, b *bench) (err error) {
	if b.wide != nil {
		return nil
	}
	k := keygen.New(wideKeys)
	b.wide, err = b.fill(ctx, "wide", k.Keys()+3, func(w io.Writer) error {
		if _, err := k.WriteTo(w); err != nil {
			return err
		}
		return writeGiants(w)
	})
	return err
}

// writeGiants writes the commands that make the giants.
func writeGiants(out io.Writer) error {
	const batch = 500
	w := bufio.NewWriter(out)
	for i := 0; i < wideFields; i += batch {
		fmt.Fprintf(w, "*%d\r\n$4\r\nHSET\r\n$9\r\nwide:hash\r\n", 2+2*batch)
		for f := i; f < i+batch; f++ {
			fmt.Fprintf(w, "$13\r\nfield:%07d\r\n$27\r\nvalue:%07d:abcdefghijklm\r\n", f, f)
		}
	}
	noise := rand.NewChaCha8([32]byte{})
	writeString(w, "wide:noise", noise)
	writeString(w, "wide:empty", zeros{})
	return w.Flush()
}

func writeString(w *bufio.Writer, key string, from io.Reader) {
	fmt.Fprintf(w, "*3\r\n$3\r\nSET\r\n$%d\r\n%s\r\n$%d\r\n", len(key), key, wideBytes)
	_, _ = io.CopyN(w, from, wideBytes) // the flush tells
	_, _ = w.WriteString("\r\n")
}

// zeros reads as an endless row of zero bytes.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// fill starts a server, loads what write writes through redis-cli and saves it.
func (b *bench) fill(ctx context.Context, name string, keys int64, write func(io.Writer) error) (*dataset, error) {
	b.say("loading %d keys", keys)
	s, err := startServer(ctx, filepath.Join(b.dir, name))
	if err != nil {
		return nil, err
	}
	d := &dataset{server: s, keys: keys, dump: filepath.Join(s.dir, "dump.rdb")}
	if err := d.load(ctx, write); err != nil {
		s.stop()
		return nil, err
	}
	return d, nil
}

func (d *dataset) load(ctx context.Context, write func(io.Writer) error) error {
	load := exec.CommandContext(ctx, "redis-cli", "-s", d.server.socket, "--pipe")
	in, err := load.StdinPipe()
	if err != nil {
		return err
	}
	go func() {
		_ = write(in) // redis-cli says so when it is cut short
		in.Close()
	}()
	if out, err := load.CombinedOutput(); err != nil {
		return fmt.Errorf("loading: %w: %s", err, out)
	}
	if got, err := d.server.do("DBSIZE"); err != nil || got != strconv.FormatInt(d.keys, 10) {
		return fmt.Errorf("the server holds %s keys instead of %d (%v)", got, d.keys, err)
	}
	info, err := d.server.do("INFO memory")
	if err != nil {
		return err
	}
	d.used = number(info, "used_memory:")
	if _, err := d.server.do("SAVE"); err != nil {
		return fmt.Errorf("saving: %w", err)
	}
	st, err := os.Stat(d.dump)
	if err != nil {
		return err
	}
	d.bytes = st.Size()
	return nil
}

// compress writes the dump again in gzip, and returns the path.
func (d *dataset) compress() (path string, err error) {
	from, err := os.Open(d.dump)
	if err != nil {
		return "", err
	}
	defer from.Close()
	path = d.dump + ".gz"
	to, err := os.Create(path)
	if err != nil {
		return "", err
	}
	defer to.Close()
	z, err := gzip.NewWriterLevel(to, gzip.BestSpeed)
	if err != nil {
		return "", err
	}
	if _, err := io.Copy(z, from); err != nil {
		return "", err
	}
	return path, z.Close()
}
