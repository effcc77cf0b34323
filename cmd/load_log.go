package cmd

import (
	"bytes"
	"encoding/pem"
	"io"
	"slices"

	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
	"github.com/kvtool/kvtool/report/kvr"
)

// A run can be written into a log, where what is written into files is gone with the machine: as PEM (RFC 7468), base64 between two
// lines, so that it is found again among all else that the log has.

// armour is the name of such a block.
const armour = "KVTOOL RUN"

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
	_, err := w.Write(pemOf(b.Bytes()))
	return err
}

func pemOf(run []byte) []byte { return pem.EncodeToMemory(&pem.Block{Type: armour, Bytes: run}) }

// armoured returns the runs that a log has, and how many begin in it that are cut off or damaged.
func armoured(log []byte) (runs [][]byte, damaged int) {
	begin := []byte("-----BEGIN " + armour + "-----")
	for i, part := range bytes.Split(log, begin) {
		if i == 0 {
			continue // what is before the first
		}
		if block, _ := pem.Decode(slices.Concat(begin, part)); block != nil {
			runs = append(runs, block.Bytes)
		} else {
			damaged++
		}
	}
	return runs, damaged
}

// errDamaged says that a log holds less than what was written into it.
func errDamaged(path string, n int) error {
	return kv.WithHint(kv.Corruptf("%s: %d runs in it are cut off or damaged", path, n), "kubectl logs --tail=-1 prints all of a log")
}
