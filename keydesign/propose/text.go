package propose

import (
	"strconv"

	"github.com/kvtool/kvtool/internal/humanize"
)

// plural writes a count with its noun: "1 key", "3 keys".
func plural(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return humanize.Exact(n) + " " + noun + "s"
}

// digits rounds a share to three digits, so that it is read with ease.
func digits(share float64) float64 {
	r, _ := strconv.ParseFloat(strconv.FormatFloat(share, 'g', 3, 64), 64)
	return r
}

// percent writes a share with two digits: "0.01%", "7.1%".
func percent(share float64) string { return strconv.FormatFloat(100*share, 'g', 2, 64) + "%" }
