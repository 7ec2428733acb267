"""What commands are given to read: files as values, so that a case can be written, run, written again and compared."""
import dataclasses
import hashlib
import json
import os
import stat
import struct

import pictures

FINE, DAMAGED, ODD = "fine", "damaged", "odd"  # damaged: a command that reads it must not end with 0


@dataclasses.dataclass(frozen=True)
class File:
    name: bytes            # relative to the folder of the case
    content: bytes = b""   # of a link: where it leads
    kind: str = "file"     # folder, symlink, hardlink, fifo, device
    verdict: str = FINE
    mode: int = 0o644

    def write(self, folder):
        path = os.path.join(os.fsencode(folder), self.name)
        if self.kind != "folder":
            os.makedirs(os.path.dirname(path), exist_ok=True)
        if self.kind == "folder":
            os.makedirs(path, exist_ok=True)
        elif self.kind == "symlink" or self.kind == "hardlink" and not os.path.isfile(os.path.join(os.fsencode(folder), self.content)):
            os.symlink(self.content, path)
        elif self.kind == "hardlink":
            os.link(os.path.join(os.fsencode(folder), self.content), path)
        elif self.kind == "fifo":
            os.mkfifo(path)
        elif self.kind == "device":  # like /dev/null; what only root can make is a pipe for others
            os.mknod(path, 0o666 | stat.S_IFCHR, os.makedev(1, 3)) if os.geteuid() == 0 else os.mkfifo(path)
        else:
            with open(path, "wb") as file:
                file.write(self.content)
            os.chmod(path, self.mode)


def write_all(files, folder, user=None):
    for file in files:
        file.write(folder)
    for at, folders, names in os.walk(os.fsencode(folder)):
        for name in [b"", *names] if user else []:
            path = os.path.join(at, name)
            if not os.path.islink(path):
                os.chown(path, user, user)
    for file in files:
        if file.kind == "folder" and file.mode != 0o644:
            os.chmod(os.path.join(os.fsencode(folder), file.name), file.mode)


def snapshot(folder):
    """{name: what is there}, links not followed."""
    found, top = {}, os.fsencode(folder)
    for at, folders, names in os.walk(top):
        for name in folders + names:
            path = os.path.join(at, name)
            what = os.lstat(path)
            kind = stat.S_IFMT(what.st_mode)
            if kind == stat.S_IFLNK:
                found[os.path.relpath(path, top)] = ("link", os.readlink(path))
            elif kind == stat.S_IFREG:
                with open(path, "rb") as file:
                    found[os.path.relpath(path, top)] = ("file", hashlib.sha256(file.read()).hexdigest(), what.st_mode)
            else:
                found[os.path.relpath(path, top)] = ("other", kind)
    return found


# Names that files may have -----------------------------------------------------------------------------------------

def odd_name(draw, ending):
    """A name for a file, b"x.png" or worse."""
    stem = draw.choice([
        b"x", b"x", b"x", b"two words", b"caf\xc3\xa9", b"latin\xe9", b"\xff\xfe", b"new\nline", b"it's \"quoted\"", b"-dash",
        b"--out", b"$HOME;ls", b"*", b"a" * (200 - len(ending)), b"deep/er/x", b"100%", b"tab\there", b"\x1b[31mred", b".hidden",
        b"x,y", b"#x", b"mixed4a:3", b"\xe6\x97\xa5\xe6\x9c\xac", b"a.b.c", b" ", b"{}", b"<b>&amp;"])
    return stem + ending


# Kinds of files ----------------------------------------------------------------------------------------------------

def side(draw):
    return draw.choice([1, 2, 3, 7, 8, 9, 16, 31, 64, 64, 96, 97, 128, 128, draw.randint(1, 200)])


def good_picture(draw):
    width, height = side(draw), side(draw)
    if draw.random() < 0.04:
        width, height = draw.choice([(1500, 24), (24, 1500), (600, 400)])
    kind = draw.random()
    if kind < 0.65:
        colour_type = draw.choice([0, 2, 2, 2, 3, 4, 6])
        depth = draw.choice(pictures.COLOUR_TYPES[colour_type][1])
        return pictures.png(draw, width, height, colour_type, depth), ".png"
    components, orientation = draw.choice([1, 3, 3, 3]), draw.choice([0, 0, 1, 3, 6, 8])
    return pictures.jpeg(draw, width, height, components, orientation), draw.choice([".jpg", ".jpeg", ".JPG"])


