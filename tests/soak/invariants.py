"""What holds for every command, whatever it is given and whatever happens to it. Each function answers with what is violated.

1. It ends by itself with one of the documented statuses: 0, 1, 2, 3. A signal that was sent from outside may end it as
   signals do while nothing is at work yet, later it is 3; SIGPIPE may, SIGHUP may. No other signal ends it.
2. After status 1 and 2 stderr has exactly one line "limpid: ...", the last, of printable characters and of readable
   length; besides it there are lines of progress (JSON) and notes ("limpid COMMAND: ...") at most, after status 2 nothing
   at all. Nothing on stderr speaks of a bug, a failed check, an exception, or the inside of the C++ library.
3. With wrong usage (2) nothing was attempted: nothing on stdout, no file touched.
4. What is left behind is whole: no temporary files, no part of a PNG, JSON, .npy, .h5, .html.
5. Inputs are as they were, and links, pipes, devices and folders still are what they were.
6. A damaged file is never the ground of a result: status 0 is wrong.
7. Results that could not be written are not called done: 0 is wrong where stdout leads nowhere and something was to say.
8. It takes no more memory than PEAK_BYTES, or than --max-memory and BASE_BYTES.
9. It ends: see process.py.
10. The same command gives the same bytes, on stdout and in files, whatever --threads.
11. What was stopped by a limit or a signal, done again without it, gives the bytes of an undisturbed run.
"""
import json
import os
import re
import signal
import struct

import inputs
import pictures
from commands import OLD, ROWS

PEAK_BYTES = 3 << 29        # any command here; the pictures are small
BASE_BYTES = 400 << 20      # the program, weights as read, finished pictures
LONGEST_LINE = 2000         # of a message, beside the words of the command line that it repeats

INSIDE = [b"bug of limpid", b"terminate called", b"CHECK", b"std::", b"basic_string", b"vector::", b"what():", b"Assertion", b"Sanitizer",
          b"runtime error", b"[json.exception", b"double free", b"corrupted", b"stoi", b"filesystem error"]


def statuses(case, run):
    if run.fault:
        return [("ends", run.fault)]
    if run.killed is None:
        if run.status not in (0, 1, 2, 3):
            return [("status", f"status {run.status} is not documented")]
        if run.status == 3 and not run.sent and case.command not in ("batch", "appendix", "train"):
            return [("status", "partly done, though nothing stopped it")]
        return []
    allowed = set(run.sent)
    if case.limits.streams == "stdout broken":
        allowed.add(signal.SIGPIPE)
    return [] if run.killed in allowed else [("signal", f"killed by {signal.Signals(run.killed).name}")]


def messages(case, run):
    found = []
    for words in INSIDE:
        if words in run.err:
            found.append(("inside", f"stderr says {words.decode()!r}"))
    if case.limits.streams == "stderr closed" or run.killed is not None or run.fault:
        return found
    lines = run.err.split(b"\n")
    if lines.pop() != b"":
        found.append(("stderr", "its last line does not end"))
    control = re.search(rb"[\x00-\x09\x0b-\x1f\x7f]", run.err)
    if control:
        found.append(("stderr", f"has the control character {control[0]!r}"))
    allowed_length = LONGEST_LINE + 2 * sum(len(os.fsencode(word)) for word in case.words)
    if any(len(line) > allowed_length for line in lines):
        found.append(("stderr", f"a line of {max(map(len, lines))} bytes"))
    errors = [line for line in lines if line.startswith(b"limpid: ")]
    if run.status == 2 and (len(lines) != 1 or len(errors) != 1):
        found.append(("stderr", f"wrong usage is said in {len(lines)} lines"))
    elif run.status == 1 and not (ROWS[case.command].reports_by_status and not errors and run.out):
        if len(errors) != 1 or lines[-1] != errors[0]:
            found.append(("stderr", f"failed, with {len(errors)} lines \"limpid: ...\"" + (", not the last" if errors else "")))
    others = [line for line in lines if line not in errors and not is_note(line)]
    if others and run.status in (1, 2, 3) and not case.has("--shadow") and not case.has("--trace"):
        found.append(("stderr", f"has a line that is no progress, note or error: {others[0][:100]!r}"))
    return found


def is_note(line):
    if line.startswith(b"limpid "):
        return True
    try:
        return "progress" in json.loads(line)
    except ValueError:
        return False


def usage(case, run, before, after):
    if run.status != 2:
        return []
    found = [("usage", "wrong usage, and yet something on stdout")] if run.out else []
    changed = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    return found + ([("usage", f"wrong usage, and yet {os.fsdecode(changed[0])!r} was made or changed")] if changed else [])


