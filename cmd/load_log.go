package cmd

import (
	"bytes"
	"io"

	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
	"github.com/kvtool/kvtool/report/kvr"
)

// toLog is the path that means the log.
const toLog = "-"

// checkLog refuses what would stand in the log together with something else that a program reads.
func checkLog(outs []output) error {
	for _, x := range outs {
		if x.path == "" && !x.readable() {
			return kv.WithHint(kv.Usagef("--out -: -o %s goes to stdout, too", x.format.Name), "give it a path: -o "+x.format.Name+"=FILE")
		}
	}
	return nil
}

// writeArmoured writes a run for a log.
func writeArmoured(w io.Writer, r *report.Report) error {
	var b bytes.Buffer
	if err := kvr.Write(&b, r); err != nil {
		return err
	}
	_, err := w.Write(kvr.Armour(b.Bytes()))
	return err
}

// errDamaged says that a log holds less than what was written into it.
func errDamaged(path string, n int) error {
	return kv.WithHint(kv.Corruptf("%s: %d runs in it are cut off or damaged", path, n), "kubectl logs --tail=-1 prints all of a log")
}