def flipped(draw, data, first=0):
    at = draw.randrange(first, len(data))
    return data[:at] + bytes([data[at] ^ (1 << draw.randrange(8))]) + data[at + 1:]


def cut(draw, data, most=1.0):
    return data[:draw.randrange(0, max(1, int(len(data) * most)))]


def picture(draw, name=None):
    """One picture: good in three of four cases."""
    data, ending = good_picture(draw)
    chance, verdict = draw.random(), FINE
    if chance > 0.76:
        if ending == ".png":
            data, verdict = draw.choice([
                lambda: (flipped(draw, data), DAMAGED), lambda: (flipped(draw, data), DAMAGED),
                lambda: (cut(draw, data), DAMAGED), lambda: (cut(draw, data), DAMAGED),
                lambda: (pictures.png_beyond_palette(draw, side(draw), side(draw)), DAMAGED),
                lambda: (data + draw.randbytes(20), ODD),
                lambda: (pictures.png_bomb(draw.choice([3000, 11500, 30000])), ODD),
                lambda: (b"", DAMAGED), lambda: (draw.randbytes(500), DAMAGED)])()
        else:
            data, verdict = draw.choice([
                lambda: (flipped(draw, data), ODD), lambda: (cut(draw, data, 0.6), DAMAGED),
                lambda: (pictures.jpeg(draw, side(draw), side(draw), 4), ODD), lambda: (data[:min(300, len(data) // 2)], DAMAGED)])()
    elif chance > 0.73:
        ending = draw.choice([".gif", "", ".png.txt"])  # what is within decides, or the name: either is an answer
        verdict = ODD
    return File(name or odd_name(draw, ending.encode()), data, verdict=verdict)


def varint(number):
    out = b""
    while number > 127:
        out, number = out + bytes([number & 127 | 128]), number >> 7
    return out + bytes([number])


def field(number, data):
    """A field of a protobuf message: text or a message."""
    return varint(number << 3 | 2) + varint(len(data)) + data


def foreign_caffemodel(draw):
    """A model of layers that no known network has."""
    def layer(name):
        values = struct.pack(f"<{4}f", *[draw.uniform(-1, 1) for _ in range(4)])
        blob = field(7, field(1, varint(1) + varint(1) + varint(2) + varint(2))) + field(5, values)
        return field(100, field(1, name) + field(2, draw.choice([b"Convolution", b"BatchNorm", b"Scale"])) + field(7, blob))
    return field(1, b"Foreign") + b"".join(layer(b"layer%d" % i) for i in range(draw.choice([1, 3, 200])))


def foreign_graph(draw):
    """A TensorFlow graph of a few nodes."""
    return b"".join(field(1, field(1, b"import/node%d" % i) + field(2, draw.choice([b"Relu6", b"Const", b"AvgPool"])))
                    for i in range(draw.choice([1, 3, 200])))


def weights(draw, fixtures):
    """A file of weights, whole in half of the cases. fixtures: {name: bytes} of good ones."""
    whole = fixtures[draw.choice(sorted(fixtures))]
    return draw.choice([
        lambda: File(b"w.h5", whole), lambda: File(b"w.h5", whole), lambda: File(b"w.h5", whole),
        lambda: File(odd_name(draw, b".h5"), whole),
        lambda: File(b"w.h5", flipped(draw, whole), verdict=ODD),
        lambda: File(b"w.h5", flipped(draw, whole, len(whole) // 2), verdict=ODD),
        lambda: File(b"w.h5", cut(draw, whole), verdict=DAMAGED),
        lambda: File(b"w.caffemodel", foreign_caffemodel(draw), verdict=DAMAGED),
        lambda: File(b"w.caffemodel", cut(draw, foreign_caffemodel(draw)), verdict=DAMAGED),
        lambda: File(b"w.pb", foreign_graph(draw), verdict=DAMAGED),
        lambda: File(b"w.pb", draw.randbytes(300), verdict=DAMAGED),
        lambda: File(b"w.h5", b"", verdict=DAMAGED)])()


def labels(draw, count=25):
    lines = draw.choice([
        lambda: [b"name %d" % i for i in range(count)], lambda: [b"name %d" % i for i in range(count // 2)], lambda: [],
        lambda: [b"n%08d name, other" % i for i in range(count)], lambda: [b"caf\xe9"] * count,
        lambda: [b"same"] * count, lambda: [b"new\x00null"] * count, lambda: [b"x" * 5000] * count])()
    return File(odd_name(draw, b".txt"), draw.choice([b"\n", b"\n", b"\r\n"]).join(lines) + draw.choice([b"", b"\n"]), verdict=ODD)


def jobs(draw, objective):
    """A list of jobs. objective: makes one as text."""
    rows = []
    for i in range(draw.choice([1, 1, 2, 3])):
        row = {"objective": objective(draw)}
        if draw.random() < 0.5:
            row["name"] = draw.choice([f"job {i}", "caf\u00e9", "latin\udce9", "../out", "a/b", "", ".", "x" * 300, "nul\0l", "CON", "-x"])
        if draw.random() < 0.3:
            row["seed"] = draw.choice([0, 1, -1, 2**63, "x"])
        if draw.random() < 0.2:
            row["steps"] = draw.choice([0, 1, 2, -1, 1e300])
        if draw.random() < 0.1:
            row[draw.choice(["colour", "size", "param", "batch"])] = draw.choice([1, 16, "x", None])
        rows.append(row)
    kind = draw.choice([b".jsonl", b".csv", b".txt", b".ndjson"])
    if kind in (b".jsonl", b".ndjson"):
        text = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    elif kind == b".csv":
        fields = sorted({key for row in rows for key in row})
        cells = lambda row: ",".join('"' + str(row.get(key, "")).replace('"', '""') + '"' for key in fields)
        text = ",".join(fields) + "\n" + "\n".join(map(cells, rows))
    else:
        text = "\n".join(row["objective"] for row in rows)
    data = os.fsencode(text) + draw.choice([b"\n", b"", b"\r\n"])
    if draw.random() < 0.2:
        data = flipped(draw, data)
    return File(odd_name(draw, kind), data, verdict=ODD)


def class_folders(draw):
    """A folder of pictures for each class, to train on."""
    files = []
    for name in draw.choice([[b"a", b"b"], [b"a", b"b", b"c"], [b"only"], [b"caf\xe9", b"b"], [b"a b", b"-c"], []]):
        for i in range(draw.choice([1, 2, 12])):
            size = draw.choice([16, 16, 20])
            good = draw.random() < 0.97
            data = pictures.png(draw, size, size) if good else draw.randbytes(60)
            files.append(File(b"data/" + name + b"/%d.png" % i, data, verdict=FINE if good else DAMAGED))
    return [File(b"data", kind="folder"), *files]


def idx(draw, count=12):
    """IDX files of grey pictures, as MNIST comes."""
    def head(*sizes):
        return struct.pack(">HBB", 0, 8, len(sizes)) + b"".join(struct.pack(">I", s) for s in sizes)
    size = draw.choice([16, 28])
    images, names = head(count, size, size) + draw.randbytes(count * size * size), head(count) + bytes(i % 3 for i in range(count))
    if draw.random() < 0.3:
        images = draw.choice([flipped, cut])(draw, images)
    elif draw.random() < 0.2:
        names = draw.choice([flipped, cut])(draw, names)
    return [File(b"data/train-images-idx3-ubyte", images, verdict=ODD), File(b"data/train-labels-idx1-ubyte", names, verdict=ODD)]


def npy_bytes(values, shape):
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}"
    header += " " * (63 - (10 + len(header)) % 64) + "\n"
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header.encode() + struct.pack(f"<{len(values)}f", *values)


def npy(draw):
    data = npy_bytes([draw.random() for _ in range(128)], (1, 8, 8, 2))
    if draw.random() < 0.4:
        data = draw.choice([flipped, cut])(draw, data)
    return File(odd_name(draw, b".npy"), data, verdict=ODD)
