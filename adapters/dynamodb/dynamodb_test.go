package dynamodb

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go/logging"
	"pgregory.net/rapid"

	"github.com/kvtool/kvtool/internal/servertest"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/kv/kvtest"
)

func str(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
func num(s string) types.AttributeValue { return &types.AttributeValueMemberN{Value: s} }
func bin(b []byte) types.AttributeValue { return &types.AttributeValueMemberB{Value: b} }

// anybody signs as somebody: a server of these tests takes any credentials, and wants some.
func anybody(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "kvtool", SecretAccessKey: "kvtool"}, nil
}

// clientOf returns a client of a server on this machine.
func clientOf(endpoint string) *dynamodb.Client {
	return dynamodb.New(dynamodb.Options{
		BaseEndpoint: &endpoint, Region: "us-east-1", Logger: logging.Nop{}, Credentials: aws.CredentialsProviderFunc(anybody),
	})
}

// create makes a table with a key of the given types, S, N or B, and waits until it is there.
func create(t *testing.T, c *dynamodb.Client, name, pk, sk string) {
	t.Helper()
	in := &dynamodb.CreateTableInput{
		TableName: &name, BillingMode: types.BillingModePayPerRequest,
		KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("pk"), KeyType: types.KeyTypeHash}},
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("pk"), AttributeType: types.ScalarAttributeType(pk)}},
	}
	if sk != "" {
		in.KeySchema = append(in.KeySchema, types.KeySchemaElement{AttributeName: aws.String("sk"), KeyType: types.KeyTypeRange})
		in.AttributeDefinitions = append(in.AttributeDefinitions,
			types.AttributeDefinition{AttributeName: aws.String("sk"), AttributeType: types.ScalarAttributeType(sk)})
		in.LocalSecondaryIndexes = []types.LocalSecondaryIndex{{
			IndexName: aws.String("by_x"), Projection: &types.Projection{ProjectionType: types.ProjectionTypeKeysOnly},
			KeySchema: []types.KeySchemaElement{
				{AttributeName: aws.String("pk"), KeyType: types.KeyTypeHash}, {AttributeName: aws.String("x"), KeyType: types.KeyTypeRange},
			},
		}}
		in.AttributeDefinitions = append(in.AttributeDefinitions,
			types.AttributeDefinition{AttributeName: aws.String("x"), AttributeType: types.ScalarAttributeTypeS})
	}
	if _, err := c.CreateTable(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	for range 1000 {
		out, err := c.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: &name})
		if err == nil && out.Table.TableStatus == types.TableStatusActive {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatalf("the table %s is not there", name)
}

func put(t *testing.T, c *dynamodb.Client, table string, items ...attributes) {
	t.Helper()
	for _, it := range items {
		if _, err := c.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &table, Item: it}); err != nil {
			t.Fatal(err)
		}
	}
}

func openTable(t *testing.T, target string) kv.Store {
	t.Helper()
	s, err := tryOpen(t, target)
	if err != nil {
		t.Fatalf("%v (hint: %s)", err, kv.Hint(err))
	}
	return s
}

func tryOpen(t *testing.T, target string) (kv.Store, error) {
	t.Helper()
	parsed, err := kv.ParseTarget(target)
	if err != nil {
		t.Fatal(err)
	}
	return open(t.Context(), parsed)
}

// A server of the protocol holds what was put into it, by keys of each type, in any number of segments.
func TestServer(t *testing.T) {
	endpoint := servertest.DynamoDB(t)
	c := clientOf(endpoint)
	t.Run("composite", func(t *testing.T) { testComposite(t, c, endpoint) })
	t.Run("other keys", func(t *testing.T) { testOtherKeys(t, c, endpoint) })
	t.Run("units", func(t *testing.T) { testUnits(t, c) })
	t.Run("resume", func(t *testing.T) { testResume(t, endpoint) })
	t.Run("no such table", func(t *testing.T) {
		_, err := tryOpen(t, "dynamodb://nothing?endpoint="+endpoint)
		if err == nil || !strings.Contains(err.Error(), "no table nothing in us-east-1") || kv.Hint(err) == "" {
			t.Errorf("%v", err)
		}
	})
}

