package conformance

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/kvtool/kvtool/adapters/reference/engine"
)

// TestGoRedis makes the ordinary calls of go-redis on a redis-server and on the engine, and compares what they return.
func TestGoRedis(t *testing.T) {
	t.Parallel()
	addr := [2]string{redisAddr(t), engineAddr(t, engine.Options{Shards: 2})}
	for _, protocol := range []int{2, 3} {
		var said [2][]string
		for i := range addr {
			c := redis.NewClient(&redis.Options{Addr: addr[i], Protocol: protocol})
			defer c.Close()
			said[i] = goRedis(t, c)
		}
		for i, want := range said[0] {
			if said[1][i] != want {
				t.Errorf("protocol %d:\nredis  %s\nengine %s", protocol, want, said[1][i])
			}
		}
	}
}

// goRedis makes calls and returns a line for each.
func goRedis(t *testing.T, c *redis.Client) []string {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := c.FlushAll(ctx).Err(); err != nil {
		t.Fatal(err)
	}
	var said []string
	for _, cmd := range slices.Concat(stringCalls(ctx, c), collectionCalls(ctx, c), zsetCalls(ctx, c), otherCalls(ctx, c)) {
		said = append(said, cmd.String())
	}
	return append(said, goRedisSessions(ctx, c)...)
}

//nolint:staticcheck // what is deprecated is what programs call
func stringCalls(ctx context.Context, c *redis.Client) []redis.Cmder {
	return []redis.Cmder{
		c.Ping(ctx), c.Echo(ctx, "hello"), c.Set(ctx, "s", "v", 0), c.Set(ctx, "s", 12, time.Hour), c.Get(ctx, "s"),
		c.Get(ctx, "nosuch"),
		c.SetNX(ctx, "s", "w", 0), c.SetXX(ctx, "s", "w", redis.KeepTTL), c.SetEx(ctx, "e", "v", time.Minute),
		c.GetSet(ctx, "s", "x"),
		c.SetArgs(ctx, "s", "y", redis.SetArgs{Get: true, Mode: "XX", TTL: time.Hour}), c.GetEx(ctx, "s", 0), c.GetDel(ctx, "e"),
		c.MSet(ctx, "a", 1, "b", 2), c.MSetNX(ctx, "a", 3, "z", 4), c.MGet(ctx, "a", "b", "nosuch"), c.Append(ctx, "s", "tail"),
		c.StrLen(ctx, "s"),
		c.GetRange(ctx, "s", 1, 3), c.SetRange(ctx, "s", 2, "__"), c.Incr(ctx, "a"), c.IncrBy(ctx, "a", 5),
		c.IncrByFloat(ctx, "a", 1.5),
		c.Decr(ctx, "b"), c.DecrBy(ctx, "b", 7), c.Incr(ctx, "s"), c.SetBit(ctx, "bits", 7, 1), c.GetBit(ctx, "bits", 7),
		c.BitCount(ctx, "bits", &redis.BitCount{Start: 0, End: 5, Unit: "BIT"}), c.BitPos(ctx, "bits", 1),
		c.BitPosSpan(ctx, "bits", 0, 0, 3, "bit"),
		c.BitOpAnd(ctx, "and", "bits", "s"), c.BitOpNot(ctx, "not", "bits"),
		c.BitField(ctx, "bits", "INCRBY", "u4", 0, 3, "GET", "i8", 4),
		c.BitFieldRO(ctx, "bits", "u8", 0), c.LCS(ctx, &redis.LCSQuery{Key1: "s", Key2: "bits"}),
		c.LCS(ctx, &redis.LCSQuery{Key1: "s", Key2: "s", Idx: true, WithMatchLen: true}),
		c.LPush(ctx, "s", 1), c.Do(ctx, "get", "s"), c.Do(ctx, "nosuch", 1, 2), c.Del(ctx, "not", "and"), c.Unlink(ctx, "nosuch"),
		c.Exists(ctx, "a", "b", "a"), c.Type(ctx, "a"), c.Rename(ctx, "a", "c"), c.Rename(ctx, "nosuch", "c"),
		c.RenameNX(ctx, "c", "b"),
		c.Copy(ctx, "b", "copy", 0, true), c.Expire(ctx, "b", time.Hour), c.ExpireNX(ctx, "b", time.Hour),
		c.ExpireGT(ctx, "b", time.Minute),
		c.PExpire(ctx, "b", time.Hour), c.ExpireAt(ctx, "b", time.Unix(4102444800, 0)), c.ExpireTime(ctx, "b"),
		c.PExpireTime(ctx, "b"),
		c.TTL(ctx, "nosuch"), c.TTL(ctx, "c"), c.Persist(ctx, "b"), c.PTTL(ctx, "b"), c.Touch(ctx, "b", "nosuch"),
		c.Move(ctx, "copy", 1),
		c.ObjectEncoding(ctx, "b"), c.ObjectRefCount(ctx, "b"), c.DBSize(ctx), c.Dump(ctx, "b"), c.Restore(ctx, "b2", 0, "junk"),
		c.RestoreReplace(ctx, "b2", 0, c.Dump(ctx, "b").Val()), c.Get(ctx, "b2"), c.Keys(ctx, "nosuch*"),
		c.Scan(ctx, 0, "nosuch*", 1000),
	}
}

