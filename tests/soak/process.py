"""Runs one command under limits and signals, and measures what it did.

Nothing here trusts the clock of a busy machine: work is measured in seconds of processor time, and only a process that
asks for no processor at all for half a minute is called stuck.
"""
import dataclasses
import os
import resource
import shlex
import signal
import subprocess
import time

CPU_SECONDS = 150          # of all threads, for any command: they are chosen to take one or two
CPU_AFTER_SIGNAL = 15      # two seconds of a few threads, with room for a build without optimisation and for one pass
STUCK_SECONDS = 45         # asleep, with no processor time used
ADDRESS_SPACE = 12 << 30   # a fence, so that a mistake does not take the machine along

# Where stdin, stdout or stderr may lead, instead of to where the answers are kept, and how a shell says so.
STREAMS = {"stdin closed": "<&-", "stdout closed": ">&-", "stderr closed": "2>&-", "stdout full": ">/dev/full",
           "stdout broken": "| true", "stdout slow": "| { sleep 1; cat; }"}


@dataclasses.dataclass(frozen=True)
class Limits:
    """What a command runs under. None and () are no limit."""
    address_space: int | None = None     # bytes
    file_size: int | None = None         # bytes
    files: int | None = None             # open ones
    processes: int | None = None         # threads too; as a user of its own where root starts it
    disk: int | None = None              # bytes that are free where it works: a small tmpfs
    streams: str = ""                    # one of STREAMS
    signals: tuple[tuple[float, int], ...] = ()  # seconds after the start, number
    other_user: bool = False             # without root's right to read and write everything

    def __str__(self):
        words = [f"{field.name} {value}" for field in dataclasses.fields(self)
                 if field.name != "signals" and (value := getattr(self, field.name)) != field.default]
        words += [f"{signal.Signals(number).name} after {after:.2f} s" for after, number in self.signals]
        return ", ".join(words) or "none"


@dataclasses.dataclass
class Finished:
    status: int | None = None   # exit status
    killed: int | None = None   # or the signal that ended it
    out: bytes = b""
    err: bytes = b""
    peak_bytes: int = 0
    cpu: float = 0.0
    sent: tuple[int, ...] = ()  # signals that found it running
    fault: str = ""             # why it was ended from outside

    def ended(self):
        return f"killed by {signal.Signals(self.killed).name}" if self.killed else f"status {self.status}"


def shell_line(argv, limits):
    """The command as bash takes it, with its limits as far as a shell can set them."""
    setting = []
    for letter, value, unit in (("v", limits.address_space, 1024), ("f", limits.file_size, 1024),
                                ("n", limits.files, 1), ("u", limits.processes, 1)):
        if value is not None:
            setting.append(f"ulimit -{letter} {value // unit}")
    line = " ".join(shell_word(word) for word in argv) + (" " + STREAMS[limits.streams] if limits.streams else "")
    if limits.signals:
        first, number = limits.signals[0]
        line = f"timeout -s {signal.Signals(number).name[3:]} {first:.2f} {line}"
    return f"({'; '.join(setting + [line])})" if setting else line


def shell_word(word):
    text = os.fsencode(word)
    if all(32 <= byte < 127 for byte in text):
        return shlex.quote(text.decode())
    return "$'" + "".join(chr(b) if 32 <= b < 127 and b not in b"\\'" else f"\\x{b:02x}" for b in text) + "'"


