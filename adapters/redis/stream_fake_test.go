package redis

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kvtool/kvtool/kv"
)

const fakeMark = "0123456789abcdef0123456789abcdef01234567"

// primary is a fake that answers a replica's handshake, and PSYNC with what it is told.
func primary(t *testing.T, info, psync string) string {
	t.Helper()
	return fake(t, func(command string) string {
		switch {
		case command == "INFO":
			return bulk(fakeInfo + info)
		case command == "PSYNC":
			return "-ERR wrong number of arguments for 'psync' command\r\n"
		case strings.HasPrefix(command, "REPLCONF"):
			return "+OK\r\n"
		case strings.HasPrefix(command, "PSYNC"):
			return psync
		}
		return ""
	})
}

// TestHostileStream: whatever a primary sends, what was read before it stands, and the rest is an error that says what it is.
func TestHostileStream(t *testing.T) {
	b, err := os.ReadFile("../../testdata/rdb/servers/redis-7.0.rdb")
	if err != nil {
		t.Fatal(err)
	}
	dump := string(b)
	const full = "+FULLRESYNC 8de1787ba490483314a4d30f1c628bc5025eb761 1\r\n\n"
	flipped := dump[:len(dump)/2] + "\xff" + dump[len(dump)/2+1:]
	for _, tt := range []struct {
		name, psync string
		keys        bool // some are read
		text, hint  string
		corrupt     bool
	}{
		{"whole", full + "$EOF:" + fakeMark + "\r\n" + dump + fakeMark + "*1\r\n$4\r\nPING\r\n", true, "", "", false},
		{"disappears", full + "$EOF:" + fakeMark + "\r\n" + dump[:len(dump)*2/3] + hangUp, true, "ended the stream after", "client-output-buffer-limit", false},
		{"disappears before the mark", full + "$EOF:" + fakeMark + "\r\n" + dump + fakeMark[:20] + hangUp, true, "ended the stream after", "log", false},
		{"disappears at once", full + hangUp, false, "closed the connection", "", false},
		{"promises more", full + "$999999\r\n" + dump + hangUp, true, "ended the stream", "log", false},
		{"promises less", full + "$300\r\n" + dump, true, "dump damaged", "", true},
		{"is damaged", full + "$EOF:" + fakeMark + "\r\n" + flipped + fakeMark, true, "dump damaged", "", true},
		{"is no dump", full + "$11\r\nhello world", false, "", "", false},
		{"says no", "-NOMASTERLINK Can't SYNC while not connected with my master\r\n", false, "NOMASTERLINK", "primary", false},
		{"has no right", "-NOPERM this user has no permissions to run the 'psync' command\r\n", false, "NOPERM", "+replconf +psync", false},
		{"is a hosted one", "-ERR unknown command `PSYNC`, with args beginning with: `?` `-1`\r\n", false, "lets nobody be its replica", "rdb:FILE", false},
		{"fails to fork", full + "-ERR BGSAVE failed, replication can't continue\r\n", false, "BGSAVE failed", "", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, _ := openPlanned(t, "redis://"+primary(t, "", tt.psync)+"?via=psync&timeout=30s")
			records, err := collect(t.Context(), s, kv.ScanOptions{Want: kv.AllFields &^ kv.FieldSlot})
			if tt.name == "whole" {
				if err != nil || len(records) < 20 {
					t.Errorf("%d records, %v", len(records), err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.text) || !strings.Contains(kv.Hint(err), tt.hint) || errors.Is(err, kv.ErrCorrupt) != tt.corrupt {
				t.Errorf("%v\nhint: %s", err, kv.Hint(err))
			}
			if (len(records) > 0) != tt.keys {
				t.Errorf("%d records", len(records))
			}
		})
	}
}

// TestStreamRefused: what cannot be had is said before anything is asked for.
func TestStreamRefused(t *testing.T) {
	for _, tt := range []struct{ name, info, text, hint string }{
		{"loading", "loading:1\r\n", "still loading", "loading_eta_seconds"},
		{"a replica in the middle of its own", "role:slave\r\nmaster_link_status:down\r\nmaster_sync_in_progress:1\r\n", "being sent the data", "name the primary"},
		{"a replica that is alone", "role:slave\r\nmaster_link_status:down\r\n", "lost its primary", "link is up"},
		{"no memory", "used_memory:9000000000\r\nused_memory_rss:9500000000\r\ntotal_system_memory:10000000000\r\n", "no memory for a fork", "replica"},
		{"what it copied last", "used_memory:900\r\nused_memory_rss:900\r\nrdb_last_cow_size:800\r\ntotal_system_memory:1000\r\n", "no memory for a fork", "replica"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := openURL(t, "redis://"+primary(t, tt.info, hangUp)+"?via=psync&timeout=30s")
			_, err := s.(kv.Planner).Plan(t.Context())
			if err == nil || !strings.Contains(err.Error(), tt.text) || !strings.Contains(kv.Hint(err), tt.hint) {
				t.Errorf("%v\nhint: %s", err, kv.Hint(err))
			}
			if _, err := collect(t.Context(), s, kv.ScanOptions{}); !errors.Is(err, kv.ErrUsage) {
				t.Errorf("it was read all the same: %v", err)
			}
		})
	}
}

