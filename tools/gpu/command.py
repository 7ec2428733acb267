"""Runs commands under one limit and keeps what they print, whatever becomes of them."""

import ctypes
import os
import signal
import subprocess
import time
from typing import NamedTuple

KEPT_BYTES = 1 << 19  # of a step's output: of each command its beginning and its end
_prctl, _PR_SET_PDEATHSIG = ctypes.CDLL(None).prctl, 1


class Finished(NamedTuple):
    status: str  # "passed", "failed" or "timed out"
    why: str  # of the others
    output: str
    seconds: float


def run_commands(commands, limit_s, path, together=False):
    """One after the other until one fails, or all at once; each a list of words. path: a file for what they print."""
    begin = time.monotonic()
    end = begin + limit_s
    outputs, status, why = [], "passed", ""
    for number, batch in enumerate([commands] if together else [[command] for command in commands]):
        files = [f"{path}-{number}-{i}" for i in range(len(batch))]
        running = [_start(command, file) for command, file in zip(batch, files)]
        try:
            for process in running:
                if isinstance(process, str):
                    status, why = "failed", process
                    continue
                try:
                    code = process.wait(timeout=max(0.01, end - time.monotonic()))
                    if code != 0 and status == "passed":
                        status, why = "failed", _ended(code)
                except subprocess.TimeoutExpired:
                    status, why = "timed out", f"killed after {limit_s:.0f} s"
        finally:  # also when this program is told to end
            _kill([process for process in running if not isinstance(process, str)])
        for command, file in zip(batch, files):
            outputs.append("$ " + " ".join(map(str, command)) + "\n" + _kept(file, KEPT_BYTES // len(commands)))
            os.remove(file)
        if status != "passed":
            break
    return Finished(status, why, "\n".join(outputs), time.monotonic() - begin)


def _start(command, file):
    with open(file, "wb") as output:
        try:
            return subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=output,
                                    stderr=subprocess.STDOUT, start_new_session=True, preexec_fn=_end_with_this_program)
        except OSError as error:
            return f"cannot be run: {error}"


def _end_with_this_program():
    """Also when it is killed and cannot see to it: what is left over would be measured with the next run."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _kill(processes):
    """With their children. Those that a driver keeps from dying are left alone, after five seconds for all."""
    for process in processes:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except OSError:
            pass
    end = time.monotonic() + 5
    for process in processes:
        try:
            process.wait(timeout=max(0, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            pass


def _ended(code):
    return f"ended by {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"


def _kept(file, most):
    with open(file, "rb") as printed:
        size = printed.seek(0, os.SEEK_END)
        printed.seek(0)
        if size <= most:
            return printed.read().decode(errors="replace")
        begin = printed.read(most // 4)
        printed.seek(size - most * 3 // 4)
        return f"{begin.decode(errors='replace')}\n[{size - most} bytes left out]\n{printed.read().decode(errors='replace')}"
