package scenario

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kvtool/kvtool/internal/monitor"
	"github.com/kvtool/kvtool/internal/spell"
	"github.com/kvtool/kvtool/internal/yamlfile"
	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/kv"
)

// epoch is when times in keys go back from, so that the same seed makes the same keys whenever it is.
func epoch() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) }

// A parser fills a scenario.
type parser struct {
	s            *Scenario
	placeholders []schema.Field
	ops          yamlfile.Node
	phases       yamlfile.Node
	mix          yamlfile.Node
	open         func(path string) ([]byte, error)
	schemaFile   string
	branches     []string // that are being read, to see cycles
}

// Parse reads a scenario. open reads the keys.yaml that it may name; nil refuses one. The error is a *yamlfile.Error,
// or *yamlfile.Mistakes: those of the keys at the top, else of the keys and templates, else of the operations.
func Parse(name string, data []byte, open func(path string) ([]byte, error)) (*Scenario, error) {
	root, err := yamlfile.Read(name, data, MaxSize)
	if err != nil {
		return nil, err
	}
	if root.Empty() {
		return nil, root.Errorf("is empty: want kvscenario: %d", Version)
	}
	p := &parser{open: open, s: &Scenario{
		Text: data, Seed: 1, Prefix: "kvtool:{run}:", MaxTTL: 24 * time.Hour,
		Load: Load{Conns: 50, Pipeline: 1, Timeout: time.Second},
	}}
	p.ops, p.phases, p.mix = root, root, root
	if err := p.top().Read(root); err != nil {
		return nil, err
	}
	if err := p.readSchema(root); err != nil {
		return nil, err
	}
	if _, ok := root.Get("ops"); !ok {
		return p.s, p.fromAccess(root)
	}
	if err := p.readOps(); err != nil {
		return nil, err
	}
	if p.s.Name == "" {
		p.s.Name = name
	}
	return p.s, p.readPhases(root)
}

func (p *parser) top() yamlfile.Keys {
	keep := func(n *yamlfile.Node) yamlfile.Value {
		return yamlfile.Value{
			Read: func(v yamlfile.Node) error { *n = v; return nil },
			Form: func() yamlfile.Form { return yamlfile.Form{"type": "object"} },
		}
	}
	var fields, templates yamlfile.Node
	seed, conns, pipeline := int64(1), &p.s.Load.Conns, &p.s.Load.Pipeline
	return yamlfile.Keys{
		{Name: "kvscenario", Doc: "Version of this format.", Required: true, Value: version()},
		{Name: "name", Doc: "What it is called.", Value: yamlfile.Text(&p.s.Name)},
		{Name: "about", Doc: "What it does, in a line.", Value: yamlfile.Text(&p.s.About)},
		{Name: "schema", Doc: "A keys.yaml, whose fields and templates it uses.", Value: yamlfile.Text(&p.schemaFile)},
		{Name: "seed", Doc: "What all chance comes from.", Value: then(yamlfile.Count(&seed), func(yamlfile.Node) error { p.s.Seed = uint64(seed); return nil })},
		{Name: "prefix", Doc: "What every key begins with; {run} is the run.", Value: then(yamlfile.Text(&p.s.Prefix), p.checkPrefix)},
		{Name: "max_ttl", Doc: "The life of keys whose template has none.", Value: then(yamlfile.Duration(&p.s.MaxTTL), positive(&p.s.MaxTTL))},
		{Name: "load", Doc: "How connections are used.", Value: yamlfile.Keys{
			{Name: "conns", Doc: "How many.", Value: bounded(conns, 1, 100_000)},
			{Name: "pipeline", Doc: "Tasks sent at once by each, in a closed loop.", Value: bounded(pipeline, 1, 10_000)},
			{Name: "timeout", Doc: "How long a reply may take.", Value: then(yamlfile.Duration(&p.s.Load.Timeout), positive(&p.s.Load.Timeout))},
			{Name: "max_inflight", Doc: "1.", Value: only("1", "a connection of an open loop has one operation in flight; more connections have more")},
			{Name: "retry", Doc: "none.", Value: only("none", "nothing is sent twice: an error is counted as one")},
		}.Value()},
		{Name: "server", Doc: "How the server is asked for its figures.", Value: yamlfile.Keys{
			{Name: "every", Doc: "1s.", Value: only("1s", "the server is asked once a second")},
		}.Value()},
		{Name: "fields", Doc: "Populations that templates share, as in keys.yaml.", Value: keep(&fields)},
		{Name: "templates", Doc: "The shapes of keys, as in keys.yaml.", Value: keep(&templates)},
		{Name: "ops", Doc: "What the application does; without them it is what the access entries of the schema say.", Value: keep(&p.ops)},
		{Name: "mix", Doc: "The weight of each operation.", Value: keep(&p.mix)},
		{Name: "phases", Doc: "What happens when.", Value: keep(&p.phases)},
		{Name: "thresholds", Doc: "What must hold: p99 < 5ms.", Value: yamlfile.Texts(&p.s.Thresholds)},
	}
}

