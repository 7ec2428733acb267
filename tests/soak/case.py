"""One command with its files, limits and environment: made from a seed and a number, and nothing else."""
import dataclasses
import random
import signal

import commands
import inputs
from process import Limits


@dataclasses.dataclass(frozen=True)
class Part:
    """Words of a command line that belong together; `kept` ones make it the command that it is."""
    words: tuple
    kept: bool = False


@dataclasses.dataclass(frozen=True)
class Case:
    command: str
    parts: tuple
    files: tuple = ()
    limits: Limits = Limits()
    environment: tuple = ()      # (name, value) pairs
    damaged: tuple = ()          # names of the files that it reads, and must not take
    endless: bool = False        # works until a signal stops it

    @property
    def words(self):
        return [self.command, *(word for part in self.parts for word in part.words)]

    def has(self, option):
        return any(word == option or word.startswith(option + "=") for word in self.words)


def limits_of(draw, endless):
    """Half of the commands run freely; signals come to those that work until they are stopped."""
    moment = draw.choice([0.0, 0.02, 0.1, 0.3, 0.6, 1.0, 1.5]) + 0.1 * draw.random()
    number = draw.choice([signal.SIGINT, signal.SIGINT, signal.SIGTERM, signal.SIGTERM, signal.SIGHUP])
    stopped = Limits(signals=((moment, int(number)),))
    if endless:
        return stopped
    kib = 1024
    return draw.choice([
        lambda: stopped, *[lambda: Limits()] * 8, *[lambda: Limits(other_user=True)] * 4,
        lambda: Limits(address_space=draw.choice([90, 120, 150, 200, 300, 600]) * kib * kib),
        lambda: Limits(file_size=draw.choice([0, 1, 4, 20, 100, 400]) * kib),
        lambda: Limits(files=draw.choice([4, 5, 6, 8, 12])),
        lambda: Limits(processes=draw.choice([1, 2, 3, 5]), other_user=True),
        lambda: Limits(disk=draw.choice([0, 4, 12, 40, 120, 400]) * kib),
        lambda: Limits(streams=draw.choice(["stdin closed", "stdout closed", "stderr closed", "stdout full", "stdout broken", "stdout slow"])),
    ])()


def wild(draw, parts):
    """One value of an option becomes something that nobody should write."""
    at = [i for i, part in enumerate(parts) if len(part.words) == 2 and part.words[0].startswith("-")]
    if not at:
        return parts
    i = draw.choice(at)
    changed = Part((parts[i].words[0], draw.choice(commands.WILD)), parts[i].kept)
    return [*parts[:i], changed, *parts[i + 1:]]


def command_of(seed, number, names):
    """Each comes once in as many cases as there are commands."""
    order = random.Random(f"limpid soak order {seed} {number // len(names)}").sample(names, len(names))
    return order[number % len(names)]


def make_case(seed, number, program_commands, fixtures):
    draw = random.Random(f"limpid soak {seed} {number}")
    name = command_of(seed, number, sorted(name for name in program_commands if name in commands.ROWS))
    row, maker = commands.ROWS[name], commands.Maker(draw, fixtures)
    parts = [Part((word,), True) for word in row.positional(maker)]
    endless = bool(row.endless) and draw.random() < 0.2
    chance = draw.choice([0.05, 0.15, 0.4])
    given = set(row.endless[::2]) if endless else set()
    for option in program_commands[name]:
        if option.positional or option.name in row.never or option.name in given or option.name in ("--weights", "--net"):
            continue
        if option.name not in row.always and draw.random() >= chance:
            continue
        if not option.value:
            parts.append(Part((option.name,)))
            continue
        for _ in range(2 if option.name in ("--layer", "--reference") and draw.random() < 0.2 else 1):
            value = commands.value_of(name, option, maker)
            if value is not None:
                parts.append(Part((option.name, value), option.name in row.always))
    if row.on_network and not row.never:
        kind = draw.random()
        if kind < 0.8:
            parts.append(Part(("--net", maker.net), True))
        elif kind < 0.95:
            parts.append(Part(("--weights", maker.weights()), True))
    if endless:
        parts += [Part(pair, True) for pair in zip(row.endless[::2], row.endless[1::2])]
    elif draw.random() < 0.1:
        parts = wild(draw, parts)
    strange = draw.random()
    if strange < 0.01:
        parts.append(Part((draw.choice(["--no-such", "-q", "--", "--out", "extra", "--help", "--threads=2"]),)))
    environment = draw.choice([*[()] * 12, (("NO_COLOR", "1"),), (("HOME", ""),), (("LIMPID_MODELS", "models"),), (("XDG_CACHE_HOME", "relative"),),
                               (("SLURM_PROCID", "1"), ("SLURM_NTASKS", "3")), (("LIMPID_MODELS", "missing"),)])
    if ("LIMPID_MODELS", "models") in environment:
        maker.add(dataclasses.replace(inputs.weights(draw, fixtures), name=b"models/a.h5"), read=False)
    damaged = tuple(f.name for f in maker.read if f.verdict == inputs.DAMAGED)
    return Case(name, tuple(parts), tuple(maker.files), limits_of(draw, endless), environment, damaged, endless)
