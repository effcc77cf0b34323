package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
)

// measureLive compares full and adaptive depth with the peer in one go, since the peer takes minutes, and adaptive with
// full depth: how far its bytes of a template are from those that were asked for key by key.
func measureLive(ctx context.Context, b *bench, r *result) error {
	target := "redis://127.0.0.1:" + b.main.server.port
	full := b.audit("audit --depth full", target, "--depth", "full", "--max-impact", "off")
	adaptive := b.audit("audit --depth adaptive", target, "--depth", "adaptive", "--max-impact", "off")
	full.out, adaptive.out = b.file("full.json"), b.file("adaptive.json")
	peer := b.tool(tool{
		label: "redis-cli --memkeys",
		args:  []string{"redis-cli", "-p", b.main.server.port, "--memkeys"}, out: b.file("memkeys.txt"), keys: numberBehind("Sampled "),
	})
	tools := []tool{full, adaptive, peer}
	for i := range tools {
		tools[i].reads = fromServer
	}
	var worst, mean []float64
	g, err := b.compare(ctx, b.liveRuns, b.main, tools, func() error {
		w, m, err := depart(full.out, adaptive.out)
		worst, mean = append(worst, w), append(mean, m)
		return err
	})
	if err != nil {
		return err
	}
	r.data, r.commands = b.main.describe(), g.commands()
	r.tables = g.table([]row{
		{"keys/s", "%.0f", keysPerSecond, true},
		{"server CPU us/key", "%.2f", serverPerKey, true},
		{"client CPU us/key", "%.2f", clientPerKey, true},
		{"wall s", "%.2f", wall, false},
		{"peak RSS MB", "%.0f", rss, false},
	}) + fmt.Sprintf("\nBytes of a template, adaptive against full depth: the worst template is off by %s %%, the mean by bytes is %s %%.\n",
		percent(worst).format("%.2f"), percent(mean).format("%.3f"))
	for _, c := range []struct {
		tool int
		claim
	}{
		{0, claim{"keys/s", keysPerSecond, 4.5, true}},
		{0, claim{"server CPU a key", serverPerKey, 0.45, false}},
		{0, claim{"client CPU a key", clientPerKey, 0.2, false}},
		{1, claim{"keys/s", keysPerSecond, 8, true}},
		{1, claim{"server CPU a key", serverPerKey, 0.3, false}},
	} {
		r.bars = append(r.bars, g.claim(c.tool, c.claim))
	}
	off := percent(worst)
	r.bars = append(r.bars, bar{
		figure: "adaptive against full depth: bytes of the worst template, % off", got: off.median, shown: off.format("%.2f"), limit: 1,
	})
	return nil
}

func percent(shares []float64) spread {
	s := spreadOf(shares)
	return spread{s.low * 100, s.median * 100, s.high * 100}
}

// depart returns how far the bytes of templates in one report are from those in another, as shares of the latter: of the
// template that is furthest off, and the mean by bytes. Both must have the same templates.
func depart(truth, guess string) (worst, mean float64, err error) {
	want, err := templateBytes(truth)
	if err != nil {
		return 0, 0, err
	}
	got, err := templateBytes(guess)
	if err != nil {
		return 0, 0, err
	}
	return departures(want, got)
}

func departures(want, got map[string]float64) (worst, mean float64, err error) {
	if len(want) == 0 || len(want) != len(got) {
		return 0, 0, fmt.Errorf("%d templates in one report and %d in the other", len(want), len(got))
	}
	var off, all float64
	for name, bytes := range want {
		g, ok := got[name]
		if !ok || bytes <= 0 {
			return 0, 0, fmt.Errorf("template %s is not in both reports", name)
		}
		off += math.Abs(g - bytes)
		all += bytes
		worst = max(worst, math.Abs(g-bytes)/bytes)
	}
	return worst, off / all, nil
}

// templateBytes reads the bytes of each template from a report.
func templateBytes(path string) (map[string]float64, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var r struct {
		Sections []struct {
			Tables []struct {
				Name    string
				Columns []struct{ Name string }
				Rows    [][]any
			}
		}
	}
	if err := json.NewDecoder(f).Decode(&r); err != nil {
		return nil, err
	}
	for _, s := range r.Sections {
		for _, t := range s.Tables {
			if t.Name != "templates" {
				continue
			}
			bytes := map[string]float64{}
			for _, row := range t.Rows {
				var name string
				var n float64
				for i, c := range t.Columns {
					switch c.Name {
					case "template":
						name, _ = row[i].(string)
					case "bytes":
						n, _ = row[i].(float64)
					}
				}
				bytes[name] = n
			}
			return bytes, nil
		}
	}
	return nil, errors.New("the report has no templates")
}
