#!/usr/bin/env python3
"""Writes views.npy for `--param 'fft(images=1); texture(uv=views.npy, size=192)'`: u and v, in [0, 1], for each pixel of three views of
a globe that turns by an eighth from one to the next: float32 {3, 128, 128, 2}. Beside the globe lies one point of the texture."""

import array
import math

VIEWS, SIZE = 3, 128

values = array.array("f")
for view in range(VIEWS):
    for row in range(SIZE):
        for column in range(SIZE):
            x, y = ((2 * i + 1) / SIZE - 1 for i in (column, row))
            square = 1 - x * x - y * y
            if square < 0:
                values.extend((0, 0))
                continue
            longitude = math.atan2(x, math.sqrt(square)) / (2 * math.pi) + view / 8
            values.extend((longitude % 1, math.acos(-y) / math.pi))

header = str({"descr": "<f4", "fortran_order": False, "shape": (VIEWS, SIZE, SIZE, 2)}).encode()
header += b" " * (-(len(header) + 11) % 64) + b"\n"
with open("views.npy", "wb") as file:
    file.write(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + values.tobytes())