func version() yamlfile.Value {
	return yamlfile.Value{
		Read: func(n yamlfile.Node) error {
			if text, tag := n.Scalar(); tag != "!!int" || text != fmt.Sprint(Version) {
				return n.Wantf("%d, the version that this release reads", Version)
			}
			return nil
		},
		Form: func() yamlfile.Form { return yamlfile.Form{"const": Version} },
	}
}

func (p *parser) checkPrefix(n yamlfile.Node) error {
	if !strings.Contains(p.s.Prefix, "{run}") {
		return n.Wantf("a prefix with {run} in it, so that no run touches the keys of another or of an application")
	}
	return nil
}

// then reads a value and holds it against a condition.
func then(v yamlfile.Value, check func(yamlfile.Node) error) yamlfile.Value {
	read := v.Read
	v.Read = func(n yamlfile.Node) error {
		if err := read(n); err != nil {
			return err
		}
		return check(n)
	}
	return v
}

func positive(d *time.Duration) func(yamlfile.Node) error {
	return func(n yamlfile.Node) error {
		if *d < time.Millisecond {
			return n.Wantf("at least 1ms")
		}
		return nil
	}
}

func bounded(i *int, low, high int64) yamlfile.Value {
	var c int64
	return then(yamlfile.Count(&c), func(n yamlfile.Node) error {
		if *i = int(c); c < low || c > high {
			return n.Wantf("%d to %d", low, high)
		}
		return nil
	})
}

func (p *parser) readSchema(root yamlfile.Node) (err error) {
	var files []schema.Source
	if p.schemaFile != "" {
		at := root.Child("schema")
		if p.open == nil {
			return at.Errorf("schema: there is no file beside this scenario")
		}
		data, err := p.open(p.schemaFile)
		if err != nil {
			return at.Errorf("schema: %v", err)
		}
		p.s.design = data
		files = append(files, schema.Source{Name: p.schemaFile, Data: data})
	}
	if p.s.Schema, err = schema.ParseWithin(root, files...); err != nil {
		return err
	}
	for i := range p.s.Schema.Fields {
		f := &p.s.Schema.Fields[i]
		if c, declared := root.Child("fields").Child(f.Name).Get("cardinality"); declared && f.Cardinality == 0 {
			return c.Errorf("fields.%s.cardinality: no values, so that there are no keys: want at least 1", f.Name)
		}
		if err := checkDist(root.Child("fields").Child(f.Name).Child("dist"), f.Dist); err != nil {
			return err
		}
	}
	for i, life := range p.s.Schema.Lives() { // of those that inherit one too
		p.s.Schema.Templates[i].TTL = life
	}
	return p.setPlaceholders(root)
}

// setPlaceholders lists what words may have between braces.
func (p *parser) setPlaceholders(root yamlfile.Node) error {
	p.placeholders = slices.Clone(p.s.Schema.Fields)
	for _, own := range [...]string{Token, Seq, Now, Reply} {
		if p.s.Schema.Field(own) != nil {
			return root.Child("fields").Child(own).Errorf("fields.%s: the name has a meaning of its own in commands", own)
		}
		p.placeholders = append(p.placeholders, schema.Field{Name: own, Type: schema.Type{Kind: schema.TypeInt}})
	}
	return nil
}