// TestStreamOnce: a snapshot is not taken unasked, nor twice, and has no parts.
func TestStreamOnce(t *testing.T) {
	dump, err := os.ReadFile("../../testdata/rdb/servers/redis-7.0.rdb")
	if err != nil {
		t.Fatal(err)
	}
	url := "redis://" + primary(t, "", "+FULLRESYNC a 1\r\n$EOF:"+fakeMark+"\r\n"+string(dump)+fakeMark) + "?via=psync&timeout=30s"
	s := openURL(t, url)
	if _, err := collect(t.Context(), s, kv.ScanOptions{}); !errors.Is(err, kv.ErrUsage) || !strings.Contains(kv.Hint(err), "SCAN") {
		t.Errorf("unasked: %v", err)
	}
	s, plan := openPlanned(t, url)
	if len(plan.Burden) == 0 || plan.Instead == "" {
		t.Errorf("%+v", plan)
	}
	if _, err := collect(t.Context(), s, kv.ScanOptions{Shard: kv.Shard{Name: "1/2"}}); !errors.Is(err, kv.ErrUsage) {
		t.Errorf("a part: %v", err)
	}
	records, err := collect(t.Context(), s, kv.ScanOptions{Match: "*", Want: kv.FieldSize})
	if err != nil || len(records) == 0 {
		t.Errorf("%d records, %v", len(records), err)
	}
	if _, err := collect(t.Context(), s, kv.ScanOptions{}); !errors.Is(err, kv.ErrUsage) || !strings.Contains(err.Error(), "another fork") {
		t.Errorf("twice: %v", err)
	}
	one, _ := openPlanned(t, strings.Replace(url, "?", "/3?", 1))
	if in3, err := collect(t.Context(), one, kv.ScanOptions{}); err != nil || len(in3) != 1 || in3[0].DB != 3 {
		t.Errorf("%d records, %v", len(in3), err)
	}
}

// TestSilentFork: a server that has said that it has a fork, and is silent then, is not asked for another when the patience with it ends.
func TestSilentFork(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64 // for INFO, after it was opened
	opened := make(chan struct{})
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	s := openURL(t, "redis://"+fake(t, func(command string) string {
		select {
		case <-opened:
		default:
			return ""
		}
		if command == "INFO" && asked.Add(1) > 1 {
			<-ctx.Done()
		}
		return on("INFO", bulk(fakeInfo+"rdb_bgsave_in_progress:1\r\n"))(command)
	})+"?timeout=30s")
	close(opened)
	src := &source{store: s.(*store)}
	if err := src.forkless(ctx); err == nil || !strings.Contains(err.Error(), "has forked already") {
		t.Errorf("asked %d times: %v", asked.Load(), err)
	}
}

// TestStreamCancelled: who is told to stop stops, also while the server has nothing to say but that it is still there.
func TestStreamCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	url := "redis://" + fake(t, func(command string) string {
		switch {
		case strings.HasPrefix(command, "REPLCONF"):
			return "+OK\r\n"
		case command == "PSYNC ? -1":
			cancel()
			return "+FULLRESYNC a 1\r\n\n\n"
		case command == "PSYNC":
			return "-ERR wrong number of arguments for 'psync' command\r\n"
		}
		return ""
	}) + "?via=psync&timeout=60s"
	s, _ := openPlanned(t, url)
	began := time.Now()
	if _, err := collect(ctx, s, kv.ScanOptions{}); !errors.Is(err, context.Canceled) || time.Since(began) > 50*time.Second {
		t.Errorf("%v after %s", err, time.Since(began))
	}
}
