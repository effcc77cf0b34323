// Package geo is the arithmetic of a server's GEO commands: places on earth as numbers, distances, and where to look for what is
// near.
//
// The one idea is that a place is a cell of a grid of 2^26 by 2^26, and the number of the cell has the bits of its latitude and
// longitude in turns. What is close has numbers with the same beginning, mostly, so that places near another are a few ranges of
// scores in a sorted set:
//
//	number  … lon 1  lat 1  lon 0  lat 0        52 bits, exact in a float64
//
// Everything is computed as geohash.c, geohash_helper.c and geo.c of Redis 7.0 do, in the same order and without fused operations:
// replies are compared byte for byte.
package geo

import "math"

// The limits of coordinates in degrees: those of the Mercator projection (EPSG:3785), without the poles.
const (
	mostLon = 180
	mostLat = 85.05112878
)

const (
	steps     = 26                   // bits of a coordinate
	radian    = 0.017453292519943295 // of a degree
	earth     = 6372797.560856       // m, the quadratic mean radius
	mercator  = 20037726.37          // m, half of the equator, about
	alphabet  = "0123456789bcdefghjkmnpqrstuvwxyz"
	hashBytes = 11
)

// A Point is a place in degrees.
type Point struct{ Lon, Lat float64 }

// Valid reports whether a server can keep the place.
func (p Point) Valid() bool {
	return p.Lon >= -mostLon && p.Lon <= mostLon && p.Lat >= -mostLat && p.Lat <= mostLat
}

// A grid divides the world; those of scores and of the geohashes that everybody uses differ in the latitude.
type grid struct{ lon, lat float64 } // degrees east and north of 0

func scores() grid { return grid{mostLon, mostLat} }

// A cell is one of 4^step.
type cell struct {
	lon, lat uint64
	step     uint
}

// at returns the cell of a place. At the eastern and northern edges it is one beyond the grid.
func (g grid) at(p Point, step uint) cell {
	size := float64(uint64(1) << step)
	return cell{
		lon:  uint64((p.Lon + g.lon) / (g.lon + g.lon) * size),
		lat:  uint64((p.Lat + g.lat) / (g.lat + g.lat) * size),
		step: step,
	}
}

// bounds returns the corners of a cell.
func (g grid) bounds(c cell) (low, high Point) {
	size := float64(uint64(1) << c.step)
	edge := func(i uint32, most float64) float64 { return -most + float64(float64(i)/size*(most+most)) }
	lon, lat := uint32(c.lon), uint32(c.lat)
	return Point{edge(lon, g.lon), edge(lat, g.lat)}, Point{edge(lon+1, g.lon), edge(lat+1, g.lat)}
}

// number interleaves the coordinates.
func (c cell) number() uint64 { return spread(c.lat) | spread(c.lon)<<1 }

// spread puts bit i of 32 at 2i.
func spread(x uint64) uint64 {
	x = (x | x<<16) & 0x0000ffff0000ffff
	x = (x | x<<8) & 0x00ff00ff00ff00ff
	x = (x | x<<4) & 0x0f0f0f0f0f0f0f0f
	x = (x | x<<2) & 0x3333333333333333
	return (x | x<<1) & 0x5555555555555555
}

// gather is the inverse of spread.
func gather(x uint64) uint64 {
	x &= 0x5555555555555555
	x = (x | x>>1) & 0x3333333333333333
	x = (x | x>>2) & 0x0f0f0f0f0f0f0f0f
	x = (x | x>>4) & 0x00ff00ff00ff00ff
	x = (x | x>>8) & 0x0000ffff0000ffff
	return (x | x>>16) & 0x00000000ffffffff
}

// Encode returns the score of a valid place.
func Encode(p Point) uint64 { return scores().at(p, steps).number() }

// Decode returns the middle of the cell whose number a score is, whatever the score.
func Decode(score float64) Point {
	n := integer(score)
	low, high := scores().bounds(cell{gather(n >> 1), gather(n), steps})
	return Point{
		Lon: min(max((low.Lon+high.Lon)/2, -mostLon), mostLon),
		Lat: min(max((low.Lat+high.Lat)/2, -mostLat), mostLat),
	}
}

// integer is what x86-64 makes of a float64 as a uint64, on every machine.
func integer(x float64) uint64 {
	switch {
	case x >= 1<<64:
		return 0
	case x >= 1<<63:
		return uint64(x)
	case x >= -(1 << 63):
		return uint64(int64(x))
	}
	return 1 << 63
}

// Hash returns the geohash of a place. Of its 55 bits the server knows 52: the last letter is always 0.
func Hash(p Point) (hash [hashBytes]byte) {
	n := grid{180, 90}.at(p, steps).number()
	for i := range hashBytes - 1 {
		hash[i] = alphabet[n>>(52-5*(i+1))&31]
	}
	hash[hashBytes-1] = alphabet[0]
	return hash
}

// Distance returns the length of the great circle between two places in m, by the haversine formula.
func Distance(a, b Point) float64 {
	v := math.Sin((float64(b.Lon*radian) - float64(a.Lon*radian)) / 2)
	if v == 0 {
		return meridian(a.Lat, b.Lat)
	}
	lat1, lat2 := float64(a.Lat*radian), float64(b.Lat*radian)
	u := math.Sin((lat2 - lat1) / 2)
	h := float64(u*u) + float64(math.Cos(lat1)*math.Cos(lat2)*v*v)
	return 2.0 * earth * math.Asin(math.Sqrt(h))
}

// meridian returns the distance of two latitudes in m.
func meridian(a, b float64) float64 { return earth * math.Abs(float64(b*radian)-float64(a*radian)) }
