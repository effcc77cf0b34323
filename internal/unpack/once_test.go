package unpack

import "testing"

type closing struct{ times int }

func (c *closing) Close() error { c.times++; return nil }

// TestOnce: what is kept is taken once, and closed by who holds it.
func TestOnce(t *testing.T) {
	var o Once[*closing]
	if _, err := o.Take(); err == nil {
		t.Error("there was nothing to take")
	}
	c := &closing{}
	o.Keep(c)
	if in, err := o.Take(); err != nil || in != c {
		t.Errorf("%v, %v", in, err)
	}
	if _, err := o.Take(); err == nil {
		t.Error("it was taken twice")
	}
	if err := o.Close(); err != nil || c.times != 0 {
		t.Errorf("%v: what was taken has been closed %d times", err, c.times)
	}
	o.Keep(c)
	if err := o.Close(); err != nil || c.times != 1 {
		t.Errorf("%v: closed %d times", err, c.times)
	}
}