func testComposite(t *testing.T, c *dynamodb.Client, endpoint string) {
	create(t, c, "shop", "S", "N")
	var want []kv.Record
	for i := range 120 {
		it := attributes{"pk": str(fmt.Sprint("USER#", i%30)), "sk": num(fmt.Sprint(i)), "x": str(strings.Repeat("x", i))}
		put(t, c, "shop", it)
		r := kv.Record{Key: fmt.Sprintf("USER#%d|%d", i%30, i), Type: kv.TypeItem, Len: 3}
		r.Size = int64(2+len(fmt.Sprint("USER#", i%30))+2+1+i) + numberBytes(i)
		r.Known = kv.FieldName | kv.FieldParts | kv.FieldType | kv.FieldSize | kv.FieldLen
		want = append(want, r)
	}
	kvtest.TestStore(t, kvtest.Config{
		Open:    func(t *testing.T) kv.Store { return openTable(t, "dynamodb://shop?endpoint="+endpoint) },
		Records: want, Globs: []string{"USER#1|*", "*|7"},
	})
	testGet(t, openTable(t, "dynamodb://shop?endpoint="+endpoint), "USER#1|31", "USER#1|32", "USER#1", "USER#1|x", "USER#29|119", "USER#1|31")
	info, err := openTable(t, "dynamodb://shop?endpoint="+endpoint).Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	x := info.Table
	if x.Partition != "pk" || x.Sort != "sk" || x.Billing != "on-demand" || len(x.Indexes) != 1 || !x.Indexes[0].Local || x.Indexes[0].Projection != "keys" {
		t.Errorf("%+v", x)
	}
}

// numberBytes is what a whole number from 0 to 999 takes.
func numberBytes(n int) int64 {
	pairs := fmt.Sprintf("%04d", n)
	for strings.HasPrefix(pairs, "00") {
		pairs = pairs[2:]
	}
	for strings.HasSuffix(pairs, "00") {
		pairs = pairs[:len(pairs)-2]
	}
	return int64(len(pairs)/2) + 1
}

// testGet looks names up of which the first, the fifth and the last are there.
func testGet(t *testing.T, s kv.Store, names ...string) {
	t.Helper()
	getter, err := kv.GetterOf(s)
	if err != nil {
		t.Fatal(err)
	}
	asked := make([]kv.Name, 0, 2*mostKeys)
	for i := range 2 * mostKeys {
		asked = append(asked, kv.Name{Key: names[i%len(names)]})
	}
	next := 0
	err = getter.Get(t.Context(), kv.FieldName, asked, func(i int, r *kv.Record) {
		there := i%len(names) == 0 || i%len(names) == 4 || i%len(names) == 5
		if i != next || (r != nil) != there || r != nil && r.Key != asked[i].Key {
			t.Errorf("%d, %q: %+v", i, asked[i].Key, r)
		}
		next++
	})
	if err != nil || next != len(asked) {
		t.Errorf("%d of %d names: %v", next, len(asked), err)
	}
}

func testOtherKeys(t *testing.T, c *dynamodb.Client, endpoint string) {
	create(t, c, "numbers", "N", "")
	put(t, c, "numbers", attributes{"pk": num("1.50")}, attributes{"pk": num("-2e3")})
	create(t, c, "binary", "B", "")
	put(t, c, "binary", attributes{"pk": bin([]byte("\x00\xff|"))})
	for table, want := range map[string]string{"numbers": "-2000 1.5", "binary": "\x00\xff\\|"} {
		keys := map[string]bool{}
		for r, err := range openTable(t, "dynamodb://"+table+"?endpoint="+endpoint).Scan(t.Context(), kv.ScanOptions{}) {
			if err != nil {
				t.Fatal(err)
			}
			keys[r.Key] = true
		}
		for k := range strings.SplitSeq(want, " ") {
			if !keys[k] {
				t.Errorf("%s: %v, without %q", table, keys, k)
			}
			testGet(t, openTable(t, "dynamodb://"+table+"?endpoint="+endpoint), k, "7", "x|y", "", k, k)
		}
	}
}

// The server charges a write by the KiB, so that its units say how large it takes an item to be: by another program's reckoning,
// not ours. An item that is padded to just fit into a unit costs one less than one that is a byte larger.
func testUnits(t *testing.T, c *dynamodb.Client) {
	create(t, c, "units", "S", "")
	written := 0 // a put over another item is charged for the larger of the two
	rapid.Check(t, func(rt *rapid.T) {
		it := attributes{"pk": str("000000"), "v": plainValues().draw(rt, 0)}
		m := measure{}
		m.item(it)
		pad := int(math.Ceil(float64(m.size+1)/1024)*1024) - int(m.size) - 1
		for _, more := range []int{0, 1} {
			written++
			it["pk"] = str(fmt.Sprintf("%06d", written))
			it["p"] = str(strings.Repeat("x", pad+more))
			out, err := c.PutItem(t.Context(), &dynamodb.PutItemInput{
				TableName: aws.String("units"), Item: it, ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
			})
			if err != nil {
				rt.Fatal(err)
			}
			if want := math.Ceil(float64(int(m.size)+1+pad+more) / 1024); *out.ConsumedCapacity.CapacityUnits != want {
				rt.Fatalf("%v: %v units, want %v", it["v"], *out.ConsumedCapacity.CapacityUnits, want)
			}
			delete(it, "p")
		}
	})
}

