package ddbexport

import (
	"bufio"
	"bytes"
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/kvtool/kvtool/kv"
)

// A manifest is manifest-summary.json; the zero value is that of an export without one. See "DynamoDB table export output format"
// in the developer guide.
type manifest struct {
	path string

	TableARN     string    `json:"tableArn"`
	ExportTime   time.Time `json:"exportTime"`
	ItemCount    int64     `json:"itemCount"`
	BilledSize   int64     `json:"billedSizeBytes"`
	OutputFormat string    `json:"outputFormat"`
	ExportType   string    `json:"exportType"` // only of incremental exports
	From         time.Time `json:"exportFromTime"`
	To           time.Time `json:"exportToTime"`
}

func (m *manifest) incremental() bool { return m.ExportType == "INCREMENTAL_EXPORT" }

// at returns the time of the contents; zero if the manifest does not say.
func (m *manifest) at() time.Time {
	if m.incremental() {
		return m.To
	}
	return m.ExportTime
}

// table returns the name in arn:aws:dynamodb:REGION:ACCOUNT:table/NAME.
func (m *manifest) table() string {
	_, name, _ := strings.Cut(m.TableARN, ":table/")
	name, _, _ = strings.Cut(name, "/")
	return name
}

// A listed is a line of manifest-files.json.
type listed struct {
	ItemCount int64  `json:"itemCount"`
	MD5       string `json:"md5Checksum"`
	Key       string `json:"dataFileS3Key"`
}

// find finds the export in dir: dir itself, AWSDynamoDB in it, or the only export in there; or data files without a manifest.
func (s *store) find(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return short(err)
		}
		return kv.WithHint(kv.Usagef("%w", short(err)), "an export is a directory: ddb-export:DIR")
	}
	if has(entries, summaryName) {
		return s.read(dir)
	}
	if has(entries, rootName) {
		return s.find(filepath.Join(dir, rootName))
	}
	var exports []string
	for _, e := range entries {
		if _, err := os.Stat(filepath.Join(dir, e.Name(), summaryName)); err == nil {
			exports = append(exports, e.Name())
		}
	}
	switch len(exports) {
	case 0:
		return s.bare(dir, entries)
	case 1:
		return s.read(filepath.Join(dir, exports[0]))
	}
	slices.Sort(exports)
	return kv.WithHint(kv.Usagef("%s holds %d exports", dir, len(exports)), "name one: ddb-export:"+filepath.Join(dir, exports[len(exports)-1]))
}

func has(entries []fs.DirEntry, name string) bool {
	return slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() == name })
}

// bare takes the data files of a directory that has no manifest, or of data in it.
func (s *store) bare(dir string, entries []fs.DirEntry) error {
	if !slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return isData(e.Name()) }) && has(entries, dataName) {
		dir = filepath.Join(dir, dataName)
		var err error
		if entries, err = os.ReadDir(dir); err != nil {
			return short(err)
		}
	}
	for _, e := range entries {
		if isData(e.Name()) {
			s.add(filepath.Join(dir, e.Name()), -1, "")
		}
	}
	if len(s.files) == 0 {
		return kv.WithHint(kv.Usagef("%s is no export of DynamoDB", dir), "it would hold "+summaryName+", or files that end with .json.gz or .ion.gz")
	}
	return nil
}

func (s *store) add(path string, items int64, md5 string) {
	f := &file{path: path, items: items, md5: md5, name: filepath.Base(path)}
	for _, suffix := range dataSuffixes {
		f.name = strings.TrimSuffix(f.name, suffix)
	}
	f.stat()
	s.ion = s.ion || strings.HasSuffix(path, ".ion.gz")
	s.files = append(s.files, f)
}

// read reads the manifests in dir.
func (s *store) read(dir string) error {
	m := &s.manifest
	m.path = filepath.Join(dir, summaryName)
	b, err := s.verified(m.path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, m); err != nil {
		return kv.Corruptf("%s: %w", m.path, err)
	}
	s.ion = m.OutputFormat == "ION"
	list := filepath.Join(dir, filesName)
	if b, err = s.verified(list); err != nil {
		return err
	}
	lines := bufio.NewScanner(bytes.NewReader(b))
	lines.Buffer(nil, 1<<20)
	for n := 1; lines.Scan(); n++ {
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		var l listed
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil || l.Key == "" {
			return kv.Corruptf("%s: line %d names no file", list, n)
		}
		s.add(locate(dir, l.Key), l.ItemCount, l.MD5)
	}
	if err := lines.Err(); err != nil {
		return kv.Corruptf("%s: %w", list, err)
	}
	return nil
}

// locate returns where a file of the bucket is: in data beside the manifest, or of an incremental export one directory above.
func locate(dir, key string) string {
	name := path.Base(key)
	beside := filepath.Join(dir, dataName, name)
	for _, p := range []string{beside, filepath.Join(filepath.Dir(dir), dataName, name)} {
		if _, err := os.Stat(p); err == nil {
			return p
		}
	}
	return beside
}

// verified reads a manifest and holds it against its checksum, if that is there.
func (s *store) verified(name string) ([]byte, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, short(err)
	}
	base := strings.TrimSuffix(name, ".json")
	for _, suffix := range []string{".md5", ".checksum"} {
		sum, err := os.ReadFile(base + suffix)
		if err != nil || !s.checksum {
			continue
		}
		if got := md5.Sum(b); !sameMD5(string(bytes.TrimSpace(sum)), got[:]) {
			return nil, mismatch(name, filepath.Base(base)+suffix, string(bytes.TrimSpace(sum)), got[:])
		}
	}
	return b, nil
}

// sameMD5 compares a checksum as it is written, in Base64 or in hexadecimal digits.
func sameMD5(written string, sum []byte) bool {
	return written == base64.StdEncoding.EncodeToString(sum) || strings.EqualFold(written, hex.EncodeToString(sum))
}

func mismatch(name, by, want string, got []byte) error {
	return kv.WithHint(
		kv.Corruptf("%s: its MD5 is %s, by %s it was %s", name, base64.StdEncoding.EncodeToString(got), by, want),
		"copy it from the bucket again, or read it as it is: ?checksum=off")
}
