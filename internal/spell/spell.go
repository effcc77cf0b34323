// Package spell finds the word that somebody meant when they typed one that is not known. It owns how near two words are; who
// says so, and how, is the work of its callers.
//
// The one idea is that a suggestion must be right to be worth reading: a word is near only if few of its letters are wrong.
package spell

// Nearest returns the name that typed was probably meant to be: the one that the fewest changed letters lead to, if they
// are few, and not all letters. It returns "" if none is near.
func Nearest(typed string, names []string) string {
	best, least := "", min(max(1, len(typed)/3)+1, len(typed))
	for _, n := range names {
		if d := distance(typed, n); d < least {
			best, least = n, d
		}
	}
	return best
}

// distance is how many letters must be added, dropped, changed or swapped with a neighbour to turn a into b.
func distance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(last[j+1]+1, row[j]+1, last[j]+cost)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
