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

	"github.com/kvtool/kvtool/internal/memory"
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
	return s.scanKeys(ctx, opt, portion{}, yield)
}

// A portion says which keys of a server a scan reads.
type portion struct {
	keep   func(db int, key string) bool // nil: all. It is asked once for each name, in order
	asking bool                          // they are in slots that the server is being given: it answers after ASKING alone
}

// scanKeys is scan of a portion.
func (s *store) scanKeys(ctx context.Context, opt kv.ScanOptions, of portion, yield func(*kv.Record) bool) error {
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
	now, err := s.serverInfo(ctx)
	if err != nil {
		return err
	}
	from, err := s.begin(now, opt.Shard.From)
	if err != nil {
		return err
	}
	if of.keep == nil && now.clustered() {
		yield = s.placing(opt.Want, yield)
	}
	filter := ""
	if opt.Match != "" && !pushable(opt.Match) {
		filter, opt.Match = opt.Match, ""
	}
	sc := scan{ctx: ctx, opt: opt, filter: filter, portion: of, abilities: a, sizes: s.sizes(), yield: yield, place: from, governor: s.governor, words: map[string]string{}}
	if err := sc.prepare(); err != nil {
		return err
	}
	if err := sc.start(opt.Shard.From != nil); err != nil {
		return err
	}
	if sc.link, err = s.cfg.link(ctx, sc.quiet); err != nil {
		return err
	}
	defer sc.link.conn.Close()
	defer sc.governor.enter()()
	sc.count = sc.governor.count()
	stop := context.AfterFunc(ctx, sc.link.hurry)
	defer stop()
	defer func() {
		sc.learned.sent = sc.sent()
		s.learn(&sc.learned)
	}()
	return sc.databases(s.databases(now))
}

// pushable reports whether the server matches a glob as kvtool does. In a range, [a-z], it compares characters of C, which
// are signed on one machine and unsigned on another: [\x00-\xff] is every byte here and none of ASCII there.
func pushable(glob string) bool {
	return !strings.Contains(glob, "[") || strings.IndexFunc(glob, func(r rune) bool { return r >= 0x80 }) < 0
}

// databases returns the numbers of the databases to read, in ascending order.
func (s *store) databases(now serverInfo) []int {
	if s.cfg.db >= 0 {
		return []int{s.cfg.db}
	}
	if !now.lists {
		return []int{0}
	}
	var dbs []int
	for _, db := range now.databases() {
		dbs = append(dbs, db.number)
	}
	return dbs
}

// A scan is one reading of a server, over one connection.
type scan struct {
	ctx       context.Context // of the call that this scan is
	opt       kv.ScanOptions
	filter    string // a glob that is not the server's to match
	portion   portion
	abilities *abilities
	sizes     *memory.Model // of this server, if Info has found it out
	yield     func(*kv.Record) bool
	link      *link
	governor  *governor

	quiet   bool // the connection must not touch what it asks about
	lengths bool // are asked; records are held until they are in
	plans   []plan
	passes  []string // over each database: the types whose keys are read, or one empty one
	of      string   // the pass that is being made
	selectC resp.Command
	scanC   resp.Command
	askingC resp.Command
	lengthC [numAttrs]resp.Command // of the attributes that tell a length

	place    place // where a scan goes on that continues this one
	selected int
	count    int
	due      *batch // its answers are in, and its lengths have not been asked for
	waiting  int    // pages whose answers are in, and whose lengths are not
	spare    *batch // one that is done with, for its memory
	record   kv.Record
	strlen   int64             // of the record, or -1
	moved    bool              // the record's key is on another node by now
	now      time.Time         // when the answers to this chunk came
	words    map[string]string // names of encodings and types, one string each

	pages        int64 // that were asked for
	lengthsAsked [numAttrs]int64
	learned      learned
}

// A batch is a page of names, as one SCAN returned it.
type batch struct {
	keys   []string
	plans  []uint8 // of each key, an index into scan.plans; nil where all have the first
	cursor string  // of the page after; "0": there is none
	sent   int     // so many keys have been asked about

	held   []held // the records from the first on that waits for its length
	asked  int    // so many of them have been asked for it
	behind *batch // the page whose lengths were asked for in one write with these keys, ahead of them
}

