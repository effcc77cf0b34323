package redis

import (
	"context"
	"errors"
	"strings"

	goredis "github.com/redis/go-redis/v9"

	"github.com/kvtool/kvtool/internal/memory"
	"github.com/kvtool/kvtool/kv"
)

const (
	probeKeys  = 32 // that are asked for their sizes
	probeScans = 4  // pages that are looked through for them
)

// profile is what INFO tells of how this server lays out values, and how its allocator is known: INFO names jemalloc, and not
// the steps that it was built with.
func (i serverInfo) profile() (p memory.Profile, allocator string) {
	p = memory.Profile{
		Version: memory.ParseVersion(i.product(), i.version()),
		State:   memory.Live,
		Cluster: i.clustered(),
	}
	name, isJemalloc := strings.CutPrefix(i.fields["mem_allocator"], "jemalloc-")
	switch {
	case i.fields["mem_allocator"] == "libc":
		p.Allocator = memory.Libc
		return p, "says INFO"
	case isJemalloc && i.product() == "redis" && name != p.Version.OwnJemalloc():
		p.Allocator = memory.Jemalloc16
		return p, "the system's"
	}
	return p, "assumed"
}

// A layout is how a server lays out values, found once.
type layout struct {
	model     *memory.Model
	allocator string // how the model's allocator is known
}

// layout finds out how this server lays out values: its version from INFO, its allocator from the sizes of a few short keys,
// else from what INFO says. Nothing is written, and nothing is asked but names, encodings, sizes and expiries.
func (s *store) layout(ctx context.Context, now serverInfo, a *abilities) (layout, error) {
	s.mu.Lock()
	found := s.found
	s.mu.Unlock()
	if found.model != nil {
		return found, nil
	}
	p, how := now.profile()
	if a.scan == "" && a.has(attrEncoding) && a.has(attrSize) {
		samples, err := s.sizedKeys(ctx)
		if err != nil {
			return layout{}, err
		}
		if allocator, known := memory.FindAllocator(p, samples); known {
			p.Allocator, how = allocator, "by sizes of keys"
		}
	}
	found = layout{memory.New(p), how}
	s.mu.Lock()
	s.found = found
	s.mu.Unlock()
	return found, nil
}

// sizes returns the model that layout has found, or nil.
func (s *store) sizes() *memory.Model {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.found.model
}

// sizedKeys returns what up to probeKeys short strings take. Keys that are gone or that this user may not see are left out.
func (s *store) sizedKeys(ctx context.Context) ([]memory.Sized, error) {
	var samples []memory.Sized
	cursor := "0"
	for range probeScans {
		answered, err := s.client.Do(ctx, "SCAN", cursor, "COUNT", "100").Result()
		reply, _ := answered.([]any)
		if len(reply) != 2 {
			return samples, s.asked(ctx, err)
		}
		names, _ := reply[1].([]any)
		found, err := s.sizesOf(ctx, names, probeKeys-len(samples))
		if err != nil {
			return samples, err
		}
		samples = append(samples, found...)
		if cursor, _ = reply[0].(string); cursor == "0" || cursor == "" || len(samples) == probeKeys {
			break
		}
	}
	return samples, nil
}

// sizesOf asks for the encodings of names, and for the sizes of at most most of those that are numbers or short strings.
func (s *store) sizesOf(ctx context.Context, names []any, most int) ([]memory.Sized, error) {
	pipe := s.client.Pipeline()
	var keys []string
	var encodings []*goredis.Cmd
	for _, n := range names {
		if key, ok := n.(string); ok && len(key) < memory.LongestSample {
			keys = append(keys, key)
			encodings = append(encodings, pipe.Do(ctx, "OBJECT", "ENCODING", key))
		}
	}
	if len(keys) == 0 {
		return nil, nil
	}
	if _, err := pipe.Exec(ctx); s.asked(ctx, err) != nil {
		return nil, s.asked(ctx, err)
	}
	pipe = s.client.Pipeline()
	var samples []memory.Sized
	var sizes, ttls []*goredis.Cmd
	for i, key := range keys {
		enc, _ := encodings[i].Text()
		if e := kv.Encoding(enc); len(samples) < most && (e == kv.EncodingInt || e == kv.EncodingEmbstr) {
			samples = append(samples, memory.Sized{Key: len(key), Encoding: e})
			sizes = append(sizes, pipe.Do(ctx, "MEMORY", "USAGE", key))
			ttls = append(ttls, pipe.Do(ctx, "PTTL", key))
		}
	}
	if len(samples) == 0 {
		return nil, nil
	}
	if _, err := pipe.Exec(ctx); s.asked(ctx, err) != nil {
		return nil, s.asked(ctx, err)
	}
	known := samples[:0]
	for i := range samples {
		n, err := sizes[i].Int64()
		if err != nil {
			continue
		}
		samples[i].Bytes = n
		switch ms, err := ttls[i].Int64(); {
		case err == nil && ms >= 0:
			samples[i].TTL = kv.TTLAt
		case err == nil && ms == -1:
			samples[i].TTL = kv.TTLNone
		}
		known = append(known, samples[i])
	}
	return known, nil
}

// asked returns err unless it is an answer, which is no error of asking.
func (s *store) asked(ctx context.Context, err error) error {
	if _, ok := answer(err); ok || err == nil || errors.Is(err, goredis.Nil) {
		return nil
	}
	return s.cfg.explain(ctx, err)
}
