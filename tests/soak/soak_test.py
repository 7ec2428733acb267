"""Does the soak see what it is there for? A planted program commits one fault at a time, and each must be reported."""
import os
import random
import shutil
import signal
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import case as cases
import commands
import inputs
import invariants
import pictures
from case import Case, Part
from manual import read_manual
from process import Limits, shell_line
from soak import Soak

# Its first word is a command of the real program, its second names the fault.
PLANTED = r"""#!/bin/sh
out=${3:-out.json}
fail() { echo "limpid: $1" >&2; exit "${2:-1}"; }
case $2 in
    good) echo '{}' >"$out"; echo done ;;
    refused) fail "in.png: is damaged, expected a PNG; export it again" ;;
    usage) fail "--steps: no number; see limpid render --help" 2 ;;
    status) exit 7 ;;
    crash) kill -SEGV $$ ;;
    two-lines) echo "limpid: one" >&2; fail "two" ;;
    not-last) echo "limpid: one" >&2; echo "limpid render: gone" >&2; exit 1 ;;
    silent) exit 1 ;;
    control) printf 'limpid: \033[31m red\n' >&2; exit 1 ;;
    endless-line) printf 'limpid: %05000d\n' 1 >&2; exit 1 ;;
    bug) fail "unexpected failure (stoi): this is a bug of limpid, please report it" ;;
    usage-writes) echo '{}' >"$out"; fail "no" 2 ;;
    usage-says) echo hello; fail "no" 2 ;;
    temporary) echo x >"$out.tmp-12-0" ;;
    in-tmpdir) echo x >"$TMPDIR/mine" ;;
    partial) printf '{"a": [1,' >"$out"; fail "the disk is full" ;;
    partial-png) head -c 40 in.png >cut.png ;;
    input) echo more >>in.png ;;
    removes) rm in.png ;;
    replaces-link) rm -f link.png; echo '{}' >link.png ;;
    takes-damaged) echo ok ;;
    lost) echo ok 2>/dev/null || true ;;
    memory) exec python3 -c 'x = b"1" * (1700 << 20)' ;;
    over-asked) exec python3 -c 'x = b"1" * (600 << 20)' ;;
    differs) date +%N >"$out.txt" ;;
    differs-stdout) date +%N ;;
    differs-status) if [ -e "$HOME/../../again" ]; then fail "no"; fi ;;
    differs-times) echo "{\"seconds\": 0.$(date +%N | sed s/^0*/1/)}" >"$out" ;;
    partly) exit 3 ;;
    ignores-signals) trap '' INT TERM HUP; while :; do :; done ;;
    obeys) trap 'exit 3' INT TERM HUP; while :; do :; done ;;
    sleeps) exec sleep 1000 ;;
    stuck-after) # keeps a lock when the disk is full, and finds it the next time
        [ ! -e lock ] || fail "there is a lock"
        echo x >big 2>/dev/null && head -c 300000 /dev/zero 2>/dev/null >>big && exit 0
        rm -f big; mkdir lock; fail "the disk is full" ;;
    recovers) echo x >big 2>/dev/null && head -c 300000 /dev/zero 2>/dev/null >>big && exit 0
        rm -f big; fail "the disk is full" ;;
esac
"""


class Planted(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="limpid-soak-test-")
        program = os.path.join(cls.folder, "planted")
        with open(program, "w") as file:
            file.write(PLANTED)
        os.chmod(program, 0o755)
        base = os.path.join(cls.folder, "base")
        os.mkdir(base)
        cls.soak = Soak(program, base)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def kinds(self, fault, limits=Limits(), more=(), files=(), damaged=(), endless=False):
        picture = inputs.File(b"in.png", pictures.png(random.Random(1), 9, 9))
        case = Case("render", tuple(Part((word,), True) for word in (fault, *more)), (picture, *files), limits, (), damaged, endless)
        found, self.run_ = self.soak.try_case(case)
        return {kind for kind, _ in found}

    def test_nothing_is_wrong_with_good_ones(self):
        for fault in ("good", "refused", "usage"):
            self.assertEqual(self.kinds(fault), set(), fault)

    def test_each_fault_is_reported(self):
        for fault, kind in {"status": "status", "crash": "signal", "two-lines": "stderr", "not-last": "stderr", "silent": "stderr",
                            "control": "stderr", "endless-line": "stderr", "bug": "inside", "usage-writes": "usage",
                            "usage-says": "usage", "temporary": "temporary", "in-tmpdir": "temporary", "partial": "partial",
                            "partial-png": "partial", "input": "input", "removes": "input", "memory": "memory",
                            "differs": "twice", "differs-stdout": "twice", "differs-status": "twice", "partly": "status"}.items():
            with self.subTest(fault):
                self.assertIn(kind, self.kinds(fault))

    def test_times_may_differ(self):
        self.assertEqual(self.kinds("differs-times"), set())

    def test_more_memory_than_asked(self):
        self.assertEqual(self.kinds("over-asked"), set())
        self.assertIn("memory", self.kinds("over-asked", more=("--max-memory", "100MiB")))

    def test_links_stay_links(self):
        link = inputs.File(b"link.png", b"in.png", "symlink")
        self.assertIn("input", self.kinds("replaces-link", files=(link,)))
        self.assertEqual(self.kinds("good", files=(link,)), set())

    def test_outputs_that_were_there_may_change(self):
        self.assertEqual(self.kinds("good", files=(inputs.File(b"out.json", b"old", verdict=commands.OLD),)), set())

    def test_damaged_files_are_refused(self):
        self.assertIn("damaged", self.kinds("takes-damaged", damaged=(b"in.png",)))
        self.assertEqual(self.kinds("refused", damaged=(b"in.png",)), set())

    def test_stdout_that_leads_nowhere(self):
        for stream in ("stdout closed", "stdout full"):
            self.assertIn("lost", self.kinds("lost", Limits(streams=stream)), stream)
        self.assertEqual(self.kinds("good", Limits(streams="stdout slow")), set())
        self.assertEqual(self.run_.out, b"done\n")

    def test_signals(self):
        after = Limits(signals=((0.3, int(signal.SIGTERM)),))
        self.assertEqual(self.kinds("obeys", after, endless=True), set())
        self.assertEqual(self.run_.status, 3)
        import process
        process.CPU_AFTER_SIGNAL, before = 1, process.CPU_AFTER_SIGNAL
        try:
            self.assertIn("ends", self.kinds("ignores-signals", after, endless=True))
        finally:
            process.CPU_AFTER_SIGNAL = before

    def test_what_sleeps_for_ever(self):
        import process
        process.STUCK_SECONDS, before = 1, process.STUCK_SECONDS
        try:
            self.assertIn("ends", self.kinds("sleeps"))
        finally:
            process.STUCK_SECONDS = before

    def test_a_limit_is_a_passing_thing(self):
        small = Limits(file_size=4096)
        self.assertIn("again", self.kinds("stuck-after", small))
        self.assertEqual(self.kinds("recovers", small), set())

    def test_a_full_disk(self):
        kinds = self.kinds("recovers", Limits(disk=8192))
        self.assertEqual(kinds, set())
        if not self.soak.notes:
            self.assertEqual(self.run_.status, 1)

    def test_shorter(self):
        case = Case("render", (Part(("bug",), True), Part(("--size", "3")), Part(("--quiet",))), (), Limits(files=20), (("NO_COLOR", "1"),))
        self.assertEqual(self.soak.shrink(case, {"inside"}), Case("render", (Part(("bug",), True),)))
        self.assertIsNone(self.soak.shrink(Case("render", (Part(("good",), True),)), {"inside"}))


