package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
)

// query has DuckDB read a file: first a line about all of it, then a line for each row of the sample. Unlike LIMIT, a
// reservoir takes rows from everywhere, and REPEATABLE the same ones every time.
const query = `
import duckdb, json, sys
file, sample = sys.argv[1], int(sys.argv[2])
db = duckdb.connect()
db.execute("SET enable_progress_bar = false")  # it would go to stdout
ask = lambda sql: db.execute(sql, [file]).fetchall()
count, distinct, unclassified = ask(
    "SELECT count(*), count(DISTINCT (db, key)), count(*) FILTER (template IS NULL) FROM read_parquet(?)")[0]
complete = ask("SELECT decode(value) FROM parquet_kv_metadata(?) WHERE decode(key) = 'kvtool.complete'")[0][0]
print(json.dumps({"duckdb": duckdb.__version__, "count": count, "distinct": distinct, "unclassified": unclassified, "complete": complete}))
for row in ask("SELECT db, key, type, encoding, bytes, epoch_ms(expire_at) FROM read_parquet(?) "
               f"USING SAMPLE reservoir({sample} ROWS) REPEATABLE (1)"):
    print(json.dumps(dict(zip(("db", "key", "type", "encoding", "bytes", "expire"), row))))
`

// A file is what DuckDB read.
type file struct {
	DuckDB       string
	Count        int64
	Distinct     int64
	Unclassified int64
	Complete     string

	bytes int64
	rows  []row
}

// A row is one of the sample.
type row struct {
	DB       int
	Key      string
	Type     string
	Encoding string
	Bytes    int64
	Expire   *int64 // milliseconds since 1970; nil for a persistent key
}

func read(ctx context.Context, o options, path string) (*file, error) {
	say("reading it back with DuckDB")
	st, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, o.python, "-c", query, path, strconv.Itoa(o.sample))
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %s\nit needs DuckDB: python3 -m pip install duckdb", o.python, err, said.Bytes())
	}
	f := &file{bytes: st.Size()}
	in := json.NewDecoder(bytes.NewReader(out))
	if err := in.Decode(f); err != nil {
		return nil, err
	}
	for in.More() {
		var r row
		if err := in.Decode(&r); err != nil {
			return nil, err
		}
		r.Key = unescape(r.Key)
		f.rows = append(f.rows, r)
	}
	return f, nil
}

// unescape undoes the escapes of a key, as docs/export.md states them.
func unescape(s string) string {
	var b []byte
	for i := 0; i < len(s); i++ {
		if len(s) >= i+4 && s[i:i+2] == `\x` {
			if n, err := strconv.ParseUint(s[i+2:i+4], 16, 8); err == nil {
				b = append(b, byte(n))
				i += 3
				continue
			}
		}
		b = append(b, s[i])
	}
	return string(b)
}

// sound holds the file as a whole to what an export of a server at rest is.
func (f *file) sound() error {
	var errs []error
	if f.Complete != "true" {
		errs = append(errs, errors.New("the file does not say that it is complete"))
	}
	if f.Distinct != f.Count {
		errs = append(errs, fmt.Errorf("%d of %d keys are there more than once", f.Count-f.Distinct, f.Count))
	}
	if f.Unclassified > 0 {
		errs = append(errs, fmt.Errorf("%d keys have no template", f.Unclassified))
	}
	return errors.Join(errs...)
}
