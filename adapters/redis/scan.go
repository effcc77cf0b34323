package redis

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kvtool/kvtool/internal/resp"
	"github.com/kvtool/kvtool/kv"
)

// countMost is the COUNT of SCAN: how many keys the server looks at in one go, in which it serves nobody else. Measured with
// a million keys (Redis 7.0, loopback): 10, the default, costs the client five times the CPU; at 200 to 500 a bystander's
// p99 is about 1 ms; 1,000 is no faster and doubles it; 10,000 stalls the others for 34 ms.
const countMost = 500

// pageBytes is about how many bytes of names one page should have. Where names are very long, COUNT falls below countMost.
const pageBytes = 1 << 20

// chunkBytes is how much is written before answers are read. An ordinary page is one chunk; names of a megabyte go one by
// one, so that neither side has to hold a page of them as requests.
const chunkBytes = 256 << 10

// Scan reads the keyspace over a connection of its own.
func (s *store) Scan(ctx context.Context, opt kv.ScanOptions) iter.Seq2[*kv.Record, error] {
	return func(yield func(*kv.Record, error) bool) {
		err := s.scan(ctx, opt, func(r *kv.Record) bool { return yield(r, nil) })
		if err != nil && !errors.Is(err, errEnough) {
			yield(nil, s.scanError(ctx, err))
		}
	}
}

// errEnough says that the consumer wants no more.
var errEnough = errors.New("enough")

// scanError words what ended a scan.
func (s *store) scanError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	switch {
	case isClosed(err):
		err = kv.WithHint(errors.New("the server closed the connection: it has stopped, or somebody has ended it (CLIENT KILL)"),
			"the keys read so far stand; start again when the server is up")
	case errors.Is(err, resp.ErrProtocol): // it has spoken the protocol so far
	default:
		err = s.cfg.explain(ctx, err)
	}
	return fmt.Errorf("scanning %s: %w", s.cfg.target, err)
}

func (s *store) scan(ctx context.Context, opt kv.ScanOptions, yield func(*kv.Record) bool) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	a, err := s.abilities(ctx)
	if err != nil {
		return err
	}
	if a.scan != "" {
		return serverError(a.scan)
	}
	dbs, err := s.databases(ctx)
	if err != nil {
		return err
	}
	filter := ""
	if opt.Match != "" && !pushable(opt.Match) {
		filter, opt.Match = opt.Match, ""
	}
	sc := scan{ctx: ctx, opt: opt, filter: filter, abilities: a, yield: yield, count: countMost, words: map[string]string{}}
	if err := sc.prepare(); err != nil {
		return err
	}
	if sc.link, err = s.cfg.link(ctx, sc.asks[attrStrlen]); err != nil {
		return err
	}
	defer sc.link.conn.Close()
	stop := context.AfterFunc(ctx, func() { sc.link.conn.Close() })
	defer stop()
	defer s.learn(&sc.learned)
	for _, db := range dbs {
		if err := sc.database(db); err != nil {
			return err
		}
	}
	return nil
}

// pushable reports whether the server matches a glob as kvtool does. In a range, [a-z], it compares characters of C, which
// are signed on one machine and unsigned on another: [\x00-\xff] is every byte here and none of ASCII there.
func pushable(glob string) bool {
	return !strings.Contains(glob, "[") || strings.IndexFunc(glob, func(r rune) bool { return r >= 0x80 }) < 0
}

// databases returns the numbers of the databases to read.
func (s *store) databases(ctx context.Context) ([]int, error) {
	if s.cfg.db >= 0 {
		return []int{s.cfg.db}, nil
	}
	now, err := s.serverInfo(ctx)
	if err != nil {
		return nil, err
	}
	if !now.lists {
		return []int{0}, nil
	}
	var dbs []int
	for _, db := range now.databases() {
		dbs = append(dbs, db.number)
	}
	return dbs, nil
}

// A scan is one reading of a server, over one connection.
type scan struct {
	ctx       context.Context // of the call that this scan is
	opt       kv.ScanOptions
	filter    string // a glob that is not the server's to match
	abilities *abilities
	yield     func(*kv.Record) bool
	link      *link

	asks    [numAttrs]bool
	each    []resp.Command // for each key, in the order of asks
	selectC resp.Command
	scanC   resp.Command

	db, selected int
	cursor       string
	count        int
	keys         []string // this page
	next         []string // the page after
	record       kv.Record
	strlen       int64             // of the record, or -1
	now          time.Time         // when the answers to this chunk came
	words        map[string]string // names of encodings and types, one string each

	learned learned
}

// prepare encodes the commands that this scan needs.
func (sc *scan) prepare() (err error) {
	mode := resp.ReadOnly
	for x := range numAttrs {
		sc.asks[x] = sc.opt.Want&attrs[x].field != 0 && sc.abilities.has(x)
	}
	if sc.opt.Want&kv.FieldSize != 0 && sc.abilities.model != nil {
		mode = resp.NoTouch
		for _, x := range []attr{attrType, attrEncoding, attrStrlen} {
			sc.asks[x] = sc.abilities.has(x)
		}
	}
	for x, asked := range sc.asks {
		if !asked {
			continue
		}
		c, err := mode.Command(1, attrs[x].words...)
		if err != nil {
			return err
		}
		sc.each = append(sc.each, c)
	}
	if sc.selectC, err = mode.Command(1, "SELECT"); err != nil {
		return err
	}
	args := 3 // cursor, COUNT, number
	if sc.opt.Match != "" {
		args += 2
	}
	sc.scanC, err = mode.Command(args, "SCAN")
	return err
}

