package infer

// How many siblings that continue alike make a slot. Think of the templates as
// a text that is to be short: a template costs 24 bits, k siblings cost k of
// them, one slot costs one and a fee. The fee is an opinion on what stands
// there, in templates; a crowd must be larger than it.
//
//	behind a word        7   user:{who}
//	behind few values    5   {eu,us}:{who}: a slot beside a slot is likely
//	behind an identifier 16  user:{int}:{name?}: more likely names of fields
//	at the root          20  name spaces; 9 if they continue in several ways
//	digits only          4
//
// Continuations that are alike only when words count as wildcards are weaker
// evidence: 1.5 times the fee.
const (
	feeWord   = 7
	feeFew    = 5
	feeID     = 16
	feeRoot   = 20
	feeSame   = 9
	feeDigits = 4

	// A root name that leads many keys in one way is a name space, however
	// many there are of it: user:{int}, cart:{int}, …
	feeNames  = 60
	manyKeys  = 50
	abstract  = 1.5
	fewValues = 64
)

// fee returns the price of a slot among the children of n, in templates. names
// says that n is the root or a prefix that most keys share; many that the
// siblings continue in two or more ways each, heavy that they have many keys
// each.
func fee(n *node, names, many, heavy bool) float64 {
	root := n.kind == 0 && n.text == "" && n.sep == 0
	switch {
	case names && heavy && !many:
		return feeNames
	case root && many:
		return feeSame
	case root:
		return feeRoot
	case n.kind == 0:
		return feeWord
	case wild(n.kind) && n.distinct() <= fewValues:
		return feeFew
	}
	return feeID
}
