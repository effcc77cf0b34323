package infer

import (
	"fmt"
	"testing"
)

// What is made up of a template is taken for one of the template's keys.
func TestLikenesses(t *testing.T) {
	for name, keys := range KeySets(20_000) {
		r := treeOf(keys).Templates()
		seen := 0
		for i := range r.Templates {
			for k := range r.Likenesses(i) {
				seen++
				if j, ok := r.Match(k); !ok || j != i {
					t.Errorf("%s: %q is made up of %s, and matches %v %d", name, k, r.Templates[i].Text, ok, j)
				}
			}
		}
		if seen < len(r.Templates) {
			t.Errorf("%s: %d likenesses of %d templates", name, seen, len(r.Templates))
		}
	}
}

// A part of the users is within the users, and other numbers are not.
func TestPopulations(t *testing.T) {
	var keys []string
	for i := range 12_000 {
		keys = append(keys, fmt.Sprint("user:", 10_000+i, ":profile"))
	}
	for i := range 4_000 {
		keys = append(keys, fmt.Sprint("cart:", 10_000+3*i), fmt.Sprint("order:", 700_000+i, ":", i%7))
	}
	r := treeOf(keys).Templates()
	of := map[string]*Population{}
	for i := range r.Templates {
		for j, p := range r.Populations(i) {
			if p != nil && of[r.Templates[i].Text] == nil {
				of[r.Templates[i].Text] = p
			} else if r.Templates[i].Segments[j].Type != "" && p == nil {
				t.Errorf("%s: nothing known of segment %d", r.Templates[i].Text, j)
			}
		}
	}
	users, carts, orders := of["user:{int}:profile"], of["cart:{int}"], of["order:{int}:{int}"]
	if n := users.Distinct(); n < 11_000 || n > 13_000 {
		t.Errorf("%d users", n)
	}
	if least, greatest := orders.Range(); least != 700_000 || greatest != 703_999 {
		t.Errorf("orders from %d to %d", least, greatest)
	}
	if share, ok := carts.Within(users); !ok || share < 0.99 {
		t.Errorf("%v of the carts are of users", share)
	}
	if share, ok := orders.Within(users); !ok || share > 0.1 {
		t.Errorf("%v of the orders are users", share)
	}
}