func (p *parser) readOps() error {
	if !p.ops.IsMapping() || p.ops.Len() == 0 {
		return p.ops.Wantf("at least one operation")
	}
	return p.ops.Each(func(n yamlfile.Node) error {
		if strings.HasPrefix(n.Name(), "x-") {
			return nil
		}
		op := Op{Name: n.Name(), Weight: 1}
		if err := p.readOp(n, &op); err != nil {
			return err
		}
		p.s.Ops = append(p.s.Ops, op)
		return nil
	})
}

// readOp reads the keys of an operation; those that are not known are branches, lists of steps.
func (p *parser) readOp(n yamlfile.Node, op *Op) error {
	known := yamlfile.Keys{
		{Name: "check", Value: yamlfile.OneOf(&op.Check, Checks()...)},
		{Name: "limit", Value: yamlfile.Count(&op.Limit)},
		{Name: "window", Value: then(yamlfile.Duration(&op.Window), positive(&op.Window))},
		{Name: "single_flight", Value: onOff(&op.SingleFlight)},
		{Name: "insert", Value: yamlfile.Bool(&op.Insert)},
	}
	steps, has := n.Get("steps")
	if !has {
		return n.AtKey("%s has no steps", n.Path())
	}
	err := n.Each(func(v yamlfile.Node) error {
		for _, k := range known {
			if k.Name == v.Name() {
				return k.Value.Read(v)
			}
		}
		if v.Name() == "steps" || v.IsList() || strings.HasPrefix(v.Name(), "x-") {
			return nil
		}
		names := []string{"steps"}
		for _, k := range known {
			names = append(names, k.Name)
		}
		e := n.Unknown(v, names)
		e.Meant = spell.Nearest(v.Name(), names)
		return e
	})
	if err != nil {
		return err
	}
	p.branches = p.branches[:0]
	op.Steps, err = p.readSteps(n, steps)
	if err == nil && op.Steps[0].Wait.Mean > 0 {
		return steps.Errorf("%s: begins with a wait: it would be late by itself; begin with a command", steps.Path())
	}
	if err == nil && op.Check != "read_your_writes" && slices.ContainsFunc(op.Steps, func(s Step) bool { return s.Again > 0 }) {
		return steps.Errorf("%s: again is for an operation with check: read_your_writes", steps.Path())
	}
	if err == nil && (op.Check == "fixed_window" || op.Check == "sliding_window" || op.Check == "token_bucket") && (op.Limit < 1 || op.Window == 0) {
		return n.Child("check").Errorf("%s.check: %s wants a limit and a window", n.Path(), op.Check)
	}
	return err
}

func onOff(b *bool) yamlfile.Value {
	type word string
	var w word
	return then(yamlfile.OneOf(&w, "on", "off"), func(yamlfile.Node) error { *b = w == "on"; return nil })
}

// maxSteps is more than any operation has.
const maxSteps = 100

func (p *parser) readSteps(op, list yamlfile.Node) ([]Step, error) {
	items, err := list.Items()
	if err != nil {
		return nil, err
	}
	if len(items) == 0 || len(items) > maxSteps {
		return nil, list.Wantf("1 to %d steps", maxSteps)
	}
	steps := make([]Step, len(items))
	for i, n := range items {
		steps[i].Line = n.Line()
		if err := p.readStep(op, n, &steps[i]); err != nil {
			return nil, err
		}
	}
	return steps, nil
}

