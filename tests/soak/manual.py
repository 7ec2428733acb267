"""What commands and options the program has, by its own manual page."""
import dataclasses
import re


@dataclasses.dataclass(frozen=True)
class Option:
    name: str        # "--out", or that of a positional argument
    value: str       # INT, FLOAT, TEXT, WORD, ...; "" for a flag
    words: tuple     # all that it takes, where these are few
    positional: bool
    required: bool
    repeated: bool


def plain(roff):
    return re.sub(r"\\f[A-Z]", "", roff).replace(r"\-", "-").replace(r"\e", "\\").replace(r"\&", "")


def read_manual(man, fish):
    """{command: [Option]}. man: the page in roff; fish: completions, which list the words that an option takes."""
    words = {}
    for line in fish.splitlines():
        found = re.match(r"complete -c limpid -n '__fish_seen_subcommand_from (\S+)'.*? -l (\S+) -r -f -a '([^']*)'", line)
        if found:
            words[found[1], "--" + found[2]] = tuple(found[3].split())
    commands, command = {}, None
    lines = man.splitlines()
    for i, line in enumerate(lines):
        if line.startswith(".SS limpid "):
            command = plain(line).split()[2]
            commands[command], synopsis = [], plain(line)
        elif line.startswith(".SH "):
            command = None
        elif line == ".TP" and command:
            head, text = lines[i + 1], plain(lines[i + 2])
            if head.startswith(".I "):
                name = plain(head[3:]).strip()
                commands[command].append(Option(name, "TEXT", (), True, f" [{name}" not in synopsis, name + "..." in synopsis))
                continue
            value = re.search(r"\\fI(.*?)\\fR", head)
            names = re.findall(r"-[-a-zA-Z0-9]+", plain(head[3:].split('" "\\fI')[0]))
            name = next((n for n in names if n.startswith("--")), names[0])
            if name == "--help":
                continue
            commands[command].append(Option(name, plain(value[1]) if value else "", words.get((command, name), ()), False,
                                            "Required." in text, False))
    return commands
