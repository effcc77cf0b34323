package render

import (
	"encoding/xml"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// An xsd is as much of an XML Schema as junit-10.xsd uses: named elements with attributes and, in any number and order where
// the schema has a choice, children by reference.
type xsd struct {
	Elements []xsdElement `xml:"element"`
}

type xsdElement struct {
	Name string   `xml:"name,attr"`
	Type string   `xml:"type,attr"`
	Body *xsdType `xml:"complexType"`
}

type xsdType struct {
	Mixed      bool       `xml:"mixed,attr"`
	Sequence   xsdGroup   `xml:"sequence"`
	Choice     xsdGroup   `xml:"choice"`
	Attributes []xsdField `xml:"attribute"`
}

type xsdGroup struct {
	Elements []xsdRef  `xml:"element"`
	Choice   *xsdGroup `xml:"choice"`
}

type xsdRef struct {
	Ref string `xml:"ref,attr"`
}

type xsdField struct {
	Name string `xml:"name,attr"`
	Use  string `xml:"use,attr"`
}

func loadXSD(t *testing.T, path string) *xsd {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var x xsd
	if err := xml.Unmarshal(b, &x); err != nil {
		t.Fatal(err)
	}
	return &x
}

func (x *xsd) element(name string) *xsdElement {
	i := slices.IndexFunc(x.Elements, func(e xsdElement) bool { return e.Name == name })
	if i < 0 {
		return nil
	}
	return &x.Elements[i]
}

// children returns the names of the elements that may stand in one.
func (b *xsdType) children() []string {
	var names []string
	for _, g := range []*xsdGroup{&b.Sequence, &b.Choice, b.Sequence.Choice, b.Choice.Choice} {
		if g == nil {
			continue
		}
		for _, e := range g.Elements {
			names = append(names, e.Ref)
		}
	}
	return names
}

// A node is any XML element.
type node struct {
	XMLName xml.Name
	Attrs   []xml.Attr `xml:",any,attr"`
	Nodes   []node     `xml:",any"`
	Text    string     `xml:",chardata"`
}

// validate returns what of the document is not as the schema says.
func (x *xsd) validate(doc []byte) error {
	var root node
	if err := xml.Unmarshal(doc, &root); err != nil {
		return err
	}
	return x.check(&root)
}

func (x *xsd) check(n *node) error {
	name := n.XMLName.Local
	e := x.element(name)
	if e == nil {
		return fmt.Errorf("no element %s", name)
	}
	if e.Body == nil { // text
		if len(n.Nodes) > 0 || len(n.Attrs) > 0 {
			return fmt.Errorf("%s holds more than text", name)
		}
		return nil
	}
	if !e.Body.Mixed && strings.TrimSpace(n.Text) != "" {
		return fmt.Errorf("%s holds text", name)
	}
	if err := e.Body.checkAttributes(n); err != nil {
		return err
	}
	for i := range n.Nodes {
		child := &n.Nodes[i]
		if !slices.Contains(e.Body.children(), child.XMLName.Local) {
			return fmt.Errorf("%s may not hold %s", name, child.XMLName.Local)
		}
		if err := x.check(child); err != nil {
			return err
		}
	}
	return nil
}

func (b *xsdType) checkAttributes(n *node) error {
	for _, a := range n.Attrs {
		if !slices.ContainsFunc(b.Attributes, func(f xsdField) bool { return f.Name == a.Name.Local }) {
			return fmt.Errorf("%s has no attribute %s", n.XMLName.Local, a.Name.Local)
		}
	}
	for _, f := range b.Attributes {
		has := slices.ContainsFunc(n.Attrs, func(a xml.Attr) bool { return a.Name.Local == f.Name })
		if f.Use == "required" && !has {
			return fmt.Errorf("%s lacks the attribute %s", n.XMLName.Local, f.Name)
		}
	}
	return nil
}

// A validator that accepts anything would prove nothing.
func TestXSDRefuses(t *testing.T) {
	x := loadXSD(t, "testdata/schema/junit-10.xsd")
	good := `<testsuites><testsuite name="a" tests="1" failures="0" errors="0"><testcase name="b"><failure>c</failure></testcase></testsuite></testsuites>`
	if err := x.validate([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for name, doc := range map[string]string{
		"unknown element":    strings.ReplaceAll(good, "failure>", "failed>"),
		"misplaced element":  strings.ReplaceAll(good, "testcase", "properties"),
		"unknown attribute":  strings.Replace(good, `name="b"`, `name="b" file="c"`, 1),
		"attribute missing":  strings.Replace(good, ` tests="1"`, "", 1),
		"text outside cases": strings.Replace(good, "<testcase", "x<testcase", 1),
		"no XML":             good[:len(good)-3],
	} {
		if x.validate([]byte(doc)) == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