MAN = r""".SH COMMANDS
.SS limpid render UNIT... [\-\-out FILE]
Draw.
.TP
.I UNIT
What.
.TP
.BR \-\-out ", " \-o " " "\fIFILE\fR"
The picture.
.TP
.BR \-\-quiet
No progress.
.SS limpid sing
Sing.
.TP
.BR \-\-song " " "\fITEXT\fR"
Which.
.TP
.BR \-\-voice " " "\fITEXT\fR"
Which.
.TP
.BR \-\-loud " " "\fIINT\fR"
How.
.SH PROGRESS
"""
FISH = "complete -c limpid -n '__fish_seen_subcommand_from sing' -l voice -r -f -a 'high low' -d 'which'\n"


class Table(unittest.TestCase):
    def test_commands_and_options_without_a_row_are_named(self):
        program = read_manual(MAN, FISH)
        self.assertEqual([option.name for option in program["render"]], ["UNIT", "--out", "--quiet"])
        self.assertTrue(program["render"][0].repeated)
        self.assertEqual(program["sing"][1].words, ("high", "low"))
        lacks = commands.missing(program)
        self.assertTrue(any("command sing has no row" in sentence for sentence in lacks), lacks)
        self.assertTrue(any("sing --song TEXT has no value" in sentence for sentence in lacks), lacks)
        self.assertFalse(any("--voice" in sentence or "--loud" in sentence for sentence in lacks), lacks)

    def test_the_same_seed_and_number_make_the_same_case(self):
        program, fixtures = read_manual(MAN, FISH), {"w": bytes(range(256)) * 8}
        made = [cases.make_case(5, number, program, fixtures) for number in range(40)]
        self.assertEqual(made, [cases.make_case(5, number, program, fixtures) for number in range(40)])
        self.assertNotEqual(made, [cases.make_case(6, number, program, fixtures) for number in range(40)])

    def test_a_shell_can_run_it(self):
        self.assertEqual(shell_line(["limpid", "info", "caf\udce9 x.h5"], Limits(address_space=1 << 30)),
                         "(ulimit -v 1048576; limpid info $'caf\\xe9 x.h5')")


class Whole(unittest.TestCase):
    def test_files(self):
        hdf5 = b"\x89HDF\r\n\x1a\n" + bytes(32) + (200).to_bytes(8, "little") + bytes(152)
        npy = inputs.npy_bytes([1.0] * 6, (1, 1, 2, 3))
        for name, data in ((b"a.h5", hdf5), (b"a.npy", npy), (b"a.json", b"[1, 2]\n"), (b"a.jsonl", b"{}\n{}\n"), (b"a.html", b"<p></html>\n"),
                           (b"a.jpg", pictures.jpeg(random.Random(1), 9, 9))):
            self.assertTrue(invariants.is_whole(name, data), name)
            for cut in range(0, len(data) - 1, 5):
                self.assertFalse(invariants.is_whole(name, data[:cut]) and data[:cut], (name, cut))

    def test_pictures(self):
        for colour_type, (_, depths) in pictures.COLOUR_TYPES.items():
            for depth in depths:
                data = pictures.png(random.Random(1), 5, 3, colour_type, depth)
                self.assertTrue(pictures.is_whole_png(data))
                for cut in range(0, len(data), 3):
                    self.assertFalse(pictures.is_whole_png(data[:cut]))
                draw = random.Random(2)
                self.assertFalse(any(pictures.is_whole_png(inputs.flipped(draw, data)) for _ in range(50)))


if __name__ == "__main__":
    unittest.main()
