import redis.clients.jedis.*;
import redis.clients.jedis.util.*;
import java.util.*;

/** Writes vectors of placement as ShardedJedis computes it. See README.md. */
class Vectors {
    public static void main(String[] a) {
        Random rng = new Random(1);
        List<byte[]> keys = new ArrayList<>();
        for (int n = 0; n < 71; n++) {
            byte[] b = new byte[n], c = new byte[n];
            for (int i = 0; i < n; i++) b[i] = (byte) (97 + rng.nextInt(26));
            rng.nextBytes(c);
            keys.add(b);
            keys.add(c);
        }
        for (int i = 0; i < 100; i++) keys.add(("user:" + i * 7919 + ":cart").getBytes());
        System.out.println("# jedis 3.10.0");
        for (String names : new String[]{"", "names"})
            for (int n : new int[]{1, 2, 3, 5}) {
                List<JedisShardInfo> shards = new ArrayList<>();
                for (int i = 1; i <= n; i++)
                    shards.add(names.isEmpty() ? new JedisShardInfo("10.0.1." + i, 6379) : new JedisShardInfo("10.0.1." + i, 6379, "shard" + i));
                Sharded<Jedis, JedisShardInfo> ring = new Sharded<>(shards);
                for (byte[] k : keys) {
                    StringBuilder hex = new StringBuilder();
                    for (byte x : k) hex.append(String.format("%02x", x));
                    System.out.println(n + " " + (names.isEmpty() ? "-" : names) + " x" + hex + " " + shards.indexOf(ring.getShardInfo(k)));
                }
            }
    }
}
