package dynamodb

import (
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/kvtool/kvtool/internal/item"
)

// A measure is what is learned of the attributes of an item.
type measure struct {
	size    int64
	largest int64
	nested  bool   // the TTL attribute's name is one within a map
	ttl     string // that name; empty: not looked for
}

// item measures a whole item.
func (m *measure) item(attributes map[string]types.AttributeValue) {
	for name, v := range attributes {
		n := int64(len(name)) + m.value(v)
		m.size += n
		m.largest = max(m.largest, n)
	}
}

// value returns how many bytes DynamoDB counts for a value. See package item.
func (m *measure) value(v types.AttributeValue) (n int64) {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return int64(len(v.Value))
	case *types.AttributeValueMemberN:
		return item.NumberSize(v.Value)
	case *types.AttributeValueMemberB:
		return int64(len(v.Value))
	case *types.AttributeValueMemberBOOL, *types.AttributeValueMemberNULL:
		return item.Unset
	case *types.AttributeValueMemberSS:
		for _, s := range v.Value {
			n += int64(len(s))
		}
	case *types.AttributeValueMemberNS:
		for _, s := range v.Value {
			n += item.NumberSize(s)
		}
	case *types.AttributeValueMemberBS:
		for _, b := range v.Value {
			n += int64(len(b))
		}
	case *types.AttributeValueMemberL:
		n = item.Container
		for _, x := range v.Value {
			n += item.Element + m.value(x)
		}
	case *types.AttributeValueMemberM:
		n = item.Container
		for name, x := range v.Value {
			m.nested = m.nested || name == m.ttl && m.ttl != ""
			n += item.Element + int64(len(name)) + m.value(x)
		}
	}
	return n
}

// scalar returns a value as package item has it.
func scalar(v types.AttributeValue) item.Value {
	switch v := v.(type) {
	case nil:
		return item.Value{}
	case *types.AttributeValueMemberS:
		return item.Value{Kind: item.S, Text: []byte(v.Value)}
	case *types.AttributeValueMemberN:
		return item.Value{Kind: item.N, Text: item.Plain(v.Value)}
	case *types.AttributeValueMemberB:
		return item.Value{Kind: item.B, Text: v.Value}
	}
	return item.Value{Kind: item.M} // whatever it is, it is no part of a key and no time
}
