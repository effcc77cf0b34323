package command

import (
	"bytes"
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/kvtool/kvtool/adapters/reference/engine"
	"github.com/kvtool/kvtool/adapters/reference/geo"
	"github.com/kvtool/kvtool/adapters/reference/value"
)

// A geoRequest is what the commands of the GEORADIUS and GEOSEARCH families are asked for (geo.c: georadiusGeneric).
type geoRequest struct {
	search   bool // GEOSEARCH or GEOSEARCHSTORE: center and shape are options
	mayStore bool // GEORADIUS and GEORADIUSBYMEMBER: STORE and STOREDIST are
	key      []byte
	store    []byte // nil: answer

	shape                     geo.Shape
	fromMember, fromPlace     bool
	byRadius, byBox           bool
	distances, hashes, points bool // WITHDIST, WITHHASH, WITHCOORD
	sorted, descending, any   bool
	storeDistances            bool
	count                     int64
}

// A geoMatch is a member that was found, and how far it is from the center, in m.
type geoMatch struct {
	member   []byte
	at       geo.Point
	score    float64
	distance float64
}

// open opens the set that is searched; there is none without members. It answers WRONGTYPE itself.
func (r *geoRequest) open(c *engine.Call, key []byte) (v value.ZSet, ok bool) {
	r.key = key
	return readZSet(c, key)
}

func georadius(c *engine.Call, mayStore bool) {
	r := geoRequest{mayStore: mayStore}
	v, ok := r.open(c, c.Args[1])
	if !ok {
		return
	}
	if r.shape.Center, ok = coordinates(c, c.Args[2:]); !ok {
		return
	}
	if r.radius(c, c.Args[4:]) && r.options(c, &v, c.Args[6:]) {
		r.run(c, &v)
	}
}

func georadiusbymember(c *engine.Call, mayStore bool) {
	r := geoRequest{mayStore: mayStore}
	v, ok := r.open(c, c.Args[1])
	if !ok || v.Len() > 0 && !(r.center(c, &v, c.Args[2]) && r.radius(c, c.Args[3:])) {
		return
	}
	if r.options(c, &v, c.Args[5:]) {
		r.run(c, &v)
	}
}

func geosearch(c *engine.Call) {
	r := geoRequest{search: true}
	if v, ok := r.open(c, c.Args[1]); ok && r.options(c, &v, c.Args[2:]) {
		r.run(c, &v)
	}
}

func geosearchstore(c *engine.Call) {
	r := geoRequest{search: true, store: c.Args[1]}
	if v, ok := r.open(c, c.Args[2]); ok && r.options(c, &v, c.Args[3:]) {
		r.run(c, &v)
	}
}

// center sets the center of the shape to a member. It answers the error itself.
func (r *geoRequest) center(c *engine.Call, v *value.ZSet, member []byte) (ok bool) {
	if r.shape.Center, ok = place(v, member); !ok {
		c.Fail("ERR could not decode requested zset member")
	}
	return ok
}

// radius reads a radius and its unit. It answers the error itself.
func (r *geoRequest) radius(c *engine.Call, args [][]byte) bool {
	x, ok := parseFloat(c, args[0], "ERR need numeric radius")
	switch {
	case !ok:
		return false
	case x < 0:
		c.Fail("ERR radius cannot be negative")
		return false
	}
	r.shape.Box, r.shape.Radius = false, x
	r.shape.Unit, ok = geoUnit(c, args[1])
	return ok
}

// box reads a width, a height and their unit. It answers the error itself.
func (r *geoRequest) box(c *engine.Call, args [][]byte) bool {
	w, ok := parseFloat(c, args[0], "ERR need numeric width")
	if !ok {
		return false
	}
	h, ok := parseFloat(c, args[1], "ERR need numeric height")
	switch {
	case !ok:
		return false
	case h < 0 || w < 0:
		c.Fail("ERR height or width cannot be negative")
		return false
	}
	r.shape.Box, r.shape.Width, r.shape.Height = true, w, h
	r.shape.Unit, ok = geoUnit(c, args[2])
	return ok
}

// options reads what follows the key, or the shape. It answers the error itself.
func (r *geoRequest) options(c *engine.Call, v *value.ZSet, args [][]byte) bool {
	for len(args) > 0 {
		used, ok := r.flag(args[0])
		if used == 0 {
			used, ok = r.valued(c, v, args)
		}
		if used == 0 {
			c.Fail(engine.ErrSyntax)
			return false
		}
		if !ok {
			return false
		}
		args = args[used:]
	}
	return r.consistent(c)
}

// flag reads an option without a value; it returns 1, or 0 if it is none.
func (r *geoRequest) flag(arg []byte) (used int, ok bool) {
	switch {
	case is(arg, "withdist"):
		r.distances = true
	case is(arg, "withhash"):
		r.hashes = true
	case is(arg, "withcoord"):
		r.points = true
	case is(arg, "any"):
		r.any = true
	case is(arg, "asc"):
		r.sorted, r.descending = true, false
	case is(arg, "desc"):
		r.sorted, r.descending = true, true
	case is(arg, "storedist") && r.search && r.store != nil:
		r.storeDistances = true
	default:
		return 0, true
	}
	return 1, true
}