// prepare encodes the commands that this scan needs whatever it asks of each key.
func (sc *scan) prepare() (err error) {
	if err = sc.prepareLengths(); err != nil {
		return err
	}
	if _, err = sc.plan(sc.opt.Want, true); err != nil {
		return err
	}
	sc.quiet = sc.lengths || slices.Contains(sc.plans[0].attrs, attrStrlen)
	if sc.selectC, err = resp.ReadOnly.Command(1, "SELECT"); err != nil {
		return err
	}
	if sc.askingC, err = resp.ReadOnly.Command(0, "ASKING"); err != nil {
		return err
	}
	sc.passes = sc.abilities.passes(sc.opt.Want)
	args := 3 // cursor, COUNT, number
	if len(sc.passes) > 1 {
		args += 2
	}
	if sc.opt.Match != "" {
		args += 2
	}
	sc.scanC, err = resp.ReadOnly.Command(args, "SCAN")
	return err
}

// database scans one logical database, or the keys of one type in it, from sc.place on. The names of a page are there before the answers for the one
// before it are read, and so are the questions about them on their way: the server goes on while records are consumed. Under
// a limit, or where the server is to be left alone between pages, it waits instead: what has been read should be yielded before the
// time is spent.
func (sc *scan) database() error {
	this, err := sc.first()
	for ; err == nil; this, err = sc.turn(this) {
		if this == nil {
			return nil
		}
	}
	return err
}

// turn reads what has been asked about a page, and returns the page after, about which it has asked; nil after the last.
func (sc *scan) turn(this *batch) (*batch, error) {
	var next *batch
	var err error
	if this.cursor != "0" {
		if next, err = sc.readNames(this.cursor); err != nil {
			return nil, err
		}
	}
	ahead := next != nil && sc.opt.Limiter == nil && !sc.governor.pauses() && this.sent == len(this.keys)
	if ahead {
		if err := sc.ask(next); err != nil {
			return nil, err
		}
	}
	if err := sc.readBehind(this); err != nil {
		return nil, err
	}
	if err := sc.answers(this); err != nil {
		return nil, err
	}
	if err := sc.settle(this, ahead); err != nil {
		return nil, err
	}
	if next != nil && !ahead {
		err = sc.ask(next)
	}
	return next, err
}

// done is told of a page whose records have been yielded. It returns an error if the scan is to stop there.
func (sc *scan) done(p *batch) error {
	sc.mark(p)
	sc.spare = p
	return sc.ctx.Err()
}

// mark tells how far the scan has got: a page has been yielded.
func (sc *scan) mark(p *batch) {
	sc.place.cursor = p.cursor
	if p.cursor == "0" {
		sc.place.advance(sc.passes)
	}
	if sc.opt.Mark != nil && sc.place.run != "" {
		sc.opt.Mark(kv.Shard{Name: sc.opt.Shard.Name, From: sc.place.encode()})
	}
}

// first selects the database, fetches the first page of names and asks about them.
func (sc *scan) first() (*batch, error) {
	sc.of = sc.place.of
	out := &sc.link.out
	if sc.place.db != sc.selected {
		out.Add(sc.selectC, strconv.Itoa(sc.place.db))
		sc.selected = sc.place.db
	}
	selects := out.Len()
	sc.addScan(sc.place.cursor)
	if err := out.Send(sc.link); err != nil {
		return nil, err
	}
	for range selects {
		rep, err := sc.link.in.Next()
		if err != nil {
			return nil, err
		}
		if rep.Kind == resp.Error {
			return nil, serverError(rep.Data)
		}
	}
	p, err := sc.readNames(sc.place.cursor)
	if err != nil {
		return nil, err
	}
	return p, sc.ask(p)
}