def is_whole(name, data):
    if name.endswith(b".png"):
        return pictures.is_whole_png(data)
    if name.endswith((b".jpg", b".jpeg")):
        return data.startswith(b"\xff\xd8") and data.endswith(b"\xff\xd9")
    if name.endswith((b".json", b".jsonl")):
        try:
            for text in data.splitlines() if name.endswith(b"l") else [data]:
                json.loads(text)
            return data.endswith(b"\n") or name.endswith(b"l") and not data  # a list to which nothing was added yet
        except ValueError:
            return False
    if name.endswith(b".npy"):
        shape = re.search(rb"'shape': \(([\d, ]*)\)", data[:200])
        count = 1
        for size in shape[1].split(b",") if shape else []:
            count *= int(size or 1)
        return bool(shape) and len(data) == 10 + struct.unpack("<H", data[8:10])[0] + 4 * count
    if name.endswith(b".h5"):  # the superblock says how far what counts reaches, elsewhere in each of its versions
        end = {0: 40, 1: 44, 2: 28, 3: 28}.get(data[8] if len(data) > 60 else None)
        return data[:8] == b"\x89HDF\r\n\x1a\n" and end is not None and struct.unpack("<Q", data[end:end + 8])[0] <= len(data)
    if name.endswith(b".html"):
        return data.rstrip().endswith(b"</html>")
    return True


def left_behind(case, folder, before, after):
    """Also what is not whole of the outputs that were there before."""
    found = []
    for name in sorted(after):
        if after[name][0] != "file" or before.get(name) == after[name]:
            continue
        if re.search(rb"\.tmp|~$|\.part$", os.path.basename(name)):
            found.append(("temporary", f"{os.fsdecode(name)!r} is left behind"))
            continue
        with open(os.path.join(os.fsencode(folder), name), "rb") as file:
            data = file.read()
        if not is_whole(name, data):
            found.append(("partial", f"{os.fsdecode(name)!r} ({len(data)} bytes) is no whole file of its kind"))
    return found


def inputs_kept(case, before, after):
    may_change = {file.name for file in case.files if file.verdict == OLD}
    changed = [name for name in sorted(before) if name not in may_change and before[name] != after.get(name)]
    return [("input", f"{os.fsdecode(name)!r} was {'changed' if name in after else 'removed'}") for name in changed]


# With these a command may not get as far as to read what it is given.
NOTHING_READ = ("--help", "--show", "--list")


def damaged_refused(case, run):
    if case.damaged and run.status == 0 and not any(map(case.has, NOTHING_READ)):
        return [("damaged", f"status 0 with the damaged file {os.fsdecode(case.damaged[0])!r}")]
    return []


def said_to_nobody(case, run, quiet):
    """quiet: whether an undisturbed run says nothing on stdout."""
    if case.limits.streams in ("stdout closed", "stdout full") and run.status == 0 and not quiet:
        return [("lost", "status 0, though what it says on stdout could not be written")]
    return []


def byte_count(text):
    found = re.fullmatch(r"([\d.]+)\s*([kmgt]?)(i?b)?", text.lower())
    return int(float(found[1]) * 1024 ** " kmgt".index(found[2] or " ")) if found else None


def memory(case, run):
    bound = PEAK_BYTES
    words = case.words
    if "--max-memory" in words[:-1] and run.status == 0:
        asked = byte_count(words[words.index("--max-memory") + 1])
        bound = asked + BASE_BYTES if asked else bound
    if run.peak_bytes > bound:
        return [("memory", f"took {run.peak_bytes >> 20} MiB, expected at most {bound >> 20}")]
    if b"not enough memory" in run.err and not case.limits.address_space:
        return [("memory", "asked for more than there is")]
    return []


# What differs between two runs by its nature: how long something took.
TIMES = re.compile(rb'"(seconds|elapsed_s|images_per_hour|started|finished)": ?[-+\d.e]+')


def results(folder, before, after):
    """{name: bytes} of what a command has made or changed, without times."""
    made = {}
    for name, what in after.items():
        if before.get(name) == what:
            continue
        if what[0] != "file":
            made[name] = what
            continue
        with open(os.path.join(os.fsencode(folder), name), "rb") as file:
            data = TIMES.sub(rb'"\1":0', file.read())
        if os.path.basename(name).startswith(b"manifest"):
            data = b"\n".join(sorted(data.splitlines()))  # in the order in which they were finished
        made[name] = data
    return made


def differences(one, other):
    names = sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))
    return ", ".join(f"{os.fsdecode(name)!r} " + ("differs" if name in one and name in other else "is missing once") for name in names[:3])
