package command

import (
	"fmt"

	"github.com/kvtool/kvtool/adapters/reference/engine"
	"github.com/kvtool/kvtool/adapters/reference/geo"
	"github.com/kvtool/kvtool/adapters/reference/number"
	"github.com/kvtool/kvtool/adapters/reference/value"
)

func geoCommands() []engine.Command {
	return []engine.Command{
		{Name: "geoadd", Run: geoadd},
		{Name: "geopos", Run: geopos},
		{Name: "geohash", Run: geohash},
		{Name: "geodist", Run: geodist},
		{Name: "geosearch", Run: geosearch},
		{Name: "geosearchstore", Run: geosearchstore},
		{Name: "georadius", Run: func(c *engine.Call) { georadius(c, true) }},
		{Name: "georadius_ro", Run: func(c *engine.Call) { georadius(c, false) }},
		{Name: "georadiusbymember", Run: func(c *engine.Call) { georadiusbymember(c, true) }},
		{Name: "georadiusbymember_ro", Run: func(c *engine.Call) { georadiusbymember(c, false) }},
	}
}

// coordinates reads a longitude and a latitude. It answers the error itself.
func coordinates(c *engine.Call, args [][]byte) (p geo.Point, ok bool) {
	if p.Lon, ok = c.Float(args[0]); !ok {
		return p, false
	}
	if p.Lat, ok = c.Float(args[1]); !ok {
		return p, false
	}
	if !p.Valid() {
		c.Fail(fmt.Sprintf("ERR invalid longitude,latitude pair %s,%s", sixDigits(p.Lon), sixDigits(p.Lat)))
		return p, false
	}
	return p, true
}

// sixDigits is printf's %f, to which infinity is a word in lower case.
func sixDigits(x float64) string {
	if x-x != 0 {
		return string(number.AppendDouble(nil, x))
	}
	return fmt.Sprintf("%f", x)
}

// geoUnit reads a unit, as so many m. It answers the error itself.
func geoUnit(c *engine.Call, arg []byte) (m float64, ok bool) {
	switch {
	case is(arg, "m"):
		return 1, true
	case is(arg, "km"):
		return 1000, true
	case is(arg, "ft"):
		return 0.3048, true
	case is(arg, "mi"):
		return 1609.34, true
	}
	c.Fail("ERR unsupported unit provided. please use M, KM, FT, MI")
	return 0, false
}

func geoadd(c *engine.Call) {
	r := zaddRequest{first: 2}
options:
	for ; r.first < len(c.Args); r.first++ {
		switch arg := c.Args[r.first]; {
		case is(arg, "nx"):
			r.NX = true
		case is(arg, "xx"):
			r.XX = true
		case is(arg, "ch"):
			r.changed = true
		default:
			break options
		}
	}
	places := c.Args[r.first:]
	if len(places) == 0 || len(places)%3 != 0 || r.NX && r.XX {
		c.Fail(engine.ErrSyntax)
		return
	}
	var room [8]float64
	scores := room[:0]
	for i := 0; i < len(places); i += 3 {
		p, ok := coordinates(c, places[i:])
		if !ok {
			return
		}
		scores = append(scores, float64(geo.Encode(p)))
	}
	zaddAll(c, &r, scores, places[2:], 3)
}

// eachPlace answers for each member of a call, and null for one that is not there.
func eachPlace(c *engine.Call, null func(), answer func(p geo.Point)) {
	v, ok := readZSet(c, c.Args[1])
	if !ok {
		return
	}
	c.Out.Array(len(c.Args) - 2)
	for _, member := range c.Args[2:] {
		if score, ok := v.Score(member); ok {
			answer(geo.Decode(score))
		} else {
			null()
		}
	}
}

func geopos(c *engine.Call) {
	eachPlace(c, c.Out.NullArray, func(p geo.Point) { answerPoint(c, p) })
}

func answerPoint(c *engine.Call, p geo.Point) {
	c.Out.Array(2)
	answerHuman(c, p.Lon)
	answerHuman(c, p.Lat)
}

// answerHuman answers a number as people read it (networking.c: addReplyHumanLongDouble).
func answerHuman(c *engine.Call, x float64) {
	var buf [64]byte
	text := number.AppendHuman(buf[:0], x)
	if !c.Out.RESP3() {
		c.Out.Bulk(text)
		return
	}
	c.Out.Raw([]byte{','})
	c.Out.Raw(text)
	c.Out.Raw([]byte("\r\n"))
}

// answerDistance answers a distance in a unit; it is a string in both versions of the protocol.
func answerDistance(c *engine.Call, m, unit float64) {
	var buf [32]byte
	c.Out.Bulk(number.AppendFixed4(buf[:0], m/unit))
}

func geohash(c *engine.Call) {
	eachPlace(c, c.Out.Null, func(p geo.Point) {
		hash := geo.Hash(p)
		c.Out.Bulk(hash[:])
	})
}

func geodist(c *engine.Call) {
	unit := 1.0
	switch {
	case len(c.Args) > 5:
		c.Fail(engine.ErrSyntax)
		return
	case len(c.Args) == 5:
		var ok bool
		if unit, ok = geoUnit(c, c.Args[4]); !ok {
			return
		}
	}
	v, ok := readZSet(c, c.Args[1])
	if !ok {
		return
	}
	from, here := place(&v, c.Args[2])
	to, there := place(&v, c.Args[3])
	if !here || !there {
		c.Out.Null()
		return
	}
	answerDistance(c, geo.Distance(from, to), unit)
}

// place returns where a member is.
func place(v *value.ZSet, member []byte) (geo.Point, bool) {
	score, ok := v.Score(member)
	return geo.Decode(score), ok
}