// ask waits until the page may be read, and asks about its keys, and ahead of them for the page after.
func (sc *scan) ask(p *batch) error {
	charge := len(p.keys)
	if sc.opt.Match != "" || sc.filter != "" || sc.of != "" {
		charge = sc.count // looked at, whether they match or not
	}
	if err := sc.opt.Limiter.Wait(sc.ctx, charge); err != nil {
		return err
	}
	if err := sc.governor.wait(sc.ctx, charge); err != nil {
		return err
	}
	if err := sc.choose(p); err != nil {
		return err
	}
	if p.cursor != "0" {
		sc.addScan(p.cursor)
	}
	sc.addBehind(p)
	sc.addKeys(p)
	return sc.send()
}

// answers reads what was asked about the keys of p, and asks about those that did not fit into one chunk.
func (sc *scan) answers(p *batch) error {
	for read := 0; ; {
		if err := sc.readKeys(p, read); err != nil {
			return err
		}
		if read = p.sent; read == len(p.keys) {
			return nil
		}
		sc.addKeys(p)
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

func (sc *scan) addScan(cursor string) {
	sc.pages++
	args := append(make([]string, 0, 7), cursor)
	if sc.opt.Match != "" {
		args = append(args, "MATCH", sc.opt.Match)
	}
	args = append(args, "COUNT", strconv.Itoa(sc.count))
	if sc.of != "" {
		args = append(args, "TYPE", sc.of)
	}
	sc.link.out.Add(sc.scanC, args...)
}

// addKeys adds the commands for as many of the keys that have not been asked about as make a chunk, at least one.
func (sc *scan) addKeys(p *batch) {
	out := &sc.link.out
	most := out.Size() + chunkBytes
	for p.sent < len(p.keys) && out.Size() <= most {
		if plan := sc.planOf(p, p.sent); len(plan.each) > 0 {
			plan.asked++
			sc.addEach(plan.each, p.keys[p.sent])
		}
		p.sent++
	}
}

// addEach adds commands about one key.
func (sc *scan) addEach(each []resp.Command, key string) {
	out := &sc.link.out
	if !sc.portion.asking {
		out.AddEach(each, key)
		return
	}
	for _, c := range each {
		out.Add(sc.askingC)
		out.Add(c, key)
	}
}

// readNames reads the answer to SCAN from a cursor.
func (sc *scan) readNames(from string) (*batch, error) {
	in := sc.link.in
	rep, err := in.Next()
	switch {
	case err != nil:
		return nil, err
	case rep.Kind == resp.Error:
		return nil, serverError(rep.Data)
	case rep.Kind != resp.Array || rep.N != 2:
		return nil, fmt.Errorf("%w: SCAN was answered otherwise", resp.ErrProtocol)
	}
	if rep, err = in.Next(); err != nil {
		return nil, unexpected(err)
	}
	if from != "0" && from == string(rep.Data) {
		return nil, fmt.Errorf("SCAN does not get on from cursor %.40q", from)
	}
	p := sc.newBatch(string(rep.Data))
	if rep, err = in.Next(); err != nil {
		return nil, unexpected(err)
	}
	if p.cursor == "" || rep.Kind != resp.Array {
		return nil, fmt.Errorf("%w: SCAN was answered otherwise", resp.ErrProtocol)
	}
	return p, sc.names(p, int(rep.N))
}

// newBatch returns an empty batch, in the memory of one that has been read if there is one.
func (sc *scan) newBatch(cursor string) *batch {
	p := sc.spare
	if p == nil {
		return &batch{cursor: cursor}
	}
	sc.spare = nil
	*p = batch{keys: p.keys[:0], plans: p.plans[:0], held: p.held[:0], cursor: cursor}
	return p
}

// names reads the names of n keys. Each is the one allocation of its record.
func (sc *scan) names(p *batch, n int) error {
	p.keys = slices.Grow(p.keys, min(n, 2*countMost))
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
		if key := string(rep.Data); sc.wants(key) {
			p.keys = append(p.keys, key)
		}
	}
	if n > 0 {
		sc.count = max(1, min(sc.governor.count(), pageBytes/(bytes/n+1)))
	}
	return nil
}

func (sc *scan) wants(key string) bool {
	return (sc.filter == "" || kv.MatchGlob(sc.filter, key)) && (sc.portion.keep == nil || sc.portion.keep(sc.selected, key))
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