//nolint:staticcheck // what is deprecated is what programs call
func collectionCalls(ctx context.Context, c *redis.Client) []redis.Cmder {
	return []redis.Cmder{
		c.LPush(ctx, "l", "a", "b"), c.RPush(ctx, "l", "c", 3, 1, 2), c.LPushX(ctx, "nosuch", 1), c.RPushX(ctx, "l", "x"),
		c.LLen(ctx, "l"),
		c.LRange(ctx, "l", 0, -1), c.LIndex(ctx, "l", -1), c.LIndex(ctx, "l", 99), c.LSet(ctx, "l", 0, "first"),
		c.LSet(ctx, "l", 99, "x"),
		c.LInsertBefore(ctx, "l", "c", "new"), c.LInsertAfter(ctx, "l", "nosuch", "new"), c.LRem(ctx, "l", 0, "x"),
		c.LPos(ctx, "l", "c", redis.LPosArgs{Rank: 1}),
		c.LPosCount(ctx, "l", "c", 0, redis.LPosArgs{}), c.LPop(ctx, "l"), c.RPopCount(ctx, "l", 2),
		c.LPopCount(ctx, "nosuch", 2), c.LTrim(ctx, "l", 0, 1),
		c.RPopLPush(ctx, "l", "l2"), c.LMove(ctx, "l2", "l", "LEFT", "RIGHT"), c.LMPop(ctx, "left", 2, "nosuch", "l"),
		c.BLPop(ctx, time.Second, "l2", "l"),
		c.RPush(ctx, "l", 5, 3, 4), c.BRPop(ctx, time.Second, "l"), c.BLMove(ctx, "l", "l2", "LEFT", "LEFT", time.Second),
		c.BRPopLPush(ctx, "l", "l2", time.Second),
		c.BLMPop(ctx, time.Second, "RIGHT", 10, "l2"), c.RPush(ctx, "nums", 3, 1, 2),
		c.Sort(ctx, "nums", &redis.Sort{Order: "DESC", Offset: 0, Count: 2}), c.SortStore(ctx, "nums", "sorted", &redis.Sort{}),
		c.SortRO(ctx, "nums", &redis.Sort{Get: []string{"#"}}),
		c.HSet(ctx, "h", "f", "v", "n", 5), c.HSet(ctx, "h", map[string]any{"m": 1}), c.HSetNX(ctx, "h", "f", "w"),
		c.HGet(ctx, "h", "f"), c.HGet(ctx, "h", "nosuch"),
		c.HMGet(ctx, "h", "f", "nosuch"), c.HGetAll(ctx, "h"), c.HGetAll(ctx, "nosuch"), c.HDel(ctx, "h", "m"),
		c.HExists(ctx, "h", "f"), c.HLen(ctx, "h"), c.HKeys(ctx, "h"),
		c.HVals(ctx, "h"), c.HStrLen(ctx, "h", "f"), c.HIncrBy(ctx, "h", "n", 2), c.HIncrByFloat(ctx, "h", "n", 0.5),
		c.HIncrBy(ctx, "h", "f", 1),
		c.HScan(ctx, "h", 0, "*", 10), c.HMSet(ctx, "h", "q", 1), c.HRandFieldWithValues(ctx, "nosuch", 2),
		c.HRandField(ctx, "h", 0),
		c.SAdd(ctx, "t", 1, 2, 3), c.SAdd(ctx, "u", 3, 4), c.SRem(ctx, "t", 1), c.SIsMember(ctx, "t", 2),
		c.SMIsMember(ctx, "t", 2, 9), c.SCard(ctx, "t"),
		c.SMembers(ctx, "t"), c.SInter(ctx, "t", "u"), c.SInterCard(ctx, 1, "t", "u"), c.SUnion(ctx, "t", "u"),
		c.SDiff(ctx, "t", "u"), c.SInterStore(ctx, "i", "t", "u"),
		c.SUnionStore(ctx, "un", "t", "u"), c.SDiffStore(ctx, "di", "t", "u"), c.SMove(ctx, "t", "u", 2),
		c.SScan(ctx, "u", 0, "", 0), c.SPopN(ctx, "u", 99), c.SPop(ctx, "nosuch"),
		c.SRandMember(ctx, "nosuch"), c.SRandMemberN(ctx, "t", 5),
	}
}

