package audit

// Config of the general analyses.
type Config struct {
	Top int // keys in each list of the biggest; 0 is DefaultTop
}

// DefaultTop is how many of the biggest keys are listed.
const DefaultTop = 20

// Analyzers lists the general analyses: those that need no more of a key than its record.
func Analyzers(c Config) []*Analyzer {
	if c.Top == 0 {
		c.Top = DefaultTop
	}
	return []*Analyzer{
		totals(), types(), sizes(), names(), ttls(), expiredKeys(), idle(), freq(), compression(), memory(), server(), slabs(), pages(),
		biggest(c.Top), longest(c.Top), largest(c.Top), streams(c.Top),
	}
}
