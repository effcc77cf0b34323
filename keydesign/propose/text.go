package propose

import "strconv"

// digits rounds a share to three digits, so that it is read with ease.
func digits(share float64) float64 {
	r, _ := strconv.ParseFloat(strconv.FormatFloat(share, 'g', 3, 64), 64)
	return r
}

// percent writes a share with two digits: "0.01%", "7.1%".
func percent(share float64) string { return strconv.FormatFloat(100*share, 'g', 2, 64) + "%" }
