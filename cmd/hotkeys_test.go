package cmd_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kvtool/kvtool/internal/servertest"
	"github.com/kvtool/kvtool/report"
)

// hammer writes hot six times of ten, and reads users, until the test or the server ends.
func hammer(t *testing.T, s *servertest.Server) {
	t.Helper()
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		defer func() { _ = recover() }() // of a server that was stopped
		c, err := servertest.Dial("tcp", s.Addr)
		if err != nil {
			return
		}
		defer c.Close()
		for i := 0; ; i++ {
			select {
			case <-done:
				return
			default:
			}
			var words []string
			if words = []string{"INCR", "hot"}; i%10 >= 6 {
				words = []string{"GET", fmt.Sprint("user:", i%500)}
			}
			if _, failed := c.Do(words...).(error); failed {
				return
			}
		}
	})
	t.Cleanup(func() { close(done); wg.Wait() })
}

func metricText(r *report.Report, section, name string) string {
	for _, m := range r.Section(section).Metrics {
		if m.Name == name {
			text, _ := m.Value.Text()
			return text
		}
	}
	return ""
}

// A server whose one key is written all the time: MONITOR names it, with the fix for writes; and when the server dies, what was
// seen until then is reported with exit 4.
func TestHotkeysOfAServer(t *testing.T) {
	t.Parallel()
	s := servertest.Redis(t, servertest.Options{})
	hammer(t, s)
	target := "redis://" + s.Addr
	r := reportFrom(t, 0, "hotkeys", target, "--source", "monitor", "--window", "1500ms")
	reads, writes := numbers(t, r, "hotkeys", "keys", "key", "reads"), numbers(t, r, "hotkeys", "keys", "key", "writes")
	all := 0.0
	for _, n := range reads {
		all += n
	}
	if writes["hot"] <= all || reads["hot"] != 0 || all == 0 {
		t.Errorf("hot: %v writes, %v reads; %v reads in all", writes["hot"], reads["hot"], all)
	}
	if rate := writes["hot"] / 1.5; rate > 1100 && (len(r.Findings) != 1 || r.Findings[0].Rule != "KD023" || !strings.HasPrefix(r.Findings[0].Fix, "it is written")) {
		t.Errorf("%v writes a second, and %+v", rate, r.Findings)
	}
	c := s.Client(t)
	monitored := func() bool { return strings.Contains(fmt.Sprint(c.Do("CLIENT", "LIST")), "cmd=monitor") }
	servertest.Until(t, "nobody monitors", func() bool { return !monitored() })
	go func() {
		for !monitored() {
			time.Sleep(time.Millisecond)
		}
		time.Sleep(300 * time.Millisecond)
		s.Stop()
	}()
	r = reportFrom(t, 4, "hotkeys", target, "--source", "monitor", "--window", "10s")
	if r.Coverage.Complete || len(r.Coverage.Why) == 0 || numbers(t, r, "hotkeys", "keys", "key", "writes")["hot"] == 0 {
		t.Errorf("%+v", r.Coverage)
	}
}

// Counters of a real server, read without changing them: its settings are those that are decoded by, and the used key is first.
func TestHotkeysByLFU(t *testing.T) {
	t.Parallel()
	servertest.Matrix(t, func(t *testing.T, version string) {
		s := servertest.Redis(t, servertest.Options{Version: version, Args: []string{
			"--maxmemory-policy", "allkeys-lfu",
			"--lfu-log-factor", "1",
		}})
		c := s.Client(t)
		c.Fill(t, 2000, func(i int) []string { return []string{"SET", fmt.Sprint("user:", i), "v"} })
		c.Fill(t, 5000, func(int) []string { return []string{"GET", "user:77"} })
		r := reportFrom(t, 0, "hotkeys", "redis://"+s.Addr)
		if source := metricText(r, "hotkeys", "source"); source != "lfu" || !strings.Contains(metricText(r, "hotkeys", "about"),
			"lfu-log-factor 1") {
			t.Errorf("source %q, %q", source, metricText(r, "hotkeys", "about"))
		}
		rows := r.Section("hotkeys").Tables[0].Rows
		first, _ := rows[0][0].Text()
		sure, _ := rows[0][8].Number()
		if count, _ := rows[0][6].Number(); first != "user:77" || sure != 1 || count < 50 {
			t.Errorf("%v", rows[0])
		}
		if r.Coverage.Keys != 2000 || len(r.Skipped) != 1 {
			t.Errorf("%d keys, skipped %v", r.Coverage.Keys, r.Skipped)
		}
		if op := metricText(reportFrom(t, 0, "skew", "redis://"+s.Addr), "skew", "slots_from"); op == "" {
			t.Error("skew says nothing of its slots")
		}
	})
}

// Keys of a live server whose times left are spread evenly over an hour were written with one TTL, and none of them slides.
func TestTTLOfAServer(t *testing.T) {
	t.Parallel()
	s := servertest.Redis(t, servertest.Options{})
	s.Client(t).Fill(t, 3000, func(i int) []string {
		return []string{"SET", fmt.Sprint("cache:", i), "v", "PX", fmt.Sprint(1000 + i*1200)} // an hour, evenly
	})
	r := reportFrom(t, 0, "drift", "ttl", "redis://"+s.Addr)
	row := r.Section("ttl_laws").Tables[0].Rows[0]
	law, _ := row[2].Text()
	if ttl, _ := row[3].Number(); law != "fixed" || ttl < 3570 || ttl > 3640 {
		t.Errorf("%v", row)
	}
}