//nolint:staticcheck // what is deprecated is what programs call
func zsetCalls(ctx context.Context, c *redis.Client) []redis.Cmder {
	byScore, byLex := &redis.ZRangeBy{Min: "1", Max: "+inf", Offset: 0, Count: 2}, &redis.ZRangeBy{Min: "-", Max: "[b"}
	store := &redis.ZStore{Keys: []string{"z", "y"}, Weights: []float64{1, 2}, Aggregate: "MAX"}
	return []redis.Cmder{
		c.ZAdd(ctx, "z", redis.Z{Score: 1, Member: "a"}, redis.Z{Score: 2.5, Member: "b"}, redis.Z{Score: 3, Member: "c"}),
		c.ZAddNX(ctx, "z", redis.Z{Score: 9, Member: "a"}),
		c.ZAddXX(ctx, "z", redis.Z{Score: 1.5, Member: "a"}), c.ZAddGT(ctx, "z", redis.Z{Score: 1, Member: "a"}),
		c.ZAddLT(ctx, "z", redis.Z{Score: 1, Member: "a"}),
		c.ZAddArgsIncr(ctx, "z", redis.ZAddArgs{Members: []redis.Z{{Score: 1, Member: "a"}}}), c.ZIncrBy(ctx, "z", 0.1, "b"),
		c.ZCard(ctx, "z"), c.ZScore(ctx, "z", "a"),
		c.ZScore(ctx, "z", "nosuch"), c.ZMScore(ctx, "z", "a", "c"), c.ZRank(ctx, "z", "c"), c.ZRevRank(ctx, "z", "c"),
		c.ZRank(ctx, "z", "nosuch"), c.ZCount(ctx, "z", "-inf", "(3"),
		c.ZLexCount(ctx, "z", "-", "+"), c.ZRange(ctx, "z", 0, -1), c.ZRangeWithScores(ctx, "z", 0, -1),
		c.ZRangeByScore(ctx, "z", byScore), c.ZRangeByScoreWithScores(ctx, "z", byScore),
		c.ZRevRangeByScore(ctx, "z", byScore), c.ZRangeByLex(ctx, "z", byLex), c.ZRevRangeByLex(ctx, "z", byLex),
		c.ZRevRange(ctx, "z", 0, 0), c.ZRevRangeWithScores(ctx, "z", 0, 5),
		c.ZRangeArgs(ctx, redis.ZRangeArgs{Key: "z", Start: 1, Stop: 5, ByScore: true, Rev: true}),
		c.ZRangeStore(ctx, "r", redis.ZRangeArgs{Key: "z", Start: 0, Stop: 1}),
		c.ZAdd(ctx, "y", redis.Z{Score: 7, Member: "a"}, redis.Z{Score: 8, Member: "x"}), c.ZUnion(ctx, *store),
		c.ZUnionWithScores(ctx, *store), c.ZInter(ctx, store),
		c.ZInterWithScores(ctx, store), c.ZDiff(ctx, "z", "y"), c.ZDiffWithScores(ctx, "z", "y"),
		c.ZUnionStore(ctx, "o", store), c.ZInterStore(ctx, "o", store), c.ZDiffStore(ctx, "o", "z", "y"),
		c.ZInterCard(ctx, 0, "z", "y"), c.ZRem(ctx, "z", "c"), c.ZRemRangeByRank(ctx, "o", 0, 0),
		c.ZRemRangeByScore(ctx, "o", "-inf", "+inf"), c.ZRemRangeByLex(ctx, "o", "-", "+"),
		c.ZPopMin(ctx, "z"), c.ZPopMax(ctx, "z", 3), c.ZPopMin(ctx, "nosuch"), c.ZMPop(ctx, "min", 1, "nosuch", "y"),
		c.BZPopMin(ctx, time.Second, "nosuch", "y"),
		c.ZAdd(ctx, "y", redis.Z{Score: 1, Member: "q"}), c.BZPopMax(ctx, time.Second, "y"),
		c.ZAdd(ctx, "y", redis.Z{Score: 1, Member: "q"}), c.BZMPop(ctx, time.Second, "max", 2, "y"),
		c.ZScan(ctx, "r", 0, "", 0), c.ZRandMemberWithScores(ctx, "nosuch", 1),
	}
}

