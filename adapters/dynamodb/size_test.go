package dynamodb

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"pgregory.net/rapid"

	"github.com/kvtool/kvtool/internal/servertest"
	"github.com/kvtool/kvtool/kv"
)

// What items weigh is what Amazon's own server says that their table does, for values of every type, of any depth, with numbers and text
// of any form; and a put and its indexes take the units that it says they do.
func TestSizesOfDynamoDBLocal(t *testing.T) {
	if testing.Short() {
		t.Skip("a JVM takes its time")
	}
	endpoint := servertest.DynamoDBLocal(t)
	c := clientOf(endpoint)
	create(t, c, "sizes", "S", "")
	was := int64(0)
	items := 0
	rapid.Check(t, func(rt *rapid.T) {
		it := attributes{"pk": str(fmt.Sprintf("%06d", items))}
		for i := range rapid.IntRange(1, 3).Draw(rt, "attributes") {
			it[fmt.Sprint(rapid.SampledFrom([]string{"a", "name", "größe"}).Draw(rt, "name"), i)] = anyValues().draw(rt, 0)
		}
		items++
		put(t, c, "sizes", it)
		out, err := c.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: aws.String("sizes")})
		if err != nil {
			rt.Fatal(err)
		}
		m := measure{}
		m.item(it)
		now := *out.Table.TableSizeBytes
		if got := now - was; got != m.size {
			rt.Errorf("%v is %d bytes, by DynamoDB Local %d", it, m.size, got)
		}
		was = now
	})
	sum := int64(0)
	for r, err := range openTable(t, "dynamodb://sizes?endpoint="+endpoint).Scan(t.Context(), kv.ScanOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		sum += r.Size
	}
	if sum != was {
		t.Errorf("a scan adds up to %d bytes, the table says %d", sum, was)
	}
	t.Run("units", func(t *testing.T) { testIndexUnits(t, c) })
	t.Run("load", func(t *testing.T) {
		s := sessionOf(t, "dynamodb://sizes?endpoint="+endpoint)
		testCommands(t, s)
		testExpired(t, s)
	})
}

// anyValues has text of any letters and numbers of any length.
func anyValues() values {
	return values{
		text: rapid.StringN(1, 20, 60),
		number: rapid.OneOf(
			rapid.StringMatching(`-?[1-9][0-9]{0,20}`), rapid.StringMatching(`-?[1-9][0-9]{0,5}\.[0-9]{0,5}[1-9]`), rapid.StringMatching(`-?0\.0{0,5}[1-9][0-9]{0,6}`),
			rapid.SampledFrom([]string{"0", "1", "100", "-100", "1790000000", "1e20", "-12e-7"})),
		member: rapid.StringMatching(`-?[1-9][0-9]{0,8}`),
	}
}

// testIndexUnits: a put of up to a KiB with a global and a local index takes three units.
func testIndexUnits(t *testing.T, c *dynamodb.Client) {
	key := func(name string, kind types.KeyType) types.KeySchemaElement {
		return types.KeySchemaElement{AttributeName: &name, KeyType: kind}
	}
	define := func(name string) types.AttributeDefinition {
		return types.AttributeDefinition{AttributeName: &name, AttributeType: types.ScalarAttributeTypeS}
	}
	_, err := c.CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName: aws.String("indexed"), BillingMode: types.BillingModePayPerRequest,
		KeySchema:            []types.KeySchemaElement{key("pk", types.KeyTypeHash), key("sk", types.KeyTypeRange)},
		AttributeDefinitions: []types.AttributeDefinition{define("pk"), define("sk"), define("state"), define("x")},
		GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{{
			IndexName: aws.String("by_state"), KeySchema: []types.KeySchemaElement{key("state", types.KeyTypeHash)},
			Projection: &types.Projection{ProjectionType: types.ProjectionTypeAll},
		}},
		LocalSecondaryIndexes: []types.LocalSecondaryIndex{{
			IndexName: aws.String("by_x"), KeySchema: []types.KeySchemaElement{key("pk", types.KeyTypeHash), key("x", types.KeyTypeRange)},
			Projection: &types.Projection{ProjectionType: types.ProjectionTypeKeysOnly},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.PutItem(t.Context(), &dynamodb.PutItemInput{
		TableName: aws.String("indexed"), ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
		Item: attributes{"pk": str("a"), "sk": str("b"), "state": str("new"), "x": str("y")},
	})
	if err != nil || *out.ConsumedCapacity.CapacityUnits != 3 {
		t.Errorf("%+v, %v", out, err)
	}
}