// database scans one logical database.
func (sc *scan) database(db int) error {
	sc.db = db
	if err := sc.first(); err != nil {
		return err
	}
	for {
		charge := len(sc.keys)
		if sc.opt.Match != "" || sc.filter != "" {
			charge = sc.count // looked at, whether they match or not
		}
		if err := sc.opt.Limiter.Wait(sc.ctx, charge); err != nil {
			return err
		}
		last := sc.cursor == "0"
		if err := sc.page(last); err != nil || last {
			return err
		}
		sc.keys, sc.next = sc.next, sc.keys[:0]
	}
}

// first selects the database and fetches the first page of names.
func (sc *scan) first() error {
	out := &sc.link.out
	if sc.db != sc.selected {
		out.Add(sc.selectC, strconv.Itoa(sc.db))
		sc.selected = sc.db
	}
	selects := out.Len()
	sc.cursor = "0"
	sc.addScan()
	if err := out.Send(sc.link); err != nil {
		return err
	}
	for range selects {
		rep, err := sc.link.in.Next()
		if err != nil {
			return err
		}
		if rep.Kind == resp.Error {
			return serverError(rep.Data)
		}
	}
	err := sc.readNames()
	sc.keys, sc.next = sc.next, sc.keys[:0]
	return err
}

// page asks for the attributes of sc.keys, and ahead of them for the page after, unless this is the last.
func (sc *scan) page(last bool) error {
	if !last {
		sc.addScan()
	}
	sent := sc.addKeys(sc.keys)
	if err := sc.send(); err != nil {
		return err
	}
	if !last {
		if err := sc.readNames(); err != nil {
			return err
		}
	}
	for rest := sc.keys; ; {
		if err := sc.readKeys(rest[:sent]); err != nil {
			return err
		}
		if rest = rest[sent:]; len(rest) == 0 {
			return nil
		}
		sent = sc.addKeys(rest)
		if err := sc.send(); err != nil {
			return err
		}
	}
}

func (sc *scan) send() error {
	if sc.link.out.Len() == 0 {
		return nil
	}
	return sc.link.out.Send(sc.link)
}

func (sc *scan) addScan() {
	count := strconv.Itoa(sc.count)
	if sc.opt.Match != "" {
		sc.link.out.Add(sc.scanC, sc.cursor, "MATCH", sc.opt.Match, "COUNT", count)
		return
	}
	sc.link.out.Add(sc.scanC, sc.cursor, "COUNT", count)
}

// addKeys adds the commands for as many of keys as make a chunk, at least one, and returns how many.
func (sc *scan) addKeys(keys []string) int {
	for i, key := range keys {
		sc.link.out.AddEach(sc.each, key)
		if sc.link.out.Size() > chunkBytes {
			return i + 1
		}
	}
	return len(keys)
}

// readNames reads the answer to SCAN into sc.next and sc.cursor.
func (sc *scan) readNames() error {
	in := sc.link.in
	rep, err := in.Next()
	switch {
	case err != nil:
		return err
	case rep.Kind == resp.Error:
		return serverError(rep.Data)
	case rep.Kind != resp.Array || rep.N != 2:
		return fmt.Errorf("%w: SCAN was answered otherwise", resp.ErrProtocol)
	}
	if rep, err = in.Next(); err != nil {
		return unexpected(err)
	}
	if before := sc.cursor; before != "0" && before == string(rep.Data) {
		return fmt.Errorf("SCAN does not get on from cursor %.40q", before)
	}
	sc.cursor = string(rep.Data)
	if rep, err = in.Next(); err != nil {
		return unexpected(err)
	}
	if sc.cursor == "" || rep.Kind != resp.Array {
		return fmt.Errorf("%w: SCAN was answered otherwise", resp.ErrProtocol)
	}
	return sc.names(int(rep.N))
}

// names reads the names of n keys. Each is the one allocation of its record.
func (sc *scan) names(n int) error {
	sc.next = slices.Grow(sc.next[:0], min(n, 2*countMost))
	bytes := 0
	for range n {
		rep, err := sc.link.in.Next()
		if err != nil {
			return unexpected(err)
		}
		if rep.Kind != resp.Bulk {
			return fmt.Errorf("%w: a name that is no string", resp.ErrProtocol)
		}
		bytes += len(rep.Data)
		if key := string(rep.Data); sc.filter == "" || kv.MatchGlob(sc.filter, key) {
			sc.next = append(sc.next, key)
		}
	}
	if n > 0 {
		sc.count = max(1, min(countMost, pageBytes/(bytes/n+1)))
	}
	return nil
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