func (p *parser) readStep(op, n yamlfile.Node, s *Step) error {
	what := 0
	does := func(v yamlfile.Value) yamlfile.Value {
		return then(v, func(yamlfile.Node) error { what++; return nil })
	}
	replica := false
	cmd := yamlfile.Value{Read: func(n yamlfile.Node) error { return p.readCmd(n, s, false) }}
	many := yamlfile.Value{Read: func(n yamlfile.Node) error { return p.readCmds(n, s) }}
	err := yamlfile.Keys{
		{Name: "cmd", Value: does(cmd)},
		{Name: "cmds", Value: does(many)},
		{Name: "tx", Value: does(then(many, func(yamlfile.Node) error { s.Tx = true; return nil }))},
		{Name: "atomic", Value: does(yamlfile.OneOf(&s.Atomic, Atomics()...))},
		{Name: "args", Value: yamlfile.Value{Read: func(n yamlfile.Node) error { return p.readCmd(n, s, true) }}},
		{Name: "think", Value: does(then(wait(&s.Wait), func(yamlfile.Node) error { s.Wait.Think = true; return nil }))},
		{Name: "hold", Value: does(wait(&s.Wait))},
		{Name: "on_nil", Value: yamlfile.Value{Read: func(n yamlfile.Node) error { return p.readBranch(op, n, s) }}},
		{Name: "is", Value: yamlfile.OneOf(&s.Is, Roles()...)},
		{Name: "replica", Value: yamlfile.Bool(&replica)},
		{Name: "again", Value: then(yamlfile.Duration(&s.Again), positive(&s.Again))},
	}.Read(n)
	switch {
	case err != nil:
		return err
	case what != 1:
		return n.Errorf("%s: want one of cmd, cmds, tx, atomic, think and hold", n.Path())
	case (s.Atomic != "") != (len(s.Cmds) > 0 && n.Child("args").Path() != n.Path()):
		return n.Errorf("%s: atomic and args belong together", n.Path())
	case (s.OnNil != nil || s.End || replica || s.Again > 0) && len(s.Cmds) == 0:
		return n.Errorf("%s: nothing is asked here", n.Path())
	}
	if want := map[string]int{"compare_delete": 2, "token_bucket": 1, "sliding_window": 2}[s.Atomic]; s.Atomic != "" && len(s.Cmds[0].Words) != want {
		return n.Child("args").Wantf("%d words: the key%s", want, map[bool]string{true: " and what it must hold"}[want == 2])
	}
	for i := range s.Cmds {
		if s.Cmds[i].Replica = replica; replica && writes(s.Cmds[i]) {
			return n.Errorf("%s: a replica takes no writes", n.Path())
		}
	}
	return nil
}

// readBranch reads the steps of a branch: a list, the name of one beside steps, or end.
func (p *parser) readBranch(op, n yamlfile.Node, s *Step) (err error) {
	if n.IsList() {
		s.OnNil, err = p.readSteps(op, n)
		return err
	}
	name, _ := n.Scalar()
	if s.End = name == "end"; s.End {
		return nil
	}
	list, ok := op.Get(name)
	switch {
	case !ok || name == "":
		known := []string{"end"}
		_ = op.Each(func(v yamlfile.Node) error {
			if v.IsList() {
				known = append(known, v.Name())
			}
			return nil
		})
		return n.Errorf("%s: %s has no branch %q%s", n.Path(), op.Path(), name, meant(name, known))
	case slices.Contains(p.branches, name):
		return n.Errorf("%s: leads back to %s: steps may not go in a circle", n.Path(), name)
	}
	p.branches = append(p.branches, name)
	s.OnNil, err = p.readSteps(op, list)
	p.branches = p.branches[:len(p.branches)-1]
	return err
}

func wait(w *Wait) yamlfile.Value {
	return yamlfile.Value{Read: func(n yamlfile.Node) error {
		if n.IsMapping() {
			return yamlfile.Keys{{Name: "exp", Doc: "The mean of an exponential law.", Required: true, Value: yamlfile.Duration(&w.Mean)}}.Read(n)
		}
		w.Fixed = true
		return yamlfile.Duration(&w.Mean).Read(n)
	}}
}

