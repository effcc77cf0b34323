package triage_test

import (
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/kvtool/kvtool/internal/servertest"
)

// A plant makes a server suffer from one cause until the test ends.
type plant struct {
	rule string
	says string   // in its message, where the rule has several; "" is any
	how  string   // for docs/triage.md: what is planted, and what is a double
	args []string // of the server
	lib  string   // source in C of what the server is to use before its own library
	sow  func(t *testing.T, s *servertest.Server)
	// during is what happens while the server is watched, once in each window.
	during func(t *testing.T, s *servertest.Server)
	// elsewhere plants in a server of its own, and returns the target that suffers.
	elsewhere func(t *testing.T) string
	waits     bool // it takes time and hardly any processor: others are planted meanwhile
}

// again calls f in a goroutine until the test ends or f says that it is over.
func again(t *testing.T, f func() bool) {
	t.Helper()
	var running sync.WaitGroup
	end := make(chan struct{})
	running.Go(func() {
		for {
			select {
			case <-end:
				return
			default:
				if !f() {
					return
				}
			}
		}
	})
	t.Cleanup(func() { close(end); running.Wait() })
}

// loop sends one command after the other.
func loop(t *testing.T, s *servertest.Server, words ...string) {
	t.Helper()
	c := s.Client(t)
	c.Must(t, words...) // once is enough to know that it works
	again(t, func() bool { _, failed := c.Do(words...).(error); return !failed })
}

const plantedKeys = 20_000

func sowLua(t *testing.T, s *servertest.Server) {
	loop(t, s, "EVAL", "local x = 0 for i = 1, 150000 do x = x + i end return x", "0")
}

func sowBigValue(t *testing.T, s *servertest.Server) {
	c := s.Client(t)
	c.Fill(t, 5000, func(i int) []string {
		return []string{"HSET", "profile:all", "f" + strconv.Itoa(i), strings.Repeat("x", 1000)}
	})
	loop(t, s, "HGETALL", "profile:all")
}

func sowFull(t *testing.T, s *servertest.Server) {
	c := s.Client(t)
	n := 0
	set := func(int) []string { n++; return []string{"SET", "page:" + strconv.Itoa(n), strings.Repeat("x", 1000)} }
	servertest.Until(t, "memory is full", func() bool {
		c.Fill(t, 2000, set)
		return number(c, "stats", "evicted_keys") > 0
	})
	again(t, func() bool { return c.Send(20, set) == nil })
}

