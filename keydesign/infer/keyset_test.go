package infer

import (
	"fmt"
	"strconv"
	"strings"
)

// A keySet is keys with the number of the true template of each.
type keySet struct {
	name   string
	keys   []string
	truth  []int
	titles []string
}

// makeSet makes about n keys from lines of "weight pattern". In a pattern,
// <int>, <uuid> and so on are values (see value); <a|b|c> is one of the words,
// and each word makes a template of its own; <*a|b|c> is one of the words as
// values of one slot.
func makeSet(name string, seed uint64, n int, lines string) keySet {
	g := newGen(seed)
	set := keySet{name: name}
	seen := map[string]bool{}
	total := 0.0
	type spec struct {
		weight  float64
		pattern string
	}
	var specs []spec
	for _, line := range strings.Split(strings.TrimSpace(lines), "\n") {
		w, p, _ := strings.Cut(strings.TrimSpace(line), " ")
		weight, err := strconv.ParseFloat(w, 64)
		if err != nil {
			panic(fmt.Sprintf("%q: %v", line, err))
		}
		total += weight
		specs = append(specs, spec{weight, p})
	}
	number := map[string]int{}
	for _, s := range specs {
		want := max(1, int(float64(n)*s.weight/total))
		for made, tries := 0, 0; made < want && tries < 4*want+200; tries++ {
			key, title := g.expand(s.pattern)
			if seen[key] {
				continue
			}
			seen[key] = true
			made++
			id, ok := number[title]
			if !ok {
				id = len(set.titles)
				number[title] = id
				set.titles = append(set.titles, title)
			}
			set.keys = append(set.keys, key)
			set.truth = append(set.truth, id)
		}
	}
	g.Shuffle(len(set.keys), func(i, j int) {
		set.keys[i], set.keys[j] = set.keys[j], set.keys[i]
		set.truth[i], set.truth[j] = set.truth[j], set.truth[i]
	})
	return set
}

// expand makes one key of the pattern, and the title of its true template.
func (g gen) expand(pattern string) (key, title string) {
	var k, t strings.Builder
	for pattern != "" {
		i := strings.IndexByte(pattern, '<')
		if i < 0 {
			k.WriteString(pattern)
			t.WriteString(pattern)
			break
		}
		k.WriteString(pattern[:i])
		t.WriteString(pattern[:i])
		j := strings.IndexByte(pattern, '>')
		name := pattern[i+1 : j]
		pattern = pattern[j+1:]
		switch {
		case name[0] == '*':
			k.WriteString(g.pick(strings.Split(name[1:], "|")...))
			t.WriteString("<" + name + ">")
		case strings.Contains(name, "|"):
			v := g.pick(strings.Split(name, "|")...)
			k.WriteString(v)
			t.WriteString(v)
		default:
			k.WriteString(g.value(name))
			t.WriteString("<" + name + ">")
		}
	}
	return k.String(), t.String()
}

var nouns = strings.Fields(`apple arch axis bank barn beach bell bird boat bone book bridge brush cable camera candle
canyon car card castle chair chart city cliff clock cloud coast coin copper corner cotton crane cup dance desk door
dragon dream drum eagle earth engine falcon farm field fire flag flame flower forest fox frame garden gate glass grain
guide harbor hat hill horse house island jacket jungle kettle key kitchen ladder lake lamp leaf lemon light lion map
market meadow mirror moon mountain music needle night oak ocean orange orchard paint paper path pearl piano pillow
pocket pond queen rain ribbon ring river road rocket roof rope rose sail salt sand shadow shell ship shirt shoe silver
sky snow song spoon spring star stone storm summer sun table tea tent thunder tiger tower town train tree valley
village violin wall water wave wheel wind window winter wolf wood`)

var adjectives = strings.Fields(`amber bold brave bright brown calm clear cold cool crisp dark deep dry early fair fast
fine fresh gentle golden good grand gray great green happy heavy high humble keen kind large late light little lively
long loud lucky mellow mild modern narrow neat new noble old pale plain proud quick quiet rapid rare red rich round
royal rustic sharp short silent simple slow small smart smooth soft solid spare steady still strong sunny sweet swift
tall tidy tiny true vast warm wide wild wise young`)

var slugWords = append(strings.Fields(`how to the a of for with in and best guide your from why what is on`), append(nouns, adjectives...)...)

func (g gen) slug() string {
	n := 2 + g.IntN(5)
	words := make([]string, n)
	for i := range words {
		words[i] = slugWords[g.IntN(len(slugWords))]
	}
	if g.IntN(8) == 0 {
		words = append(words, g.int(30))
	}
	return strings.Join(words, "-")
}

