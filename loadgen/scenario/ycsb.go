package scenario

import (
	"bytes"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kvtool/kvtool/internal/spell"
	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/kv"
)

// Properties of YCSB's core workload, as its wiki and CoreWorkload.java (0.17.0) describe them.

// IsProperties reports whether a file is one of YCSB's: by its name, or because it says how many records there are as these do.
func IsProperties(name string, data []byte) bool {
	if ext := filepath.Ext(name); ext != "" {
		return ext == ".properties"
	}
	for line := range bytes.Lines(data) {
		if name, _ := cutProperty(strings.TrimSpace(string(line))); name == "recordcount" {
			return true
		}
	}
	return false
}

// FromProperties makes a scenario of a property file of YCSB: the text of a file that Parse reads. The error is one of usage, and
// names every property that is not known.
func FromProperties(file string, data []byte) ([]byte, error) {
	all, err := parseProperties(file, data)
	if err != nil {
		return nil, err
	}
	y := newYCSB(file)
	if err := y.read(all); err != nil {
		return nil, err
	}
	d, err := y.draft()
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := d.Write(&b); err != nil {
		return nil, kv.Usagef("%s: %w", file, err)
	}
	return b.Bytes(), nil
}

// A ycsb is a core workload. Its fields have the defaults of CoreWorkload.
type ycsb struct {
	file    string
	lines   map[string]int
	ignored []string

	records, operations, threads                int64
	fields, length, scanLeast, scanMost, maxRun int64
	read_, update, scan, insert, modify, target float64
	hotKeys, hotShare, expShare, expWithin      float64
	readAll, writeAll                           bool
	request, order, lengths, scans              string
	table, prefix, workload                     string
}

func newYCSB(file string) *ycsb {
	y := &ycsb{
		file: file, lines: map[string]int{}, fields: 10, length: 100, scanLeast: 1, scanMost: 1000, read_: 0.95, update: 0.05,
		hotKeys: 0.2, hotShare: 0.8, expShare: 95, expWithin: 0.8571428571428571, readAll: true, request: "uniform", order: "hashed",
		lengths: "constant", scans: "uniform", table: "usertable", prefix: "field", workload: "CoreWorkload",
	}
	return y
}

// A reader reads the value of a property.
type reader func(value string) error

func (y *ycsb) readers() map[string]reader {
	count := func(p *int64, least, most int64) reader {
		return func(v string) (err error) {
			if *p, err = strconv.ParseInt(v, 10, 64); err != nil || *p < least || *p > most {
				return fmt.Errorf("want a whole number from %d to %d", least, most)
			}
			return nil
		}
	}
	real := func(p *float64, least, most float64) reader {
		return func(v string) (err error) {
			if *p, err = strconv.ParseFloat(v, 64); err != nil || !(*p >= least && *p <= most) {
				return fmt.Errorf("want a number from %g to %g", least, most)
			}
			return nil
		}
	}
	yes := func(p *bool) reader {
		return func(v string) error {
			*p = strings.EqualFold(v, "true") // as Boolean.parseBoolean does
			return nil
		}
	}
	word := func(p *string, known ...string) reader {
		return func(v string) error {
			if *p = v; !slices.Contains(known, v) {
				return fmt.Errorf("%q: want one of %s%s", v, strings.Join(known, ", "), meant(v, known))
			}
			return nil
		}
	}
	name := func(p *string) reader {
		return func(v string) error {
			if *p = v; v == "" || strings.ContainsAny(v, "{}@\n\r\t ") || len(v) > 100 {
				return fmt.Errorf("want a name without blanks and braces")
			}
			return nil
		}
	}
	return map[string]reader{
		"workload": func(v string) error {
			if y.workload = v[strings.LastIndexByte(v, '.')+1:]; y.workload != "CoreWorkload" {
				return fmt.Errorf("%s: only the core workload is read", v)
			}
			return nil
		},
		"recordcount": count(&y.records, 1, 1<<40), "operationcount": count(&y.operations, 0, 1<<50), "threadcount": count(&y.threads, 1, 100_000),
		"fieldcount": count(&y.fields, 1, 1000), "fieldlength": count(&y.length, 1, 64<<10),
		"minscanlength": count(&y.scanLeast, 1, 1_000_000), "maxscanlength": count(&y.scanMost, 1, 1_000_000),
		"maxexecutiontime": count(&y.maxRun, 0, 1<<30),
		"readproportion":   real(&y.read_, 0, 1), "updateproportion": real(&y.update, 0, 1), "scanproportion": real(&y.scan, 0, 1),
		"insertproportion": real(&y.insert, 0, 1), "readmodifywriteproportion": real(&y.modify, 0, 1), "target": real(&y.target, 0, 1e8),
		"hotspotdatafraction": real(&y.hotKeys, 0, 1), "hotspotopnfraction": real(&y.hotShare, 0, 1),
		"exponential.percentile": real(&y.expShare, 0.001, 99.999), "exponential.frac": real(&y.expWithin, 1e-6, 0.999999),
		"readallfields": yes(&y.readAll), "writeallfields": yes(&y.writeAll),
		"requestdistribution":     word(&y.request, "uniform", "zipfian", "latest", "hotspot", "sequential", "exponential"),
		"insertorder":             word(&y.order, "hashed", "ordered"),
		"fieldlengthdistribution": word(&y.lengths, "constant"),
		"scanlengthdistribution":  word(&y.scans, "uniform", "zipfian"),
		"table":                   name(&y.table), "fieldnameprefix": name(&y.prefix),
	}
}