func sowUnread(t *testing.T, s *servertest.Server) {
	s.Client(t).Must(t, "SET", "blob", strings.Repeat("x", 256<<10))
	conn, err := net.Dial("tcp", s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if _, err := io.WriteString(conn, strings.Repeat("GET blob\r\n", 200)); err != nil {
		t.Fatal(err)
	}
	c := s.Client(t)
	servertest.Until(t, "answers wait", func() bool { return number(c, "memory", "mem_clients_normal") > 32<<20 })
}

// stop has a replica follow, and then stop.
func stop(t *testing.T, s *servertest.Server) {
	replica := servertest.Redis(t, servertest.Options{Args: []string{"--repl-ping-replica-period", "1"}})
	host, port, _ := net.SplitHostPort(s.Addr)
	replica.Client(t).Must(t, "REPLICAOF", host, port)
	c := s.Client(t)
	servertest.Until(t, "the replica follows", func() bool { return strings.Contains(info(c, "replication"), "state=online") })
	c.Must(t, "SET", "x", "1")
	c.Must(t, "WAIT", "1", "20000") // where it is, is known from then on
	halt(t, replica)
}

func halt(t *testing.T, s *servertest.Server) {
	t.Helper()
	if err := syscall.Kill(s.PID, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
}

func sowStopped(t *testing.T, s *servertest.Server) {
	stop(t, s)
	c := s.Client(t)
	servertest.Until(t, "the replica lags", func() bool {
		_, rest, _ := strings.Cut(info(c, "replication"), "lag=")
		lag, _, _ := strings.Cut(rest, "\r\n")
		n, _ := strconv.Atoi(lag)
		return n >= 3
	})
}

// sowGap writes more than the backlog of a mebibyte holds while a replica is stopped.
func sowGap(t *testing.T, s *servertest.Server) {
	stop(t, s)
	value := strings.Repeat("x", 32<<10)
	s.Client(t).Fill(t, 128, func(int) []string { return []string{"SET", "page", value} })
}

func sowKeys(t *testing.T, s *servertest.Server) {
	s.Client(t).Fill(t, plantedKeys, func(i int) []string { return []string{"SET", "user:" + strconv.Itoa(i), "x"} })
	loop(t, s, "KEYS", "*nobody*")
}

func sowChurn(t *testing.T, s *servertest.Server) {
	for range 2 {
		again(t, func() bool {
			c, err := servertest.Dial("tcp", s.Addr)
			if err != nil {
				return false
			}
			defer c.Close()
			_, failed := c.Do("ECHO", "x").(error)
			return !failed
		})
	}
}

func sowExpired(t *testing.T, s *servertest.Server) {
	c := s.Client(t)
	c.Must(t, "CONFIG", "SET", "hz", "1") // one search a second, of 250 ms
	at := time.Now().Add(1500 * time.Millisecond).UnixMilli()
	for i := range 4 {
		c.Must(t, "EVAL", "for i = 1, 50000 do redis.call('SET', KEYS[1] .. i, '', 'PXAT', ARGV[1]) end", "1", fmt.Sprint("session:", i, ":"), fmt.Sprint(at))
	}
	servertest.Until(t, "keys are past their time", func() bool {
		return time.Now().UnixMilli() > at && number(c, "stats", "expired_stale_perc") > 10
	})
}

func info(c *servertest.Client, section string) string {
	text, _ := c.Do("INFO", section).(string)
	return text
}

func number(c *servertest.Client, section, name string) float64 {
	_, rest, _ := strings.Cut(info(c, section), name+":")
	value, _, _ := strings.Cut(rest, "\r\n")
	x, _ := strconv.ParseFloat(value, 64)
	return x
}

func sowWaiting(t *testing.T, s *servertest.Server) {
	s.Client(t).Must(t, "SET", "x", "1")
	for range 3 {
		c := s.Client(t)
		again(t, func() bool { c.Do("SET", "x", "1"); _, failed := c.Do("WAIT", "1", "50").(error); return !failed })
	}
}

func sowClients(t *testing.T, s *servertest.Server) {
	for range 18 {
		s.Client(t).Must(t, "PING")
	}
}

func sowMisses(t *testing.T, s *servertest.Server) {
	c := s.Client(t)
	c.Must(t, "SET", "user:1", "x")
	c.Fill(t, 30_000, func(int) []string { return []string{"GET", "user:1"} })
	again(t, func() bool { return c.Send(100, func(int) []string { return []string{"GET", "nobody"} }) == nil })
}

func sowErrors(t *testing.T, s *servertest.Server) {
	c := s.Client(t)
	c.Must(t, "SET", "user:1", "x")
	again(t, func() bool { c.Do("LPUSH", "user:1", "x"); return !strings.Contains(fmt.Sprint(c.Do("PING")), "EOF") })
}

func sowNoFolder(t *testing.T, s *servertest.Server) {
	c := s.Client(t)
	dir := t.TempDir() + "/gone"
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	c.Must(t, "CONFIG", "SET", "dir", dir)
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	c.Must(t, "CONFIG", "SET", "save", "3600 1")
	c.Must(t, "SET", "x", "1")
	c.Must(t, "BGSAVE")
	servertest.Until(t, "the snapshot fails", func() bool { return strings.Contains(info(c, "persistence"), "rdb_last_bgsave_status:err") })
}

func sowHeadroom(t *testing.T, s *servertest.Server) {
	c := s.Client(t)
	c.Fill(t, 20_000, func(i int) []string { return []string{"SET", "page:" + strconv.Itoa(i), strings.Repeat("x", 1000)} })
	c.Must(t, "CONFIG", "SET", "maxmemory", fmt.Sprintf("%.0f", number(c, "memory", "used_memory")/.9))
}

func sowSlow(t *testing.T, s *servertest.Server) { loop(t, s, "DEBUG", "SLEEP", "0.02") }

func sowWriter(t *testing.T, s *servertest.Server) { loop(t, s, "SET", "x", "1") }

// sowOrphan is a replica whose primary is not there.
func sowOrphan(t *testing.T, s *servertest.Server) {
	s.Client(t).Must(t, "REPLICAOF", "127.0.0.1", "1")
}

// sowResync has a primary wait for more replicas before it sends the first one everything.
func sowResync(t *testing.T, s *servertest.Server) {
	replica := servertest.Redis(t, servertest.Options{})
	host, port, _ := net.SplitHostPort(s.Addr)
	replica.Client(t).Must(t, "REPLICAOF", host, port)
	c := s.Client(t)
	servertest.Until(t, "the replica waits", func() bool { return strings.Contains(info(c, "replication"), "state=wait_bgsave") })
}

// sowLoading is a replica that takes its time to load what it was sent.
func sowLoading(t *testing.T) string {
	primary := servertest.Redis(t, servertest.Options{Args: []string{"--repl-diskless-sync-delay", "0"}})
	primary.Client(t).Fill(t, 10_000, func(i int) []string { return []string{"SET", "user:" + strconv.Itoa(i), strings.Repeat("x", 100)} })
	replica := servertest.Redis(t, servertest.Options{Args: []string{"--key-load-delay", "3000", "--loading-process-events-interval-bytes", "1024"}})
	host, port, _ := net.SplitHostPort(primary.Addr)
	c := replica.Client(t)
	c.Must(t, "REPLICAOF", host, port)
	servertest.Until(t, "it loads", func() bool { return strings.HasPrefix(fmt.Sprint(c.Do("GET", "x")), "LOADING") })
	return "redis://" + replica.Addr
}

// sowScript has a script run that never ends.
func sowScript(t *testing.T, s *servertest.Server) {
	script := s.Client(t)
	again(t, func() bool { script.Do("EVAL", "while true do end", "0"); return false })
	c := s.Client(t)
	servertest.Until(t, "the script runs", func() bool { return strings.HasPrefix(fmt.Sprint(c.Do("PING")), "BUSY") })
	t.Cleanup(func() { c.Do("SCRIPT", "KILL") })
}

// sowThread has four clients send many short commands of several kinds, each before the one before it is answered.
func sowThread(t *testing.T, s *servertest.Server) {
	s.Client(t).Fill(t, 500, func(i int) []string { return []string{"RPUSH", "queue", "job:" + strconv.Itoa(i)} })
	commands := [][]string{{"LPOS", "queue", "nobody"}, {"INCR", "visits"}, {"LPOS", "queue", "none"}, {"HGET", "user:1", "name"}}
	for range 4 {
		c := s.Client(t)
		again(t, func() bool { return c.Send(2000, func(i int) []string { return commands[i%len(commands)] }) == nil })
	}
}

// sowTraffic has clients read values of a size that is nothing special, as fast as takes the network and not the thread.
func sowTraffic(t *testing.T, s *servertest.Server) {
	const size, batch = 32 << 10, 96 // 3 MiB wait at most, which no client is blamed for
	s.Client(t).Must(t, "SET", "page", strings.Repeat("x", size))
	ask, answer := strings.Repeat("GET page\r\n", batch), int64(batch*len(fmt.Sprintf("$%d\r\n%*s\r\n", size, size, "")))
	for range 6 {
		conn, err := net.Dial("unix", s.Socket)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		again(t, func() bool {
			time.Sleep(20 * time.Millisecond)
			if _, err := io.WriteString(conn, ask); err != nil {
				return false
			}
			_, err := io.CopyN(io.Discard, conn, answer)
			return err == nil
		})
	}
}

// sowForks takes one snapshot after the other.
func sowForks(t *testing.T, s *servertest.Server) {
	c := s.Client(t)
	again(t, func() bool {
		time.Sleep(20 * time.Millisecond)
		c.Do("BGSAVE")
		_, failed := c.Do("PING").(error)
		return !failed
	})
	watched := s.Client(t)
	servertest.Until(t, "it has forked", func() bool { return number(watched, "stats", "total_forks") > 0 })
}

// write has the server set n keys to values of a letter, by itself, which is sooner done than by sending them.
func write(t *testing.T, c *servertest.Client, n, size int, letter string) {
	t.Helper()
	const script = "local v = string.rep(ARGV[3], ARGV[2]) for i = 1, ARGV[1] do redis.call('SET', KEYS[1] .. i, v) end"
	c.Must(t, "EVAL", script, "1", "record:", strconv.Itoa(n), strconv.Itoa(size), letter)
}

// sowCopies rewrites all that there is while a child writes it to disk.
func sowCopies(t *testing.T, s *servertest.Server) {
	c := s.Client(t)
	write(t, c, 45_000, 3000, "x")
	c.Must(t, "BGSAVE")
	t.Cleanup(func() { c.Do("SHUTDOWN", "NOSAVE") }) // which ends the child
	write(t, c, 45_000, 3000, "y")
	servertest.Until(t, "pages are copied", func() bool { return number(c, "persistence", "current_cow_size") > 110<<20 })
}

// sowHoles deletes three of four values, side by side in memory: what is left holds every page.
func sowHoles(t *testing.T, s *servertest.Server) {
	c := s.Client(t)
	key := func(i int) string { return "record:" + strconv.Itoa(i) }
	write(t, c, 25_000, 7000, "x")
	c.Fill(t, 25_000/4, func(i int) []string { return []string{"DEL", key(4*i + 1), key(4*i + 2), key(4*i + 3)} })
	servertest.Until(t, "memory is lost", func() bool {
		return number(c, "memory", "used_memory_rss")-number(c, "memory", "used_memory") > 110<<20
	})
}

// sowSwapped fills a server whose pages are taken from it.
func sowSwapped(t *testing.T, s *servertest.Server) {
	c := s.Client(t)
	write(t, c, 20_000, 7000, "x")
	servertest.Until(t, "memory is elsewhere", func() bool { return number(c, "memory", "used_memory_rss") < 100<<20 })
}

// sowChangedTable changes a table of a server of DynamoDB's protocol, which takes its time to do so.
func sowChangedTable(t *testing.T) string {
	url := servertest.SlowDynamoDB(t, time.Hour)
	makeTable(t, url)
	servertest.Amazon(t, url, "UpdateTable", `{"TableName":"shop","ProvisionedThroughput":{"ReadCapacityUnits":9,"WriteCapacityUnits":9}}`)
	return "dynamodb://shop?endpoint=" + url
}

// sowChangedIndex is sowChangedTable of an index.
func sowChangedIndex(t *testing.T) string {
	url := servertest.SlowDynamoDB(t, time.Hour)
	makeTable(t, url)
	servertest.Amazon(t, url, "UpdateTable", `{"TableName":"shop","GlobalSecondaryIndexUpdates":[{"Update":{"IndexName":"by_mail",`+
		`"ProvisionedThroughput":{"ReadCapacityUnits":9,"WriteCapacityUnits":9}}}]}`)
	return "dynamodb://shop?endpoint=" + url
}

func makeTable(t *testing.T, url string) {
	t.Helper()
	const units = `"ProvisionedThroughput":{"ReadCapacityUnits":5,"WriteCapacityUnits":5}`
	servertest.Amazon(t, url, "CreateTable", `{"TableName":"shop","KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}],`+units+
		`,"AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"},{"AttributeName":"mail","AttributeType":"S"}],`+
		`"GlobalSecondaryIndexes":[{"IndexName":"by_mail","KeySchema":[{"AttributeName":"mail","KeyType":"HASH"}],`+
		`"Projection":{"ProjectionType":"ALL"},`+units+`}]}`)
	servertest.Until(t, "the table is active", func() bool {
		said := servertest.Amazon(t, url, "DescribeTable", `{"TableName":"shop"}`)
		return strings.Count(said, `"ACTIVE"`) == 2
	})
}
