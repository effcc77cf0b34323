package geo

import "math"

// A Shape is what is searched: a circle, or a box whose sides run north and east. Lengths are in units of so many m.
type Shape struct {
	Center        Point
	Unit          float64
	Box           bool
	Radius        float64 // of a circle
	Width, Height float64 // of a box
}

// Holds reports whether p is in the shape, and if so how far from its center, in m.
func (s *Shape) Holds(p Point) (distance float64, ok bool) {
	if !s.Box {
		distance = Distance(s.Center, p)
		return distance, !(distance > s.Radius*s.Unit)
	}
	if meridian(p.Lat, s.Center.Lat) > s.Height*s.Unit/2 {
		return 0, false
	}
	if Distance(p, Point{s.Center.Lon, p.Lat}) > s.Width*s.Unit/2 {
		return 0, false
	}
	return Distance(s.Center, p), true
}

// bounds returns the box around the shape. East and west are those of its side that is further from the equator.
func (s *Shape) bounds() (low, high Point) {
	height, width := s.Unit*s.Radius, s.Unit*s.Radius
	if s.Box {
		height, width = s.Unit*(s.Height/2), s.Unit*(s.Width/2)
	}
	c := s.Center
	north := height / earth / radian
	side := c.Lat + north
	if c.Lat < 0 {
		side = c.Lat - north
	}
	east := width / earth / math.Cos(side*radian) / radian
	return Point{c.Lon - east, c.Lat - north}, Point{c.Lon + east, c.Lat + north}
}

// reach returns the distance of the center to the rim, in m.
func (s *Shape) reach() float64 {
	if !s.Box {
		return s.Radius * s.Unit
	}
	w, h := s.Width/2, s.Height/2
	return math.Sqrt(float64(w*w)+float64(h*h)) * s.Unit
}

// stepFor returns how fine a grid is to be, so that a cell and the eight around it hold all that is within a distance in m.
func stepFor(distance, lat float64) uint {
	if distance == 0 {
		return steps
	}
	step := -1 // two less than the first whose cells are too small
	for ; distance < mercator; distance *= 2 {
		step++
	}
	switch lat = math.Abs(lat); {
	case lat > 80:
		step -= 2
	case lat > 66:
		step--
	}
	return uint(min(max(step, 1), steps))
}

// A Range is of scores, without High.
type Range struct{ Low, High float64 }

// Ranges appends the ranges in which everything in the shape has its score, at most nine, in the order in which a server searches
// them. There may be places in them that the shape does not hold.
func (s *Shape) Ranges(dst []Range) []Range {
	low, high := s.bounds()
	g := scores()
	step := stepFor(s.reach(), s.Center.Lat)
	around := g.at(s.Center, step).around()
	if step > 1 && g.misses(&around, low, high) {
		step--
		around = g.at(s.Center, step).around()
	}
	if step >= 2 {
		g.trim(&around, low, high)
	}
	last := 0
	for i, c := range around {
		if c.step == 0 || last > 0 && c == around[last] {
			continue
		}
		dst = append(dst, c.scores())
		last = i
	}
	return dst
}

// scores returns the range of scores in a cell.
func (c cell) scores() Range {
	n := c.number()
	shift := 2 * (steps - c.step)
	return Range{float64(n << shift), float64((n + 1) << shift)}
}

// The cells around one, after itself.
const (
	self = iota
	north
	south
	east
	west
	northEast
	northWest
	southEast
	southWest
	cells
)

type neighbours [cells]cell

func (c cell) around() neighbours {
	return neighbours{
		c, c.move(0, 1), c.move(0, -1), c.move(1, 0), c.move(-1, 0),
		c.move(1, 1), c.move(-1, 1), c.move(1, -1), c.move(-1, -1),
	}
}

// move goes around the world; north of the north is the south.
func (c cell) move(east, north int64) cell {
	mask := uint64(1)<<c.step - 1
	if east != 0 {
		c.lon = (c.lon + uint64(east)) & mask
	}
	if north != 0 {
		c.lat = (c.lat + uint64(north)) & mask
	}
	return c
}

// misses reports whether the box goes beyond the cells on a side.
func (g grid) misses(n *neighbours, low, high Point) bool {
	_, top := g.bounds(n[north])
	bottom, _ := g.bounds(n[south])
	_, right := g.bounds(n[east])
	left, _ := g.bounds(n[west])
	return top.Lat < high.Lat || bottom.Lat > low.Lat || right.Lon < high.Lon || left.Lon > low.Lon
}

// trim takes out the neighbours on sides where the box does not leave the cell.
func (g grid) trim(n *neighbours, low, high Point) {
	from, to := g.bounds(n[self])
	drop := func(cells ...int) {
		for _, i := range cells {
			n[i] = cell{}
		}
	}
	if from.Lat < low.Lat {
		drop(south, southWest, southEast)
	}
	if to.Lat > high.Lat {
		drop(north, northEast, northWest)
	}
	if from.Lon < low.Lon {
		drop(west, southWest, northWest)
	}
	if to.Lon > high.Lon {
		drop(east, southEast, northEast)
	}
}
