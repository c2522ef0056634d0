# SPDX-License-Identifier: MIT
# shellcheck shell=sh
#
# Pictures that a few lines of Python make, and means that they compute, from
# each square by itself. Python reads and writes PNG with its own inflate.
# shellcheck source=test/examples/support.sh
. "$(dirname "$0")/support.sh"

command -v python3 >"$work/found" || skip 'there is no python3'
cat >"$work/png.py" <<'END'
import random, struct, sys, zlib

def write(path, width, height, channels, rows):
    def chunk(name, data):
        sum = zlib.crc32(name + data)
        return struct.pack('>I', len(data)) + name + data + struct.pack('>I', sum)
    kind = {1: 0, 3: 2, 4: 6}[channels]
    head = struct.pack('>IIBBBBB', width, height, 8, kind, 0, 0, 0)
    data = b''.join(b'\0' + bytes(row) for row in rows)
    with open(path, 'wb') as file:
        file.write(b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', head) +
                   chunk(b'IDAT', zlib.compress(data)) + chunk(b'IEND', b''))

def paeth(a, b, c):
    return min((abs(b - c), 0, a), (abs(a - c), 1, b),
               (abs(a + b - 2 * c), 2, c))[2]

# The rows as (r, g, b, a); 8 bits, not interlaced.
def read(path):
    with open(path, 'rb') as file:
        file = file.read()
    at, data = 8, b''
    while at < len(file):
        size, name = struct.unpack('>I4s', file[at:at + 8])
        body, at = file[at + 8:at + 8 + size], at + 12 + size
        if name == b'IHDR':
            width, height, depth, kind, _, _, lace = struct.unpack('>IIBBBBB', body)
            assert depth == 8 and lace == 0
            n = {0: 1, 2: 3, 6: 4}[kind]
        if name == b'IDAT':
            data += body
    data, rows, above = zlib.decompress(data), [], [0] * (width * n)
    assert len(data) == height * (width * n + 1)
    for y in range(height):
        filter, *row = data[y * (width * n + 1):(y + 1) * (width * n + 1)]
        for i in range(len(row)):
            a, c = (row[i - n], above[i - n]) if i >= n else (0, 0)
            b = above[i]
            row[i] += (0, a, b, (a + b) // 2, paeth(a, b, c))[filter]
            row[i] &= 255
        above = row
        full = [row[x:x + n] for x in range(0, width * n, n)]
        rows.append([(p * 3 if n == 1 else p) + [255] * (n < 4) for p in full])
    return rows

def mean(square):
    alpha = sum(p[3] for p in square)
    if alpha == 0:
        return [0, 0, 0, 0]
    return [(sum(p[i] * p[3] for p in square) + alpha // 2) // alpha
            for i in range(3)] + [(alpha + len(square) // 2) // len(square)]

what, path, *more = sys.argv[1:]
if what == 'make':
    width, height, channels = map(int, more)
    r = random.Random(width * height)
    # With all of it opaque, all transparent, and any of it.
    rows = [[r.choice((0, 255, r.randrange(256))) for _ in range(width * channels)]
            for _ in range(height)]
    for row in rows[:height // 3]:
        row[channels - 1::channels] = [0] * width
    write(path, width, height, channels, rows)
else:
    radius, blurred = int(more[0]), read(more[1])
    rows = read(path)
    assert len(blurred) == len(rows) and len(blurred[0]) == len(rows[0])
    for y in range(len(rows)):
        tall = rows[max(y - radius, 0):y + radius + 1]
        for x in range(len(rows[0])):
            wanted = mean([p for row in tall
                           for p in row[max(x - radius, 0):x + radius + 1]])
            assert blurred[y][x] == wanted, (x, y, blurred[y][x], wanted)
END

check() { # WIDTH HEIGHT CHANNELS RADIUS
	python3 "$work/png.py" make in.png "$1" "$2" "$3"
	for workers in 1 4; do
		SKUA_WORKERS=$workers expect 0 '' \
			"$program" "$4" in.png "$workers.png"
	done
	cmp 1.png 4.png || fail "$*: 4 workers write something else"
	python3 "$work/png.py" compare in.png "$4" 1.png || fail "$*"
}

check 1 1 4 1
check 1 90 4 3
check 90 1 4 3
check 203 151 4 2
check 150 130 3 3
check 100 64 1 5
check 30 20 4 127

# White and opaque, the largest sums there are.
python3 - <<'END' "$work/png.py"
import sys
source = open(sys.argv[1]).read().split('\nwhat, path')[0]
exec(source)
write('white.png', 260, 260, 4, [[255] * 260 * 4] * 260)
END
expect 0 '' "$program" 127 white.png out.png
expect 0 '' "$program" 1 white.png same.png
cmp out.png same.png || fail 'white does not stay white'
rm out.png

# Larger than one block, in place.
python3 "$work/png.py" make large.png 700 500 4
expect 0 '' env SKUA_WORKERS=1 "$program" 20 large.png wanted.png
expect 0 '' env SKUA_WORKERS=4 "$program" 20 large.png large.png
cmp large.png wanted.png || fail 'in place'

# What goes wrong is told, and nothing is written.
head -c 100 in.png >short.png
: >empty.png
for radius in 0 -1 128 x 2x ''; do
	expect 1 'usage' "$program" "$radius" in.png out.png
done
expect 1 'usage' "$program" 2 in.png
for file in missing.png short.png empty.png "$0"; do
	expect 1 "blur: $file: " "$program" 2 "$file" out.png
done
SKUA_WORKERS=none expect 1 'blur: in.png: ' "$program" 2 in.png out.png
[ ! -e out.png ] || fail 'an output in spite of an error'
expect 1 'blur: no/out.png: No such file' "$program" 2 in.png no/out.png
expect 1 'blur: /dev/full: No space' "$program" 2 in.png /dev/full
