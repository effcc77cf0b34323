package lint

import "strings"

// The words of operations that write, of all stores: commands of Redis and memcached, operations of DynamoDB, CQL and others.
// An operation may be several: INCR+EXPIRE, "SCAN MATCH".
const (
	growing = " lpush rpush lpushx rpushx linsert lmove blmove rpoplpush brpoplpush sadd smove sunionstore sinterstore sdiffstore" +
		" zadd zincrby zunionstore zinterstore zdiffstore zrangestore geoadd xadd "
	writing = growing + "set setex psetex setnx setrange setbit mset msetnx append incr incrby incrbyfloat decr decrby getset getdel" +
		" hset hmset hsetnx hincrby hincrbyfloat hdel hsetex lset lrem ltrim lpop rpop srem spop zrem zremrangebyrank" +
		" zremrangebyscore zpopmin zpopmax xtrim xdel xack del unlink rename restore copy pfadd pfmerge bitop json.set json.del" +
		" add replace prepend cas touch delete put putitem updateitem deleteitem batchwriteitem transactwriteitems" +
		" insert update txn operate "
	multiKey = " mget mset msetnx rename renamenx copy smove lmove blmove rpoplpush brpoplpush sunion sinter sdiff sunionstore" +
		" sinterstore sdiffstore zunion zinter zdiff zunionstore zinterstore zdiffstore zrangestore bitop pfmerge "
	listing = " keys scan "
)

// words splits the name of an operation.
func words(op string) []string {
	return strings.FieldsFunc(strings.ToLower(op), func(r rune) bool { return r == '+' || r == ' ' || r == ',' || r == '/' || r == '|' })
}

// does reports whether one of the words of an operation is in a list of them.
func does(op, list string) bool {
	for _, w := range words(op) {
		if strings.Contains(list, " "+w+" ") {
			return true
		}
	}
	return false
}

// writes returns how many writes of t there are a second, as far as they are declared.
func (t *template) writes() float64 {
	n := 0.0
	for _, u := range t.uses {
		if does(u.Op, writing) {
			n += u.Rate
		}
	}
	return n
}
