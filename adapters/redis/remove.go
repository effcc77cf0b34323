package redis

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/kvtool/kvtool/internal/resp"
	"github.com/kvtool/kvtool/kv"
)

// This file is all that cleaning writes with; what a load test writes is in session.go. What it sends passes the guard of resp.Cleaning, which knows five scripts and
// nothing else that writes.
//
// Each call sends a page of commands and reads their answers one by one. A connection that breaks in the middle leaves the rest
// of the page undecided: nothing is sent again.

// A cleaner is a connection that may write, with its commands.
type cleaner struct {
	*asking
	dump, digest, change, restore, expiry resp.Command
}

func newCleaner(l *asking) (*cleaner, error) {
	c := &cleaner{asking: l}
	for _, x := range []struct {
		cmd   *resp.Command
		args  int
		words []string
	}{
		{&c.dump, 2, []string{"EVAL", resp.ScriptDump}},     // 1, key
		{&c.digest, 2, []string{"EVAL", resp.ScriptDigest}}, // 1, key
		{&c.change, changeArgs, []string{"EVAL", resp.ScriptChange}},
		{&c.restore, 5, []string{"EVAL", resp.ScriptRestore}}, // 1, key, at, value, idle
		{&c.expiry, 5, []string{"EVAL", resp.ScriptExpiry}},   // 1, key, digest, set, was
	} {
		var err error
		if *x.cmd, err = resp.Cleaning.Command(x.args, x.words...); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// cleaning calls add for each index, and then take with its answer. A server's error is an answer.
func (s *store) cleaning(ctx context.Context, which []int, of func(i int) kv.Name, add func(c *cleaner, i int), take func(c *cleaner, i int, rep resp.Reply) error) error {
	err := s.borrow(ctx, func(l *asking) error {
		c, err := newCleaner(l)
		if err != nil {
			return err
		}
		selects := make([]bool, len(which))
		for n, i := range which {
			selects[n] = l.choose(of(i).DB)
			add(c, i)
		}
		if err := l.out.Send(l.link); err != nil {
			return err
		}
		for n, i := range which {
			if selects[n] {
				if err := l.chosen(); err != nil {
					return err
				}
			}
			rep, err := l.in.Next()
			if err != nil {
				return unexpected(err)
			}
			if err := take(c, i, rep); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil || ctx.Err() != nil {
		return err
	}
	if isClosed(err) { // the connection has worked so far: it is not for want of TLS
		err = kv.WithHint(errors.New("the server closed the connection: it has stopped, or somebody has ended it (CLIENT KILL)"),
			"what was changed stands, and is in the undo file")
	} else {
		err = s.cfg.explain(ctx, err)
	}
	return fmt.Errorf("writing to %s: %w", s.cfg.target, err)
}

// Identify asks INFO.
func (s *store) Identify(ctx context.Context) (kv.Identity, error) {
	now, err := s.serverInfo(ctx)
	if err != nil {
		return kv.Identity{}, err
	}
	id := kv.Identity{
		ID: now.fields["run_id"], Version: now.version(), Replica: parseRole(now).replica, Cluster: now.clustered(), Lag: lagOf(now),
	}
	for _, name := range []string{"master_replid", "master_replid2"} {
		if history := now.fields[name]; strings.Trim(history, "0") != "" {
			id.Lineage = append(id.Lineage, history)
		}
	}
	return id, nil
}

// lagOf returns how long ago the replica was heard of that has been silent longest: INFO replication, slaveN:…,lag=1.
func lagOf(i serverInfo) (lag time.Duration) {
	for n := range min(i.number("connected_slaves"), 1000) {
		for part := range strings.SplitSeq(i.fields[fmt.Sprint("slave", n)], ",") {
			if name, value, _ := strings.Cut(part, "="); name == "lag" {
				seconds, _ := strconv.Atoi(value)
				lag = max(lag, time.Duration(seconds)*time.Second)
			}
		}
	}
	return lag
}

// Dump implements kv.Remover.
func (s *store) Dump(ctx context.Context, names []kv.Name, fn func(int, *kv.Dump)) error {
	_, err := s.dump(ctx, names, indices(len(names)), fn)
	return err
}

func (s *store) dump(ctx context.Context, names []kv.Name, which []int, fn func(int, *kv.Dump)) (moved []int, err error) {
	err = s.cleaning(ctx, which, func(i int) kv.Name { return names[i] }, func(c *cleaner, i int) {
		c.out.Add(c.dump, "1", names[i].Key)
	}, func(c *cleaner, i int, rep resp.Reply) error {
		if rep.Kind == resp.Error && elsewhere(rep.Data) {
			moved = append(moved, i)
			return nil
		}
		d, err := readDump(c, names[i], rep)
		if err == nil {
			fn(i, d)
		}
		return err
	})
	return moved, err
}

// elsewhere reports whether an error says that another node has the key, or that its slot is on the way there and has the keys of
// a command on either side.
func elsewhere(text []byte) bool {
	for _, begins := range [...]string{"MOVED ", "ASK ", "TRYAGAIN "} {
		if strings.HasPrefix(string(text), begins) {
			return true
		}
	}
	return false
}

// readDump reads the answer of ScriptDump, whose beginning is rep.
func readDump(c *cleaner, name kv.Name, rep resp.Reply) (*kv.Dump, error) {
	if rep.Kind == resp.Error {
		return nil, serverError(rep.Data)
	}
	var parts [6]resp.Reply
	var typ, value string
	if rep.Kind != resp.Array || rep.N < 1 || rep.N > int64(len(parts)) {
		return nil, fmt.Errorf("%w: a dump of %d parts", resp.ErrProtocol, rep.N)
	}
	for i := range rep.N {
		p, err := c.in.Next()
		if err != nil {
			return nil, unexpected(err)
		}
		switch i {
		case 0:
			typ = string(p.Data)
		case 3:
			value = string(p.Data)
		}
		parts[i] = resp.Reply{Kind: p.Kind, N: p.N}
	}
	if typ == "none" || rep.N < 6 || value == "" {
		return nil, nil
	}
	d := &kv.Dump{Name: name, Type: kv.Type(typ), Value: []byte(value), Now: time.UnixMilli(parts[4].N)}
	if at := parts[1].N; at > 0 {
		d.ExpireAt = time.UnixMilli(at)
	}
	if idle := parts[2].N; idle >= 0 {
		d.Idle, d.HasIdle = time.Duration(min(idle, maxSeconds))*time.Second, true
	}
	if freq := parts[5].N; freq >= 0 {
		d.Freq, d.HasFreq = uint8(min(freq, math.MaxUint8)), true
	}
	return d, nil
}

// Digest implements kv.Remover.
func (s *store) Digest(ctx context.Context, names []kv.Name, fn func(int, *kv.Digest)) error {
	_, err := s.digest(ctx, names, indices(len(names)), fn)
	return err
}

func (s *store) digest(ctx context.Context, names []kv.Name, which []int, fn func(int, *kv.Digest)) (moved []int, err error) {
	err = s.cleaning(ctx, which, func(i int) kv.Name { return names[i] }, func(c *cleaner, i int) {
		c.out.Add(c.digest, "1", names[i].Key)
	}, func(c *cleaner, i int, rep resp.Reply) error {
		if rep.Kind == resp.Error && elsewhere(rep.Data) {
			moved = append(moved, i)
			return nil
		}
		d, err := readDigest(c, rep)
		if err == nil {
			fn(i, d)
		}
		return err
	})
	return moved, err
}

// readDigest reads the answer of ScriptDigest, whose beginning is rep.
func readDigest(c *cleaner, rep resp.Reply) (*kv.Digest, error) {
	if rep.Kind == resp.Error {
		if o, _, err := outcomeOf(rep); o != kv.Refused {
			return nil, err
		}
		return &kv.Digest{}, nil
	}
	if rep.Kind != resp.Array || rep.N != 1 && rep.N != 3 {
		return nil, fmt.Errorf("%w: a digest of %d parts", resp.ErrProtocol, rep.N)
	}
	d, none := &kv.Digest{}, rep.N == 1
	for i := range rep.N {
		p, err := c.in.Next()
		if err != nil {
			return nil, unexpected(err)
		}
		switch i {
		case 0:
			d.Type = kv.Type(p.Data)
		case 1:
			d.SHA1 = string(p.Data)
		case 2:
			d.Freq, d.HasFreq = uint8(min(max(0, p.N), math.MaxUint8)), p.N >= 0
		}
	}
	if none {
		return nil, nil
	}
	return d, nil
}

// Change implements kv.Remover.
func (s *store) Change(ctx context.Context, changes []kv.Change, fn func(int, kv.Outcome)) error {
	_, err := s.change(ctx, changes, indices(len(changes)), fn)
	return err
}

func (s *store) change(ctx context.Context, changes []kv.Change, which []int, fn func(int, kv.Outcome)) (moved []int, err error) {
	err = s.cleaning(ctx, which, func(i int) kv.Name { return changes[i].Name }, func(c *cleaner, i int) {
		args := argsOf(&changes[i])
		c.out.Add(c.change, args[:]...)
	}, func(c *cleaner, i int, rep resp.Reply) error {
		o, gone, err := outcomeOf(rep)
		if gone {
			moved = append(moved, i)
		} else if err == nil {
			fn(i, o)
		}
		return err
	})
	return moved, err
}

// What ScriptChange takes: the keys, five arguments, and four for each of two sayings.
const (
	maxSayings = 2
	changeArgs = 3 + 5 + 4*maxSayings
)

// argsOf returns what ScriptChange takes for a change.
func argsOf(x *kv.Change) (args [changeArgs]string) {
	other, missing, to := x.Key, "", ""
	if x.Missing != "" {
		other, missing = x.Missing, "missing"
	}
	if !x.To.IsZero() {
		to = strconv.FormatInt(x.To.UnixMilli(), 10)
	}
	for i, says := range x.Says[:min(maxSayings, len(x.Says))] {
		which, how, text := "1", "field", says.Text
		if says.Key != x.Key {
			which, other = "2", says.Key
		}
		switch {
		case says.SHA1 != "":
			how, text = "dump", says.SHA1
		case says.Lost:
			how = "lost"
		case says.Field == "":
			how = "value"
		}
		copy(args[8+4*i:], []string{which, how, says.Field, text})
	}
	copy(args[:], []string{"2", x.Key, other, string(x.Type), x.Digest, x.Expires, to, missing})
	return args
}

// outcomeOf reads the answer of a script.
func outcomeOf(rep resp.Reply) (o kv.Outcome, moved bool, err error) {
	text := string(rep.Data)
	if rep.Kind != resp.Error {
		return kv.Outcome(text), false, nil
	}
	switch {
	case elsewhere(rep.Data):
		return "", true, nil
	case strings.HasPrefix(text, "NOPERM"), strings.HasPrefix(text, "ERR"), strings.HasPrefix(text, "OOM"):
		return kv.Refused, false, nil
	}
	return "", false, serverError(text) // READONLY, LOADING, MISCONF, …: none of the others will be done either
}

// Restore implements kv.Remover.
func (s *store) Restore(ctx context.Context, dumps []kv.Dump, fn func(int, kv.Outcome)) error {
	_, err := s.restore(ctx, dumps, indices(len(dumps)), fn)
	return err
}

func (s *store) restore(ctx context.Context, dumps []kv.Dump, which []int, fn func(int, kv.Outcome)) (moved []int, err error) {
	err = s.cleaning(ctx, which, func(i int) kv.Name { return dumps[i].Name }, func(c *cleaner, i int) {
		d := &dumps[i]
		at := "0"
		if !d.ExpireAt.IsZero() {
			at = strconv.FormatInt(d.ExpireAt.UnixMilli(), 10)
		}
		idle := ""
		if d.HasIdle {
			idle = strconv.FormatInt(int64(d.Idle/time.Second), 10)
		}
		c.out.Add(c.restore, "1", d.Key, at, string(d.Value), idle)
	}, func(_ *cleaner, i int, rep resp.Reply) error {
		o, gone, err := outcomeOf(rep)
		if gone {
			moved = append(moved, i)
		} else if err == nil {
			fn(i, o)
		}
		return err
	})
	return moved, err
}

// Expire implements kv.Remover.
func (s *store) Expire(ctx context.Context, backs []kv.ExpiryBack, fn func(int, kv.Outcome)) error {
	_, err := s.expire(ctx, backs, indices(len(backs)), fn)
	return err
}

func (s *store) expire(ctx context.Context, backs []kv.ExpiryBack, which []int, fn func(int, kv.Outcome)) (moved []int, err error) {
	err = s.cleaning(ctx, which, func(i int) kv.Name { return backs[i].Name }, func(c *cleaner, i int) {
		b := &backs[i]
		was := "0"
		if !b.Was.IsZero() {
			was = strconv.FormatInt(b.Was.UnixMilli(), 10)
		}
		c.out.Add(c.expiry, "1", b.Key, b.Digest, strconv.FormatInt(b.Set.UnixMilli(), 10), was)
	}, func(_ *cleaner, i int, rep resp.Reply) error {
		o, gone, err := outcomeOf(rep)
		if gone {
			moved = append(moved, i)
		} else if err == nil {
			fn(i, o)
		}
		return err
	})
	return moved, err
}
