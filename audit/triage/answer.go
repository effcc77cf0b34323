package triage

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

// Limits of the rules about answers.
const (
	stallLeast = 1.0 // seconds
	busyMean   = 0.9
)

// answerRules are about whether a server answers at all.
func answerRules() []rule {
	return []rule{
		{
			Rule: report.Rule{
				ID: "TR001", Name: "no-answer", Title: "A server that does not answer", Severity: report.Error,
				Doc: `The server accepts connections, or keeps the one that there is, and does not answer. The kernel accepts them for the process,
so that what is at a standstill is the process: it is stopped (SIGSTOP, a debugger, a frozen virtual machine or container), waits for
a disk or for swapped memory, or its one thread is in a command that takes long. The finding says from which moment, and what the
connection did.`,
				Fix:  "look at the process: ps -o stat,wchan -p PID (T is stopped, D waits for a disk), then at the host's disk and memory",
				Bad:  []string{"connected within 0.2 ms, PING at 03:12:07 and no byte since"},
				Good: []string{"PONG within 1 ms, every time"},
				Limits: []report.Limit{
					{Name: "seconds", Value: stallLeast, Unit: report.UnitDuration, Source: ours + ": without an answer"},
				},
			},
			judge:  noAnswer,
			unless: []string{"TR002", "TR003", "TR004", "TR005", "TR006", "TR020"},
		},
		{
			Rule: report.Rule{
				ID: "TR002", Name: "loading", Title: "A server that is still loading its data", Severity: report.Error, Stores: redisFamily(),
				Doc: `The server was started, or a replica receives everything from its primary, and until that is loaded it refuses what it is asked
(LOADING). How long that takes depends on the size of the file: about a second for each 100 to 300 MB.`,
				Fix:  "wait; let clients go elsewhere meanwhile, and find out why it was restarted",
				Bad:  []string{"-LOADING Redis is loading the dataset in memory"},
				Good: []string{"loading:0"},
			},
			judge: loading,
		},
		{
			Rule: report.Rule{
				ID: "TR019", Name: "restarted", Title: "A server that was started again just now", Severity: report.Error,
				Stores: serverFamily(),
				Doc: `The server was restarted while it was watched: it has another run_id, or has been up for less time than it was watched. A server
that restarts by itself is killed (out of memory), crashes, or is restarted by who supervises it because it does not answer in
time.`,
				Fix:  "the log of the kernel and of the supervisor say who ended it: dmesg, journalctl -u redis",
				Bad:  []string{"uptime_in_seconds:3 after 10 s of watching"},
				Good: []string{"uptime_in_seconds:8640000"},
			},
			judge: restarted,
		},
		{
			Rule: report.Rule{
				ID: "TR020", Name: "script-running", Title: "A script that has kept the server from everything else for seconds", Severity: report.Error,
				Stores: redisFamily(),
				Doc: `A script or a function has run for longer than busy-reply-threshold (5 s), and the server refuses everything else (BUSY) until it has
ended. SCRIPT KILL and FUNCTION KILL end one that has not written anything; one that has can only be waited for.`,
				Fix:  "SCRIPT KILL, or FUNCTION KILL for a function; then take the loop out of it",
				Bad:  []string{"-BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE."},
				Good: []string{"+PONG"},
			},
			judge: scriptRunning,
		},
	}
}

// noAnswer is a server that says nothing, at the end or for a while.
func noAnswer(p *pair) []Cause {
	c := Cause{
		Severity: report.Error, Subject: server,
		Avoid: "do not restart it before it is known what it waits for: that loses what would tell, and loading takes longer than most stalls",
	}
	var silence *kv.Silence
	if errors.As(p.Failed, &silence) {
		if !p.Since.IsZero() && p.Since.Before(silence.Asked) {
			whole := *silence
			whole.Asked, whole.Waited = p.Since, silence.Waited+silence.Asked.Sub(p.Since)
			silence = &whole
		}
		c.Message, c.Weight = silent(silence), 1
		c.Measure = report.Metric{Name: "silent", Value: report.Seconds(silence.Waited), Unit: report.UnitDuration}
		c.Evidence = []report.Metric{
			{Name: "asked", Value: report.Text(silence.Asked.UTC().Format("15:04:05.000")), Unit: report.UnitText},
			{Name: "reached", Value: flag(silence.Reached), Unit: report.UnitFlag},
		}
		if silence.Connected > 0 {
			c.Evidence = append(c.Evidence, report.Metric{Name: "connected", Value: report.Seconds(silence.Connected), Unit: report.UnitDuration})
		}
		return []Cause{c}
	}
	worst := p.stalled()
	if worst.Took.Seconds() < stallLeast || isReply(worst.Err) {
		return nil
	}
	c.Message = fmt.Sprintf("no answer for %s from %s UTC on, and then it answered again", humanize.Duration(worst.Took.Seconds()),
		worst.At.UTC().Format("15:04:05.0"))
	c.Measure = report.Metric{Name: "silent", Value: report.Seconds(worst.Took), Unit: report.UnitDuration}
	c.Evidence = p.pings()
	c.Weight = worst.Took.Seconds() / max(p.seconds, worst.Took.Seconds())
	return []Cause{c}
}