func (p *parser) readCmds(n yamlfile.Node, s *Step) error {
	items, err := n.Items()
	if err != nil {
		return err
	}
	if len(items) == 0 || len(items) > maxSteps {
		return n.Wantf("1 to %d commands", maxSteps)
	}
	for _, c := range items {
		if err := p.readCmd(c, s, false); err != nil {
			return err
		}
	}
	return nil
}

// readCmd reads the words of a command, or the arguments of an action.
func (p *parser) readCmd(n yamlfile.Node, s *Step, args bool) error {
	items, err := n.Items()
	if err != nil {
		return err
	}
	if len(items) == 0 || len(items) > maxAll {
		return n.Wantf("the words of a command")
	}
	var c Cmd
	for _, item := range items {
		text, tag := item.Scalar()
		if tag == "" || tag == "!!null" {
			return item.Wantf("a word")
		}
		w, err := p.parseWord(text)
		if err != nil {
			return item.Errorf("%s: %v", item.Path(), err)
		}
		c.Words = append(c.Words, w)
	}
	s.Cmds = append(s.Cmds, c)
	if args {
		return nil
	}
	return checkCommand(items[0], c)
}

// checkCommand refuses commands that are not known, that touch no key or that reach beyond the run's prefix.
func checkCommand(n yamlfile.Node, c Cmd) error {
	name := strings.ToLower(c.Name())
	known, keys := slices.Contains(allowed(), name), 0
	c.Places(func(i int, _ kv.OpKind) {
		if known = true; c.Words[i].Template >= 0 && slices.Contains([]Part{PartKey, PartAll, PartPairs}, c.Words[i].Part) {
			keys++
			return
		}
		keys = -1 << 20
	})
	switch {
	case slices.Contains([]string{"flushall", "flushdb", "config", "swapdb", "shutdown", "debug", "script", "function", "migrate", "multi", "exec", "watch"}, name):
		return n.Errorf("%s: %s is not sent by a load test: it reaches beyond the run's keys", n.Path(), name)
	case !known:
		return n.Errorf("%s: unknown command %q%s", n.Path(), name, meant(name, commandNames()))
	case keys < 0 || keys == 0 && !slices.Contains(allowed(), name):
		return n.Errorf("%s: the keys of %s must be templates, such as @%s, so that they are under the run's prefix", n.Path(), name, "session")
	}
	return nil
}

// allowed are the commands without a key that change nothing.
func allowed() []string { return []string{"ping", "wait", "time", "echo"} }

func commandNames() []string {
	return append(allowed(), strings.Fields(`get set getex setex getdel mget mset incr incrby decr decrby append hset hget hgetall
		hmget hdel hincrby hvals lpush rpush lpop rpop lmove lrange lrem llen sadd srem smembers sismember zadd zincrby zrange
		zrevrange zrank zrevrank zscore zcard zrangebyscore zremrangebyscore zrangebylex expire pexpire pttl ttl del unlink rename
		exists touch setnx psetex hsetnx scard xadd xrange pfadd pfcount`)...)
}

// Name returns the name of the command.
func (c *Cmd) Name() string {
	if len(c.Words) == 0 || !c.Words[0].literal() {
		return ""
	}
	return c.Words[0].text()
}

func (w *Word) literal() bool {
	return w.Template < 0 && (len(w.Pieces) == 0 || len(w.Pieces) == 1 && w.Pieces[0].Type == nil)
}

func (w *Word) text() string {
	if len(w.Pieces) == 0 {
		return ""
	}
	return w.Pieces[0].Literal
}

// Literal returns the text of a word that is the same each time.
func (w *Word) Literal() (string, bool) { return w.text(), w.literal() }

func writes(c Cmd) (does bool) {
	c.Places(func(_ int, kind kv.OpKind) { does = does || kind == kv.OpWrite })
	return does
}

// Places calls fn for the words that are keys, with what the command does to them.
func (c *Cmd) Places(fn func(i int, kind kv.OpKind)) {
	words := make([]string, len(c.Words))
	for i, w := range c.Words {
		if words[i] = "k"; w.literal() {
			words[i] = w.text()
		}
	}
	monitor.Places(words, fn)
}