// values draws values of every type, of texts and numbers of its own; member is a number of a set.
type values struct{ text, number, member *rapid.Generator[string] }

// plainValues has text of ASCII, of which dynalite counts characters where DynamoDB counts bytes; numbers have an odd number of digits,
// since of an even one it has a byte more if the digits do not pair up at the point.
func plainValues() values {
	number := rapid.StringMatching(`-?[1-9]([0-9][1-9]){0,8}0{0,4}`)
	return values{rapid.StringMatching(`[ -~]{1,40}`), number, number}
}

func (g values) draw(t *rapid.T, depth int) types.AttributeValue {
	kinds := 8
	if depth < 4 {
		kinds = 10
	}
	switch rapid.IntRange(0, kinds-1).Draw(t, "kind") {
	case 0:
		return str(g.text.Draw(t, "s"))
	case 1:
		return num(g.number.Draw(t, "n"))
	case 2:
		return bin(rapid.SliceOfN(rapid.Byte(), 1, 40).Draw(t, "b"))
	case 3:
		return &types.AttributeValueMemberBOOL{Value: rapid.Bool().Draw(t, "bool")}
	case 4:
		return &types.AttributeValueMemberNULL{Value: true}
	case 5:
		return &types.AttributeValueMemberSS{Value: rapid.SliceOfNDistinct(g.text, 1, 4, rapid.ID[string]).Draw(t, "ss")}
	case 6:
		return &types.AttributeValueMemberNS{Value: rapid.SliceOfNDistinct(g.member, 1, 4, rapid.ID[string]).Draw(t, "ns")}
	case 7:
		return &types.AttributeValueMemberBS{Value: [][]byte{{1, 2}, {3}}}
	case 8:
		l := []types.AttributeValue{}
		for range rapid.IntRange(0, 3).Draw(t, "len") {
			l = append(l, g.draw(t, depth+1))
		}
		return &types.AttributeValueMemberL{Value: l}
	}
	m := attributes{}
	for _, name := range rapid.SliceOfNDistinct(g.text, 0, 3, rapid.ID[string]).Draw(t, "names") {
		m[name] = g.draw(t, depth+1)
	}
	return &types.AttributeValueMemberM{Value: m}
}

// A scan that is broken off goes on behind the page that it has yielded.
func testResume(t *testing.T, endpoint string) {
	s := openTable(t, "dynamodb://shop?endpoint="+endpoint).(*store)
	s.table.Items, s.table.Bytes, s.asked.rcu = 120, 120*8192, 10 // pages of ten items
	seen := map[string]int{}
	var mark kv.Shard
	for r, err := range s.Scan(t.Context(), kv.ScanOptions{Mark: func(m kv.Shard) { mark = m }}) {
		if err != nil {
			t.Fatal(err)
		}
		if len(mark.From) > 0 && len(seen) >= 40 {
			break
		}
		seen[r.Key]++
	}
	for r, err := range s.Scan(t.Context(), kv.ScanOptions{Shard: mark}) {
		if err != nil {
			t.Fatal(err)
		}
		seen[r.Key]++
	}
	if len(seen) != 120 {
		t.Errorf("%d items of 120", len(seen))
	}
	for k, n := range seen {
		if n != 1 {
			t.Errorf("%q came %d times", k, n)
		}
	}
	if _, err := decodeKey([]byte(`{"pk":["X","1"]}`)); !errors.Is(err, kv.ErrUsage) {
		t.Errorf("a key of no type: %v", err)
	}
}

func TestOptions(t *testing.T) {
	t.Setenv("AWS_REGION", "")
	t.Setenv("AWS_DEFAULT_REGION", "")
	t.Setenv("AWS_CONFIG_FILE", t.TempDir()+"/none")
	for _, target := range []string{
		"dynamodb:shop", "dynamodb://eu-central-1/shop", "dynamodb://shop?rcu=x", "dynamodb://shop?endpoint=here", "dynamodb://shop?regoin=x", "dynamodb://shop",
	} {
		if _, err := tryOpen(t, target); !errors.Is(err, kv.ErrUsage) || kv.Hint(err) == "" {
			t.Errorf("%s: %v, hint %q", target, err, kv.Hint(err))
		}
	}
}

func FuzzKey(f *testing.F) {
	f.Add([]byte(`{"pk":["S","a"],"sk":["N","1"],"b":["B","AP8="]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		key, err := decodeKey(b)
		if err != nil || key == nil {
			return
		}
		again, err := decodeKey(encodeKey(key))
		if err != nil || len(again) != len(key) {
			t.Errorf("%q: %v, %v", b, again, err)
		}
	})
}