// silent says what a server did that has not answered.
func silent(s *kv.Silence) string {
	from := s.Asked.UTC().Format("15:04:05.0") + " UTC"
	switch {
	case !s.Reached:
		return fmt.Sprintf("since %s no connection can be made: %s", from, s.Err)
	case s.Closed:
		return fmt.Sprintf("at %s the connection was closed without an answer", from)
	case s.Connected > 0:
		return fmt.Sprintf("connections are accepted (in %s) and nothing is answered since %s: the process is stopped, or busy with one thing",
			humanize.Duration(s.Connected.Seconds()), from)
	}
	return fmt.Sprintf("the connection is still there, and nothing is answered on it since %s: the process is stopped, or busy with one thing", from)
}

func isReply(err error) bool {
	var reply kv.ReplyError
	return errors.As(err, &reply)
}

func flag(b bool) report.Value {
	if b {
		return report.Number(1)
	}
	return report.Number(0)
}

// pings are how long signs of life took.
func (p *pair) pings() []report.Metric {
	if len(p.Probes) == 0 {
		return nil
	}
	worst, sum := time.Duration(0), time.Duration(0)
	for _, x := range p.Probes {
		worst, sum = max(worst, x.Took), sum+x.Took
	}
	return []report.Metric{
		{Name: "ping_mean", Value: report.Seconds(sum / time.Duration(len(p.Probes))), Unit: report.UnitDuration},
		{Name: "ping_max", Value: report.Seconds(worst), Unit: report.UnitDuration},
	}
}

// refused returns what the server said in place of an answer, if the last thing it said begins with a word.
func (p *pair) refused(class string) (text string, ok bool) {
	var reply kv.ReplyError
	if errors.As(p.Failed, &reply) && reply.Class() == class {
		return string(reply), true
	}
	for i := len(p.Probes) - 1; i >= 0; i-- {
		if errors.As(p.Probes[i].Err, &reply) && reply.Class() == class {
			return string(reply), true
		}
	}
	return "", false
}

func loading(p *pair) []Cause {
	said, refuses := p.refused("LOADING")
	if !refuses && p.number("loading") != 1 {
		return nil
	}
	c := Cause{
		Severity: report.Error, Subject: server, Weight: 1, Message: "the server is loading its data and answers nothing else",
		Measure: report.Metric{Name: "loaded", Value: report.Null, Unit: report.UnitRatio},
		Avoid:   "do not restart it: loading begins anew",
	}
	if perc, ok := p.now("loading_loaded_perc"); ok {
		c.Measure.Value = report.Number(perc / 100)
		c.Message += fmt.Sprintf(": %s of it is done", humanize.Ratio(perc/100))
	}
	if eta, ok := p.now("loading_eta_seconds"); ok {
		c.Evidence = append(c.Evidence, report.Metric{Name: "left", Value: report.Number(eta), Unit: report.UnitDuration})
	}
	if refuses {
		c.Evidence = append(c.Evidence, report.Metric{Name: "said", Value: report.Text(strings.TrimSpace(said)), Unit: report.UnitText})
	}
	return []Cause{c}
}

func restarted(p *pair) []Cause {
	if p.Before == nil || p.After == nil {
		return nil
	}
	was, is := p.Before.Texts["run_id"], p.After.Texts["run_id"]
	up, told := p.now("uptime_in_seconds")
	before := p.Before.Numbers["uptime_in_seconds"]
	if (was == "" || is == "" || was == is) && (!told || up >= before) {
		return nil
	}
	return []Cause{{
		Severity: report.Error, Subject: server, Weight: 1, Message: "the server was restarted while it was watched",
		Measure: report.Metric{Name: "up", Value: report.Number(up), Unit: report.UnitDuration},
		Avoid:   "do not raise the timeouts of who supervises it before the log says why it went",
	}}
}

// avoidShutdown is what not to do about a script.
const avoidShutdown = "do not use SHUTDOWN NOSAVE unless what was written since the last snapshot may be lost"

func scriptRunning(p *pair) []Cause {
	said, busy := p.refused("BUSY")
	if !busy {
		return nil
	}
	first, _, _ := strings.Cut(strings.TrimSpace(said), ". ")
	c := Cause{
		Severity: report.Error, Subject: "scripts", Weight: 1, Message: "a script is running, and the server refuses everything else (BUSY)",
		Do: "SCRIPT KILL (FUNCTION KILL for a function) ends it if it has not written anything", Avoid: avoidShutdown,
		Measure:  report.Metric{Name: "running", Value: report.Number(1), Unit: report.UnitFlag},
		Evidence: []report.Metric{{Name: "said", Value: report.Text(first), Unit: report.UnitText}},
	}
	if p.After != nil {
		c.Message = "a script ran for so long that the server refused everything else (BUSY)"
	}
	c.Evidence = append(c.Evidence, p.pings()...)
	return []Cause{c}
}