//nolint:staticcheck // what is deprecated is what programs call
func otherCalls(ctx context.Context, c *redis.Client) []redis.Cmder {
	here := &redis.GeoRadiusQuery{Radius: 200, Unit: "km", WithDist: true, WithCoord: true, Sort: "ASC"}
	search := redis.GeoSearchQuery{Longitude: 15, Latitude: 37, BoxWidth: 400, BoxHeight: 400, BoxUnit: "km", Sort: "DESC"}
	return []redis.Cmder{
		c.GeoAdd(ctx, "g", &redis.GeoLocation{Name: "Palermo", Longitude: 13.361389, Latitude: 38.115556},
			&redis.GeoLocation{Name: "Catania", Longitude: 15.087269, Latitude: 37.502669}),
		c.GeoDist(ctx, "g", "Palermo", "Catania", "km"), c.GeoHash(ctx, "g", "Palermo"), c.GeoRadius(ctx, "g", 15, 37, here),
		c.GeoSearch(ctx, "g", &search),
		c.GeoSearchLocation(ctx, "g", &redis.GeoSearchLocationQuery{GeoSearchQuery: search, WithDist: true}),
		c.GeoSearchStore(ctx, "g", "found", &redis.GeoSearchStoreQuery{GeoSearchQuery: search}),
		c.GeoRadiusByMember(ctx, "g", "Palermo", here),
		c.PFAdd(ctx, "p", 1, 2, 3), c.PFAdd(ctx, "q", 3, 4), c.PFCount(ctx, "p", "q"), c.PFMerge(ctx, "pq", "p", "q"),
		c.PFCount(ctx, "pq"),
		c.ConfigGet(ctx, "maxmemory"), c.ConfigSet(ctx, "maxmemory", "0"), c.ConfigResetStat(ctx), c.SlowLogGet(ctx, 0),
		c.PubSubNumPat(ctx),
		c.PubSubNumSub(ctx, "ch"), c.Publish(ctx, "ch", "nobody"), c.SPublish(ctx, "ch", "nobody"),
		c.CommandGetKeys(ctx, "mset", "a", 1, "b", 2), c.FlushDBAsync(ctx), c.FlushAllAsync(ctx),
	}
}

// goRedisSessions does what takes more than one call: pipelines, transactions, subscriptions.
func goRedisSessions(ctx context.Context, c *redis.Client) []string {
	var said []string
	say := func(v any, err error) { said = append(said, fmt.Sprint(v, " ", err)) }
	cmds, err := c.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i := range 1000 {
			p.Incr(ctx, fmt.Sprint("p", i%7))
		}
		return nil
	})
	say(fmt.Sprint(cmds[999]), err)
	cmds, err = c.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.Set(ctx, "k", 1, 0)
		p.LPush(ctx, "k", 1)
		p.Get(ctx, "k")
		return nil
	})
	say(cmds, err)
	err = c.Watch(ctx, func(tx *redis.Tx) error {
		if err := c.Set(ctx, "k", 2, 0).Err(); err != nil {
			return err
		}
		_, err := tx.TxPipelined(ctx, func(p redis.Pipeliner) error { return p.Set(ctx, "k", 3, 0).Err() })
		return err
	}, "k")
	say(errors.Is(err, redis.TxFailedErr), err)
	sub := c.Subscribe(ctx, "news")
	defer sub.Close()
	first, err := sub.Receive(ctx)
	say(first, err)
	say(c.Publish(ctx, "news", "hello").Result())
	message, err := sub.ReceiveMessage(ctx)
	say(message, err)
	if err := c.MSet(ctx, "i1", 1, "i2", 2, "i3", 3).Err(); err != nil {
		say(nil, err)
	}
	var keys []string
	for it := c.Scan(ctx, 0, "i?", 1).Iterator(); it.Next(ctx); {
		keys = append(keys, it.Val())
	}
	slices.Sort(keys)
	say(strings.Join(slices.Compact(keys), " "), nil)
	return said
}
