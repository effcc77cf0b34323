"""Writes vectors of placement by the sharding clients of PHP. No PHP is needed: what Predis's own tests expect is here as data, and the
rest is computed by the algorithms of both, with the CRC-32 of Python and a search that is not that of kvtool. See README.md."""

import random
import zlib
from pathlib import Path

HERE = Path(__file__).parent
rng = random.Random(2)

# tests/Predis/Cluster/Distributor/HashRingTest.php of Predis 2: testMultipleNodesInRing and testSubsequendAddAndRemoveFromRing (keys 0, 1,
# 4, 9 …), testGetByValue. Servers are 127.0.0.1:7000, :7001 …; a digit is the last of the port.
SQUARES = {3: "11122110122220222012", 2: "1111111010"}
NAMED = {"uid:256": 1, "uid:281": 1, "uid:312": 0, "uid:432": 1, "uid:500": 2, "uid:641": 0}


def part(key, empty):
    """What counts of a key with braces. phpredis takes nothing for an answer, Predis does not."""
    start = key.find(b"{")
    end = key.find(b"}", start + 1) if start >= 0 else -1
    return key[start + 1:end] if end > start + (0 if empty else 1) else key


def predis(key, servers):
    ring = sorted((zlib.crc32(f"127.0.0.1:{7000 + n}:{i}".encode()), n) for n in range(servers) for i in range(128))
    before = [n for point, n in ring if point <= zlib.crc32(part(key, False))]
    return before[-1] if before else ring[-1][1]


def phpredis(key, servers):
    """ra_find_node of redis_array_impl.c (phpredis 5), without a distributor and not consistent."""
    return zlib.crc32(part(key, True)) * servers // 0xFFFFFFFF


def keys():
    for n in range(1, 60):
        yield bytes(rng.randrange(97, 123) for _ in range(n))
        yield bytes(rng.randrange(1, 256) for _ in range(n))
    for i in range(100):
        yield f"user:{i * 7919}:cart".encode()
        yield f"cart:{{user:{i}}}:items".encode()
    yield from (b"{}", b"a{}b{c}", b"{a", b"a}b{", b"{{a}}", b"}{a}")


KEYS = list(keys())
with open(HERE / "predis.txt", "w") as f:
    f.write("# expected by the tests of Predis 2 itself\n")
    told = [(n, str(i * i), int(d)) for n, digits in SQUARES.items() for i, d in enumerate(digits)] + [(3, k, n) for k, n in NAMED.items()]
    for servers, key, at in told:
        assert predis(key.encode(), servers) == at, (servers, key, at)
        f.write(f"{servers} x{key.encode().hex()} {at}\n")
    f.write("# computed by vectors_php.py\n")
    f.writelines(f"{n} x{k.hex()} {predis(k, n)}\n" for n in (1, 2, 3, 5) for k in KEYS)
with open(HERE / "phpredis.txt", "w") as f:
    f.write("# computed by vectors_php.py\n")
    f.writelines(f"{n} x{k.hex()} {phpredis(k, n)}\n" for n in (1, 2, 3, 5, 16) for k in KEYS)