// valued reads an option with values; it returns how many arguments that is, or 0 if it is none. It answers other errors itself.
func (r *geoRequest) valued(c *engine.Call, v *value.ZSet, args [][]byte) (used int, ok bool) {
	switch arg, left := args[0], len(args)-1; {
	case is(arg, "count") && left >= 1:
		return 2, r.limit(c, args[1])
	case r.mayStore && (is(arg, "store") || is(arg, "storedist")) && left >= 1:
		r.store, r.storeDistances = args[1], is(arg, "storedist")
		return 2, true
	case !r.search:
	case is(arg, "frommember") && left >= 1 && !r.fromPlace:
		r.fromMember = true
		return 2, v.Len() == 0 || r.center(c, v, args[1])
	case is(arg, "fromlonlat") && left >= 2 && !r.fromMember:
		r.fromPlace = true
		r.shape.Center, ok = coordinates(c, args[1:])
		return 3, ok
	case is(arg, "byradius") && left >= 2 && !r.byBox:
		r.byRadius = true
		return 3, r.radius(c, args[1:])
	case is(arg, "bybox") && left >= 3 && !r.byRadius:
		r.byBox = true
		return 4, r.box(c, args[1:])
	}
	return 0, true
}

func (r *geoRequest) limit(c *engine.Call, arg []byte) (ok bool) {
	if r.count, ok = c.Int(arg); ok && r.count <= 0 {
		c.Fail("ERR COUNT must be > 0")
		return false
	}
	return ok
}

// consistent answers the error if options do not go together.
func (r *geoRequest) consistent(c *engine.Call) bool {
	switch {
	case r.store != nil && (r.distances || r.hashes || r.points):
		name := "STORE option in GEORADIUS"
		if r.search {
			name = "GEOSEARCHSTORE"
		}
		c.Fail("ERR " + name + " is not compatible with WITHDIST, WITHHASH and WITHCOORD options")
	case r.search && !r.fromMember && !r.fromPlace:
		c.Fail(fmt.Sprintf("ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for %s", c.Args[0]))
	case r.search && !r.byRadius && !r.byBox:
		c.Fail(fmt.Sprintf("ERR exactly one of BYRADIUS and BYBOX can be specified for %s", c.Args[0]))
	case r.any && r.count == 0:
		c.Fail("ERR the ANY argument requires COUNT argument")
	default:
		return true
	}
	return false
}

func (r *geoRequest) run(c *engine.Call, v *value.ZSet) {
	var found []geoMatch
	if v.Len() > 0 {
		found = r.find(v)
	}
	r.sort(found)
	if r.count > 0 && int64(len(found)) > r.count {
		found = found[:r.count]
	}
	switch {
	case r.store == nil:
		r.answer(c, found)
	case len(found) == 0:
		deleteResult(c, r.store)
	default:
		r.put(c, found)
	}
}

// find returns the members in the shape; with ANY no more than are wanted.
func (r *geoRequest) find(v *value.ZSet) (found []geoMatch) {
	most := int64(math.MaxInt64)
	if r.any {
		most = r.count
	}
	var room [9]geo.Range
	for _, near := range r.shape.Ranges(room[:0]) {
		low, high := v.ScoreRange(value.ScoreRange{Min: near.Low, Max: near.High, MaxEx: true})
		for member, score := range v.From(low) {
			if low++; low > high || int64(len(found)) >= most {
				break
			}
			at := geo.Decode(score)
			if distance, in := r.shape.Holds(at); in {
				found = append(found, geoMatch{bytes.Clone(member), at, score, distance})
			}
		}
	}
	return found
}

// sort brings what is nearest to the front, or to the end. COUNT without an order is of the nearest, except with ANY.
func (r *geoRequest) sort(found []geoMatch) {
	switch {
	case r.sorted && r.descending:
		slices.SortStableFunc(found, func(a, b geoMatch) int { return cmp.Compare(b.distance, a.distance) })
	case r.sorted, r.count > 0 && !r.any:
		slices.SortStableFunc(found, func(a, b geoMatch) int { return cmp.Compare(a.distance, b.distance) })
	}
}

func (r *geoRequest) answer(c *engine.Call, found []geoMatch) {
	parts := 1 + int(oneIf(r.distances)+oneIf(r.hashes)+oneIf(r.points))
	c.Out.Array(len(found))
	for i := range found {
		x := &found[i]
		if parts > 1 {
			c.Out.Array(parts)
		}
		c.Out.Bulk(x.member)
		if r.distances {
			answerDistance(c, x.distance, r.shape.Unit)
		}
		if r.hashes {
			c.Out.Int(int64(x.score))
		}
		if r.points {
			answerPoint(c, x.at)
		}
	}
}

// put stores what was found, with the distances, in the unit, or with the scores that it had.
func (r *geoRequest) put(c *engine.Call, found []geoMatch) {
	members := make([]value.Scored, len(found))
	for i, x := range found {
		members[i] = value.Scored{Member: x.member, Score: x.score}
		if r.storeDistances {
			members[i].Score = x.distance / r.shape.Unit
		}
	}
	sortScored(members)
	s, _ := c.Shard(r.store)
	v := value.NewZSet(s)
	full := !v.Fill(members)
	event := "georadiusstore"
	if r.search {
		event = "geosearchstore"
	}
	replaceZSet(c, &v, r.store, event, full)
}