// beside are properties that change nothing of the load: how YCSB measures, prints and connects. Bindings have names of their own
// with a dot in them.
func beside(name string) bool {
	switch name {
	case "measurementtype", "exporter", "exportfile", "db", "insertstart", "insertcount", "dotransactions", "zeropadding", "insertretrylimit",
		"readallfieldsbyname", "mongodb", "label", "status", "threads":
		return true
	}
	return strings.ContainsRune(name, '.')
}

func (y *ycsb) read(all []property) error {
	readers := y.readers()
	var known, unknown []string
	for name := range readers {
		known = append(known, name)
	}
	slices.Sort(known)
	for _, p := range all {
		y.lines[p.name] = p.line
		read, ok := readers[p.name]
		switch {
		case ok:
			if err := read(p.value); err != nil {
				return kv.Usagef("%s:%d: %s: %w", y.file, p.line, p.name, err)
			}
		case beside(p.name):
			y.ignored = append(y.ignored, p.name)
		default:
			text := fmt.Sprintf("%s:%d: unknown property %q", y.file, p.line, p.name)
			if n := spell.Nearest(p.name, known); n != "" {
				text += ", did you mean " + n + "?"
			}
			unknown = append(unknown, text)
		}
	}
	if len(unknown) > 0 {
		return kv.WithHint(kv.Usagef("%s", strings.Join(unknown, "\n")), "known are "+strings.Join(known, ", "))
	}
	return y.check()
}

// check holds properties against each other.
func (y *ycsb) check() error {
	sum := y.read_ + y.update + y.scan + y.insert + y.modify
	switch {
	case y.records == 0:
		return kv.Usagef("%s: has no recordcount", y.file)
	case sum <= 0:
		return kv.Usagef("%s: all proportions are 0", y.file)
	case y.scanLeast > y.scanMost:
		return kv.Usagef("%s:%d: minscanlength is more than maxscanlength", y.file, y.lines["minscanlength"])
	case y.scans == "zipfian" && len(y.lengthsOfScans()) > schema.MaxKey-10:
		return kv.Usagef("%s:%d: scanlengthdistribution=zipfian with maxscanlength=%d: want at most 1000", y.file, y.lines["maxscanlength"], y.scanMost)
	case y.request == "hotspot" && y.hotKeys == 0:
		return kv.Usagef("%s:%d: hotspotdatafraction=0: no keys are hot", y.file, y.lines["hotspotdatafraction"])
	case y.fields*y.length > 16<<20:
		return kv.Usagef("%s: fieldcount × fieldlength is more than 16 MiB", y.file)
	}
	return nil
}

// dist is the distribution of requests. Zipf's exponent is YCSB's constant, .99.
func (y *ycsb) dist() schema.Dist {
	const exponent = 0.99
	switch y.request {
	case "zipfian":
		return schema.Dist{Kind: schema.Zipf, A: exponent}
	case "latest":
		return schema.Dist{Kind: schema.Latest, A: exponent}
	case "hotspot":
		return schema.Dist{Kind: schema.Hot, Share: y.hotShare, Keys: max(1, int64(math.Round(y.hotKeys*float64(y.records))))}
	case "sequential":
		return schema.Dist{Kind: schema.Sequential}
	case "exponential":
		return schema.Dist{Kind: schema.Exponential, Share: y.expShare / 100, Within: y.expWithin}
	}
	return schema.Dist{}
}

// The names in the scenarios that are made of YCSB's.
const (
	recordTemplate = "record"
	indexTemplate  = "index"
)

