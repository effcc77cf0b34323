package cmd

import (
	"testing"
	"time"

	"github.com/kvtool/kvtool/loadgen/recording"
)

// What a user notes during a run stands among its events, by time; before and after it nothing can be noted.
func TestNotesOfBoard(t *testing.T) {
	b := &board{newest: make(chan *recording.Recording, 1)}
	if b.annotate("early") == nil {
		t.Error("noted before anything was recorded")
	}
	rec := &recording.Recording{Began: time.Now().Add(-time.Minute), Events: []recording.Event{{At: 3 * time.Hour, Name: "sale"}}}
	b.update(rec)
	if err := b.annotate("deploy"); err != nil {
		t.Fatal(err)
	}
	b.annotated(rec)
	if es := rec.Events; len(es) != 2 || es[0].Name != "deploy" || es[0].At < time.Minute || es[0].At > 3*time.Hour || es[1].Name != "sale" {
		t.Errorf("events %v", es)
	}
	b.ended = true
	if b.annotate("late") == nil {
		t.Error("noted after the run")
	}
}