class Runner:
    """Starts programs in a folder, one at a time."""

    def __init__(self, fence=ADDRESS_SPACE):
        self.fence = fence
        self.root = os.geteuid() == 0
        self.next_user = 61184 + os.getpid() % 3000  # dynamic users of systemd: nobody's

    def user(self):
        """A user of its own for each command: RLIMIT_NPROC counts all processes of a user."""
        self.next_user = 61184 + (self.next_user - 61183) % 4000
        return self.next_user

    def __call__(self, argv, folder, environment, limits=Limits(), user=None):
        finished = Finished()
        to_out, to_err, full = os.pipe(), os.pipe(), None  # no files: they would fall under the limit of their size
        if limits.streams == "stdout full":
            full = os.open("/dev/full", os.O_WRONLY)
        if limits.streams == "stdout broken":
            os.close(to_out[0])

        def prepare():
            os.umask(0o022)
            # Python ignores the first two, a shell the others in what it starts in the background; a child would inherit that.
            for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
                signal.signal(number, signal.SIG_DFL)
            if limits.streams.endswith("closed"):
                os.close(("stdin", "stdout", "stderr").index(limits.streams.split()[0]))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            for what, value in ((resource.RLIMIT_AS, limits.address_space or self.fence),
                                (resource.RLIMIT_FSIZE, limits.file_size), (resource.RLIMIT_NOFILE, limits.files),
                                (resource.RLIMIT_NPROC, limits.processes)):
                if value is not None:
                    resource.setrlimit(what, (value, value))

        with open(os.devnull, "rb") as nothing:
            child = subprocess.Popen(argv, cwd=folder, env=environment, stdin=nothing, stdout=full or to_out[1], stderr=to_err[1],
                                     preexec_fn=prepare, start_new_session=True,
                                     **({"user": user, "group": user, "extra_groups": []} if user else {}))
        for fd in (full, to_out[1], to_err[1]):
            if fd is not None:
                os.close(fd)
        answers = {to_err[0]: bytearray()}
        if limits.streams != "stdout broken":
            answers[to_out[0]] = bytearray()
        try:
            self.watch(child, limits, finished, answers, to_out[0])
        finally:
            if child.returncode is None:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()
            for pipe, text in answers.items():
                text += waiting_in(pipe)
                os.close(pipe)
        finished.out, finished.err = bytes(answers.get(to_out[0], b"")), bytes(answers[to_err[0]])
        return finished

    def watch(self, child, limits, finished, answers, out):
        started = moved = time.monotonic()
        signals, cpu, cpu_when_moved, cpu_at_signal = list(limits.signals), 0.0, 0.0, None
        while True:
            pid, status, usage = os.wait4(child.pid, os.WNOHANG)
            now = time.monotonic()
            if pid:
                break
            for pipe, text in answers.items():
                if pipe != out or limits.streams != "stdout slow" or now - started > 1:
                    text += waiting_in(pipe)
            used, asleep = processor_time(child.pid)
            cpu = max(cpu, used)
            if not asleep or cpu >= cpu_when_moved + 0.02:
                moved, cpu_when_moved = now, cpu
            if signals and now - started >= signals[0][0]:
                os.kill(child.pid, signals[0][1])
                finished.sent += (signals.pop(0)[1],)
                cpu_at_signal = cpu if cpu_at_signal is None else cpu_at_signal
            if not finished.fault:
                if cpu > CPU_SECONDS:
                    finished.fault = f"took more than {CPU_SECONDS} s of processor time"
                elif cpu_at_signal is not None and cpu - cpu_at_signal > CPU_AFTER_SIGNAL:
                    finished.fault = f"worked {CPU_AFTER_SIGNAL} s more after the signal"
                elif now - moved > STUCK_SECONDS:
                    finished.fault = f"slept {STUCK_SECONDS} s and did not end"
                if finished.fault:
                    os.killpg(child.pid, signal.SIGKILL)
            time.sleep(0.002 if now - started < 0.2 else 0.02)
        child.returncode = os.waitstatus_to_exitcode(status)
        finished.killed = -child.returncode if child.returncode < 0 else None
        finished.status = child.returncode if child.returncode >= 0 else None
        finished.peak_bytes = usage.ru_maxrss * 1024
        finished.cpu = usage.ru_utime + usage.ru_stime


def waiting_in(pipe):
    """What is in a pipe now."""
    os.set_blocking(pipe, False)
    out = b""
    try:
        while block := os.read(pipe, 1 << 16):
            out += block
    except BlockingIOError:
        pass
    return out


def processor_time(pid):
    """Seconds used, and whether every thread sleeps (waits for something else than a processor or a disk)."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as stat:
            fields = stat.read().rsplit(b")", 1)[1].split()
        seconds = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        states = set()
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/stat", "rb") as stat:
                states.add(stat.read().rsplit(b")", 1)[1].split()[0])
        return seconds, states <= {b"S"}
    except (OSError, IndexError):
        return 0.0, False