func (y *ycsb) draft() (*Draft, error) {
	d := &Draft{
		Name: fieldName(strings.TrimSuffix(filepath.Base(y.file), ".properties")), About: "YCSB core workload of " + filepath.Base(y.file),
		Comments: y.comments(), Conns: int(y.threads), Schema: y.schema(),
	}
	names := make([]string, y.fields)
	for i := range names {
		names[i] = y.prefix + strconv.Itoa(i)
	}
	column := "{" + schema.Type{Kind: schema.TypeEnum, Values: names}.String() + "}"
	record := "@" + recordTemplate
	read, write := []string{"HGETALL", record}, []string{"HSET", record, column, "{text}"}
	if !y.readAll {
		read = []string{"HGET", record, column}
	}
	if y.writeAll {
		write = []string{"HSET", record, record + ".fields"}
	}
	insert := DraftStep{Cmds: [][]string{{"HSET", record, record + ".fields"}}}
	if y.scan > 0 {
		insert.Cmds = append(insert.Cmds, []string{"ZADD", "@" + indexTemplate, "0", "@" + indexTemplate + ".member"})
	}
	for _, op := range []DraftOp{
		{Name: "read", Weight: y.read_, Steps: []DraftStep{{Cmds: [][]string{read}}}},
		{Name: "update", Weight: y.update, Steps: []DraftStep{{Cmds: [][]string{write}}}},
		{Name: "insert", Weight: y.insert, Insert: true, Steps: []DraftStep{insert}},
		{Name: "scan", Weight: y.scan, Steps: []DraftStep{
			{Cmds: [][]string{{"ZRANGEBYLEX", "@" + indexTemplate, "[" + y.member(), "+", "LIMIT", "0", y.scanLength()}}},
			{Cmds: [][]string{{"HGETALL", record}}},
		}},
		{Name: "read_modify_write", Weight: y.modify, Steps: []DraftStep{{Cmds: [][]string{read}}, {Cmds: [][]string{write}}}},
	} {
		if op.Weight > 0 {
			d.Ops = append(d.Ops, op)
		}
	}
	rate, length := float64(usualRate), 30*time.Second
	if y.target > 0 {
		rate = y.target
		if seconds := float64(y.operations) / rate; y.operations > 0 && seconds < longest.Seconds() {
			length = max(time.Second, time.Duration(seconds*float64(time.Second)).Round(time.Millisecond))
		}
	}
	if y.maxRun > 0 {
		length = min(length, time.Duration(y.maxRun)*time.Second)
	}
	d.AddPhases(rate, min(length, longest), true)
	if text := y.lengthsOfScans(); y.scan > 0 && y.scans == "zipfian" {
		t, err := schema.ParseType(text)
		if err != nil {
			return nil, kv.Usagef("%s: %w", y.file, err)
		}
		d.Schema.Fields = append(d.Schema.Fields, schema.Field{
			Name: "length", Type: t, Cardinality: y.scanMost - y.scanLeast + 1, Dist: schema.Dist{Kind: schema.Latest, A: 0.99},
		})
	}
	return d, nil
}

// schema is that of records, and of an index of them if there are scans.
func (y *ycsb) schema() *schema.Schema {
	user := schema.Field{Name: "user", Type: schema.Type{Kind: schema.TypeInt}, Cardinality: y.records, Dist: y.dist()}
	if y.order == "hashed" {
		user.Type = schema.Type{Kind: schema.TypeHex, N: 16}
	}
	text := schema.Field{Name: "text", Type: schema.Type{Kind: schema.TypeOpaque, N: y.length}}
	s := &schema.Schema{Fields: []schema.Field{user, text}}
	record := schema.Template{
		Name: recordTemplate, Key: schema.Key{{Literal: y.table + ":user"}, {Field: "user", Shared: true, Type: &s.Fields[0].Type}},
		Type: "hash", TTL: schema.TTL{Policy: schema.TTLFixed, Value: 24 * time.Hour},
	}
	for i := range y.fields {
		record.Value.Fields = append(record.Value.Fields, schema.ValueField{Name: y.prefix + strconv.FormatInt(i, 10), Field: "text", Type: text.Type})
	}
	s.Templates = []schema.Template{record}
	if y.scan > 0 {
		member := schema.Key{{Literal: "user"}, {Field: "user", Shared: true, Type: &s.Fields[0].Type}}
		s.Templates = append(s.Templates, schema.Template{
			Name: indexTemplate, Kind: schema.Index, Type: "zset", Key: schema.Key{{Literal: y.table + "_index"}},
			Value: schema.Value{Members: member}, TTL: schema.TTL{Policy: schema.TTLFixed, Value: 24 * time.Hour},
		})
	}
	return s
}

func (y *ycsb) member() string { return "user{user}" }

// scanLength is how many records a scan reads. With Zipf's law the short ones are the popular ones, which is `latest` of the lengths
// from long to short.
func (y *ycsb) scanLength() string {
	switch {
	case y.scanLeast == y.scanMost:
		return strconv.FormatInt(y.scanMost, 10)
	case y.scans == "zipfian":
		return "{length}"
	}
	return fmt.Sprintf("{uint(%d,%d)}", y.scanLeast, y.scanMost)
}

func (y *ycsb) lengthsOfScans() string {
	if y.scanMost-y.scanLeast > 10_000 {
		return strings.Repeat("9,", schema.MaxKey) // too long
	}
	var values []string
	for n := y.scanMost; n >= y.scanLeast; n-- {
		values = append(values, strconv.FormatInt(n, 10))
	}
	return "enum[" + strings.Join(values, ",") + "]"
}

func (y *ycsb) comments() []string {
	out := []string{"made of " + filepath.Base(y.file) + ", a property file of YCSB"}
	if len(y.ignored) > 0 {
		out = append(out, "not of the load, and left out: "+strings.Join(y.ignored, ", "))
	}
	if y.operations > 0 && y.target == 0 {
		conns := max(y.threads, 1)
		out = append(out, fmt.Sprintf("as fast as it goes, as YCSB does it: load run --concurrency %d --requests %d", conns, y.operations))
	}
	return out
}
