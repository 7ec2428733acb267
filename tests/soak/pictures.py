"""Pictures as bytes, good and damaged: PNG of every colour type, baseline JPEG."""
import struct
import zlib


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


# Colour type of PNG: samples of a pixel, and the depths that it may have.
COLOUR_TYPES = {0: (1, (1, 2, 4, 8, 16)), 2: (3, (8, 16)), 3: (1, (1, 2, 4, 8)), 4: (2, (8, 16)), 6: (4, (8, 16))}


def png(draw, width, height, colour_type=2, depth=8, extra=()):
    """Noise of waves; `draw` is a random.Random. extra: chunks before the pixels, (kind, data) each."""
    samples, _ = COLOUR_TYPES[colour_type]
    row_bytes = (width * samples * depth + 7) // 8
    period = draw.randint(2, 40)
    noise = draw.randbytes(row_bytes)
    rows = b"".join(
        b"\0" + bytes((noise[x] + 255 * ((x + 3 * y) % period) // period) & 255 for x in range(row_bytes))
        for y in range(height))
    palette = [(b"PLTE", draw.randbytes(3 << depth))] if colour_type == 3 else []
    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)
    chunks = [(b"IHDR", header), *palette, *extra, (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(kind, data) for kind, data in chunks)


def png_beyond_palette(draw, width, height):
    """Indices that the palette does not have."""
    rows = b"".join(b"\0" + draw.randbytes(width) for _ in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"PLTE", draw.randbytes(3)), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(kind, data) for kind, data in chunks)


def png_bomb(side):
    """A small file of many pixels, all black."""
    row = bytes((side + 7) // 8 + 1)
    pack = zlib.compressobj(9)
    data = b"".join(pack.compress(row) for _ in range(side)) + pack.flush()
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", data), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(kind, data) for kind, data in chunks)


def is_whole_png(data):
    """Whether every chunk is there with its CRC, IEND is the last, and the pixels unpack."""
    if data[:8] != b"\x89PNG\r\n\x1a\n":
        return False
    at, pixels, kind = 8, b"", b""
    while at + 12 <= len(data):
        size = struct.unpack(">I", data[at:at + 4])[0]
        kind, body, crc = data[at + 4:at + 8], data[at + 8:at + 8 + size], data[at + 8 + size:at + 12 + size]
        if len(crc) != 4 or struct.unpack(">I", crc)[0] != zlib.crc32(kind + body):
            return False
        pixels += body if kind == b"IDAT" else b""
        at += 12 + size
    try:
        return kind == b"IEND" and at == len(data) and len(zlib.decompress(pixels)) > 0
    except zlib.error:
        return False


# Codes of the lengths of differences (ITU T.81, table K.3), and for the other coefficients one code: "no more".
DC_COUNTS = bytes([0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0])
DC_CODES = ["00", "010", "011", "100", "101", "110", "1110", "11110", "111110", "1111110", "11111110", "111111110"]


def segment(marker, data):
    return b"\xff" + bytes([marker]) + struct.pack(">H", len(data) + 2) + data


def jpeg(draw, width, height, components=3, orientation=0):
    """Blocks of even colour. orientation: the EXIF tag, 0 for none. Four components are CMYK as Adobe writes it."""
    bits, last = [], [0] * components
    for _ in range(((width + 7) // 8) * ((height + 7) // 8)):
        for c in range(components):
            level = draw.randint(-60, 60)
            difference, last[c] = level - last[c], level
            size = abs(difference).bit_length()
            value = difference if difference >= 0 else difference + (1 << size) - 1
            bits.append(DC_CODES[size] + (format(value, f"0{size}b") if size else "") + "0")
    text = "".join(bits)
    text += "1" * (-len(text) % 8)
    scan = bytes(int(text[i:i + 8], 2) for i in range(0, len(text), 8)).replace(b"\xff", b"\xff\0")
    ids = range(1, components + 1)
    out = b"\xff\xd8"
    if orientation:
        exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01" + struct.pack(">HHIHH", 0x112, 3, 1, orientation, 0) + bytes(4)
        out += segment(0xe1, exif)
    if components == 4:
        out += segment(0xee, b"Adobe\0\x64\0\0\0\0\0")
    out += segment(0xdb, b"\0" + bytes([8] * 64))
    out += segment(0xc0, struct.pack(">BHHB", 8, height, width, components) + b"".join(bytes([i, 0x11, 0]) for i in ids))
    out += segment(0xc4, b"\0" + DC_COUNTS + bytes(range(12)))
    out += segment(0xc4, b"\x10" + bytes([1] + [0] * 15) + b"\0")
    out += segment(0xda, bytes([components]) + b"".join(bytes([i, 0]) for i in ids) + b"\0\x3f\0")
    return out + scan + b"\xff\xd9"
