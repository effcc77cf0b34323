"""Writes vectors of placement as client libraries compute it. See README.md."""

import random
from importlib.metadata import version
from pathlib import Path

from cassandra.metadata import Murmur3Token
from uhashring import HashRing

HERE = Path(__file__).parent
rng = random.Random(1)


def keys():
    """Keys of all lengths up to 70 bytes, of letters and of any bytes, and some as people write them."""
    for n in range(71):
        yield bytes(rng.randrange(97, 123) for _ in range(n))
        yield bytes(rng.randrange(256) for _ in range(n))
    for i in range(200):
        yield f"user:{i * 7919}:cart".encode()


def write(name, library, lines):
    with open(HERE / name, "w") as f:
        f.write(f"# {library} {version(library)}\n")
        f.writelines(line + "\n" for line in lines)


KEYS = list(keys())
write("cassandra.txt", "cassandra-driver", (f"{k.hex()} {Murmur3Token.hash_fn(k)}" for k in KEYS))

servers = [f"10.0.1.{i}:11211" for i in range(1, 6)]
lines = []
for n in (1, 2, 3, 5):
    ring = HashRing(servers[:n], hash_fn="ketama")
    texts = [k for k in KEYS if k and k.isascii() and k.decode().isprintable()]
    lines += [f"{n} {k.hex()} {servers.index(ring.get_node(k.decode()))}" for k in texts]
write("ketama.txt", "uhashring", lines)
