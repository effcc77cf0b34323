package chart

import (
	"math"
	"slices"
)

// A Rect is a place in a drawing, from its upper left corner.
type Rect struct{ X, Y, W, H float64 }

// Squarify divides a rectangle among weights in proportion, so that the parts are as square as can be: the algorithm of Bruls,
// Huizing and van Wijk, "Squarified treemaps" (2000). It fills rows along the shorter side of what is left, each with as many
// weights as make its parts squarer. The greatest should come first. What weighs nothing, or nothing known, has no area.
//
//	┌──────┬───┐   the first row stands at the left, as the rectangle is wider than high;
//	│      ├─┬─┤   what is left of it is divided in the same way
//	└──────┴─┴─┘
func Squarify(weights []float64, w, h float64) []Rect {
	rects := make([]Rect, len(weights))
	most, total := 0.0, 0.0
	var some []int // indices of what has a weight
	for i, v := range weights {
		if v > 0 && !math.IsInf(v, 0) {
			most = max(most, v)
			some = append(some, i)
		}
	}
	weights = slices.Clone(weights)
	for _, i := range some { // as shares of the greatest: their sum has to be a number
		weights[i] /= most
		total += weights[i]
	}
	some = slices.DeleteFunc(some, func(i int) bool { return weights[i] == 0 })
	if total <= 0 || !(w > 0) || !(h > 0) {
		return rects
	}
	perWeight := w * h / total
	left := Rect{W: w, H: h}
	for len(some) > 0 {
		n, sum := row(weights, some, min(left.W, left.H), perWeight)
		if n == 0 || n == len(some) { // the last row takes what is left, whatever rounding has made of it
			n, sum = len(some), total
		}
		left = left.take(rects, weights, some[:n], sum, min(sum/total, 1))
		some, total = some[n:], total-sum
	}
	return rects
}

// row returns how many of the weights stand in the next row along a side, and their sum.
func row(weights []float64, some []int, side, perWeight float64) (n int, sum float64) {
	worst := math.Inf(1)
	least, most := math.Inf(1), 0.0
	for _, i := range some {
		v := weights[i]
		next := aspect(sum+v, min(least, v), max(most, v), side, perWeight)
		if next > worst {
			break
		}
		n, sum, worst = n+1, sum+v, next
		least, most = min(least, v), max(most, v)
	}
	return n, sum
}

// aspect is how far from a square the worst part of a row is: its longer side by its shorter one.
func aspect(sum, least, most, side, perWeight float64) float64 {
	area := sum * perWeight
	return max(side*side*most*perWeight/(area*area), area*area/(side*side*least*perWeight))
}

// take places a row, which is a share of r, at the shorter side of r, and returns what is left of r.
func (r Rect) take(rects []Rect, weights []float64, row []int, sum, share float64) Rect {
	at := 0.0
	for _, i := range row {
		part := weights[i] / sum
		if r.W >= r.H {
			rects[i] = Rect{r.X, r.Y + at*r.H, r.W * share, r.H * part}
		} else {
			rects[i] = Rect{r.X + at*r.W, r.Y, r.W * part, r.H * share}
		}
		at += part
	}
	if r.W >= r.H {
		return Rect{r.X + r.W*share, r.Y, r.W * (1 - share), r.H}
	}
	return Rect{r.X, r.Y + r.H*share, r.W, r.H * (1 - share)}
}