func (g gen) date() string {
	return fmt.Sprintf("2025-%02d-%02d", 1+g.IntN(12), 1+g.IntN(28))
}

// value makes one value of the named kind; a number behind the name sets a
// length or a limit.
func (g gen) value(name string) string {
	i := strings.IndexAny(name, decimals)
	n := 0
	if i > 0 {
		n, _ = strconv.Atoi(name[i:])
		name = name[:i]
	}
	switch name {
	case "int":
		if n == 0 {
			n = 1_000_000
		}
		return g.int(n)
	case "hex":
		return g.hex(n)
	case "HEX":
		return strings.ToUpper(g.hex(n))
	case "uuid":
		return g.uuid()
	case "ulid":
		return "01" + g.text("0123456789ABCDEFGHJKMNPQRSTVWXYZ", 24)
	case "oid":
		return fmt.Sprintf("%08x", 1500000000+g.IntN(2e8)) + g.hex(16)
	case "name":
		return g.name()
	case "user":
		return g.pick(g.name(), g.name()+g.int(99), g.name()+"_"+g.name(), g.name()+"."+g.name())
	case "word":
		return nouns[g.IntN(len(nouns))]
	case "words":
		return adjectives[g.IntN(len(adjectives))] + "-" + nouns[g.IntN(len(nouns))]
	case "slug":
		return g.slug()
	case "email":
		return g.email()
	case "ip":
		return g.ip()
	case "ipv": // 6
		return "2001:db8:" + g.hex(4) + ":" + g.hex(3) + "::" + g.hex(2) + "a"
	case "mac":
		return g.hex(2) + ":" + g.hex(2) + ":" + g.hex(2) + ":" + g.hex(2) + ":" + g.hex(2) + ":" + g.hex(2)
	case "date":
		return g.date()
	case "ymd":
		return strings.ReplaceAll(g.date(), "-", "")
	case "month":
		return g.date()[:7]
	case "week":
		return fmt.Sprintf("2025-W%02d", 1+g.IntN(52))
	case "hour":
		return fmt.Sprintf("%s-%02d", g.date(), g.IntN(24))
	case "ts":
		return fmt.Sprint(1700000000 + g.IntN(3e7))
	case "ms":
		return fmt.Sprint(1700000000000 + g.Int64N(3e10))
	case "sku":
		return g.sku()
	case "b": // base62
		return g.text(decimals+lowers+uppers, n)
	case "nano":
		return g.text(decimals+lowers+uppers+"_-", 21)
	case "str":
		return g.text(decimals+lowers, n)
	case "UP":
		return g.text(uppers, n)
	case "geo":
		return g.text("0123456789bcdefghjkmnpqrstuvwxyz", n)
	case "ver":
		return g.int(4) + "." + g.int(10) + "." + g.int(20)
	case "path":
		parts := make([]string, 1+g.IntN(5))
		for i := range parts {
			parts[i] = g.pick(nouns...)
		}
		return strings.Join(parts, "/")
	case "url":
		return "https://" + g.pick(nouns...) + ".example.com/" + g.pick(nouns...) + "/" + g.int(9999)
	case "region":
		return g.pick("us-east-1", "us-east-2", "us-west-1", "us-west-2", "eu-west-1", "eu-west-2", "eu-central-1", "eu-north-1", "ap-south-1", "ap-southeast-1", "ap-southeast-2", "ap-northeast-1", "sa-east-1", "ca-central-1")
	case "country":
		return g.pick("us", "de", "fr", "gb", "es", "it", "nl", "pl", "se", "no", "fi", "dk", "at", "ch", "be", "pt", "ie", "cz", "jp", "br", "in", "au", "ca", "mx")
	case "cur":
		return g.pick("USD", "EUR", "GBP", "JPY", "CHF", "SEK", "NOK", "PLN", "CZK", "AUD", "CAD", "BRL", "INR", "MXN")
	case "host":
		return g.pick("web", "api", "db", "cache", "worker", "cron", "edge", "queue", "search", "mail", "batch", "admin", "metrics", "proxy") + "-" + fmt.Sprintf("%02d", g.IntN(40))
	case "lat":
		return fmt.Sprintf("%.4f,%.4f", g.Float64()*80+1, g.Float64()*170+1)
	case "phone":
		return "+49" + g.text(decimals, 10)
	}
	panic("no kind of value: " + name)
}
