// Command dynamo does with DynamoDB what is done without kvtool, for the section "stores" of the benchmark:
//
//	go run ./dynamo create URL            make the table "bench" on a server of the protocol
//	go run ./dynamo get URL N             N calls of the SDK of AWS, by 50 goroutines: keys at random of a million
//	go run ./dynamo put URL N             the same, with values of 100 B
//	go run ./dynamo export DIR N          write an export of N items as DynamoDB does, in 16 files
package main

import (
	"bufio"
	"context"
	"crypto/md5"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/klauspost/compress/gzip"
)

// Keys and values are those of ../loader.
const (
	conns     = 50
	keySpace  = 1_000_000
	valueSize = 100
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "dynamo:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	ctx := context.Background()
	if len(args) == 2 && args[0] == "create" {
		return create(ctx, args[1])
	}
	if len(args) != 3 {
		return errors.New("want create, get, put or export, where, and a number")
	}
	n, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	switch args[0] {
	case "get", "put":
		return call(ctx, args[1], args[0] == "put", n)
	case "export":
		return export(args[1], n)
	}
	return fmt.Errorf("no command %s", args[0])
}

// client is one as the SDK's own guide makes it.
func client(ctx context.Context, url string) (*dynamodb.Client, error) {
	cfg, err := config.LoadDefaultConfig(ctx, config.WithRegion("us-east-1"),
		config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider("kvtool", "kvtool", "")))
	if err != nil {
		return nil, err
	}
	return dynamodb.NewFromConfig(cfg, func(o *dynamodb.Options) { o.BaseEndpoint = &url }), nil
}

func create(ctx context.Context, url string) error {
	c, err := client(ctx, url)
	if err != nil {
		return err
	}
	_, err = c.CreateTable(ctx, &dynamodb.CreateTableInput{
		TableName: aws.String("bench"), BillingMode: types.BillingModePayPerRequest,
		KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("pk"), KeyType: types.KeyTypeHash}},
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("pk"), AttributeType: types.ScalarAttributeTypeS}},
	})
	return err
}

// call makes n calls, one after the other in each of 50 goroutines with a client of its own, as kvtool's connections are.
func call(ctx context.Context, url string, write bool, n int) error {
	value := strings.Repeat("v", valueSize)
	errs := make([]error, conns)
	var wg sync.WaitGroup
	for i := range conns {
		c, err := client(ctx, url)
		if err != nil {
			return err
		}
		wg.Go(func() {
			r := rand.New(rand.NewPCG(1, uint64(i)))
			for range (n + i) / conns {
				key := map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: fmt.Sprintf("key:%012d", r.IntN(keySpace))}}
				if write {
					key["value"] = &types.AttributeValueMemberS{Value: value}
					_, errs[i] = c.PutItem(ctx, &dynamodb.PutItemInput{
						TableName: aws.String("bench"), Item: key, ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
					})
				} else {
					_, errs[i] = c.GetItem(ctx, &dynamodb.GetItemInput{
						TableName: aws.String("bench"), Key: key, ConsistentRead: aws.Bool(true), ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
					})
				}
				if errs[i] != nil {
					return
				}
			}
		})
	}
	wg.Wait()
	fmt.Printf("done: %d\n", n)
	return errors.Join(errs...)
}

// files is how many an export has.
const files = 16

// export writes orders of users, each of about 400 bytes of DynamoDB JSON, the items of a user in one file.
func export(dir string, n int) error {
	root := filepath.Join(dir, "AWSDynamoDB", "01790000000000-bench001")
	if err := os.MkdirAll(filepath.Join(root, "data"), 0o700); err != nil {
		return err
	}
	var list strings.Builder
	sum := 0
	for f := range files {
		name := fmt.Sprintf("file%026d.json.gz", f)
		items := n/files + (n%files-f+files-1)/files
		sum += items
		md5, err := write(filepath.Join(root, "data", name), f, items)
		if err != nil {
			return err
		}
		line, err := json.Marshal(map[string]any{
			"itemCount": items, "md5Checksum": md5, "etag": "x-1", "dataFileS3Key": "AWSDynamoDB/01790000000000-bench001/data/" + name,
		})
		if err != nil {
			return err
		}
		list.Write(append(line, '\n'))
	}
	summary := fmt.Sprintf(`{"version":"2020-06-30","exportArn":"arn:aws:dynamodb:eu-central-1:1:table/bench/export/x","startTime":"2026-09-21T00:00:00.000Z",`+
		`"endTime":"2026-09-21T00:10:00.000Z","tableArn":"arn:aws:dynamodb:eu-central-1:1:table/bench","exportTime":"2026-09-21T00:00:00.000Z",`+
		`"manifestFilesS3Key":"AWSDynamoDB/01790000000000-bench001/manifest-files.json","billedSizeBytes":1,"itemCount":%d,"outputFormat":"DYNAMODB_JSON"}`, sum)
	return errors.Join(
		os.WriteFile(filepath.Join(root, "manifest-files.json"), []byte(list.String()), 0o600),
		os.WriteFile(filepath.Join(root, "manifest-summary.json"), []byte(summary), 0o600))
}

// write makes one file and returns its MD5.
func write(path string, seed, items int) (string, error) {
	f, err := os.Create(path)
	if err != nil {
		return "", err
	}
	sum := md5.New()
	zip := gzip.NewWriter(io.MultiWriter(f, sum))
	w := bufio.NewWriter(zip)
	r := rand.New(rand.NewPCG(7, uint64(seed)))
	states := []string{"new", "paid", "sent", "returned"}
	for i := range items {
		user := seed + files*(i/8)
		fmt.Fprintf(w, `{"Item":{"pk":{"S":"USER#%d"},"sk":{"S":"ORDER#2026-%02d-%02d#%d"},"state":{"S":"%s"},"total":{"N":"%d.%02d"},`+
			`"mail":{"S":"user%d@example.com"},"token":{"S":"%016x%016x"},"gift":{"BOOL":%t},"ttl":{"N":"%d"},"lines":{"L":[`+
			`{"M":{"sku":{"S":"SKU-%05d"},"n":{"N":"%d"},"price":{"N":"%d"}}},{"M":{"sku":{"S":"SKU-%05d"},"n":{"N":"%d"},"price":{"N":"%d"}}}]}}}`+"\n",
			user, 1+r.IntN(12), 1+r.IntN(28), i, states[r.IntN(4)], r.IntN(500), r.IntN(100), user, r.Uint64(), r.Uint64(), r.IntN(2) == 0,
			1_790_000_000+r.IntN(1_000_000), r.IntN(99999), 1+r.IntN(9), r.IntN(9999), r.IntN(99999), 1+r.IntN(9), r.IntN(9999))
	}
	err = errors.Join(w.Flush(), zip.Close(), f.Close())
	return base64.StdEncoding.EncodeToString(sum.Sum(nil)), err
}
