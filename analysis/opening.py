"""What a command says and refuses before the packages are imported, which takes 2 s: words, parameters, names.

The same checks as those of the commands, called earlier; what they can't decide, such as a day that a source may list, the
command decides.
"""

import re
import sys
from collections.abc import Sequence
from itertools import pairwise
from shutil import get_terminal_size

from analysis import paths, references, results, stored
from analysis.parameters import ParameterError, check_stored, check_values, parse
from analysis.sources import listed
from analysis.text import fitting, visible

REPEATABLE = ("--also", "--column")
OF_A_RUN = ("ledger", "explain", "archive")
OF_A_SNAPSHOT = ("validate", "select", "pseudonymise", "changed-files")


def begin(arguments: Sequence[str]) -> None:
    """On a terminal, say what is begun; end the process where a word is wrong, as the command itself would, but at once."""
    paths.settle()
    try:
        check(arguments)
    except (ParameterError, stored.SnapshotError, results.RunError) as error:
        line = _fitting(f"error: {visible(str(error))}")
        print(f"\x1b[31m{line}\x1b[0m" if sys.stderr.isatty() else line, file=sys.stderr)
        sys.exit(2 if isinstance(error, ParameterError) else 1)
    except OSError:
        pass  # met again by the command, which says so
    if sys.stderr.isatty():
        print(f"{first_words(arguments)}...", file=sys.stderr, flush=True)


def _fitting(line: str) -> str:
    """The line, broken between words where it is wider than the terminal that it is shown on."""
    if not sys.stderr.isatty():
        return line
    return fitting(line, get_terminal_size().columns)


def first_words(arguments: Sequence[str]) -> str:
    """What a command does first, as far as its words tell."""
    command, name = arguments[0] if arguments else "", _name(arguments)
    if {"-h", "--help"} & {*arguments} or not arguments:
        return "looking up the help"
    if command == "run":
        name = _options(arguments).get("snapshot_date", "")
    elif command in OF_A_RUN:
        name = _value(arguments, "--run") if command == "explain" else name
        return f"reading the results of {visible(name)}" if name else "reading the results"
    elif command not in OF_A_SNAPSHOT:
        name = _value(arguments, "--snapshot")
    return f"reading snapshot {visible(name)}" if name else f"starting {visible(command)}"


def check(arguments: Sequence[str]) -> None:
    """Refuse wrong words, parameters, and names of snapshots or runs that are not there, each with the command's error."""
    check_words(arguments)
    if not arguments or {"-h", "--help"} & {*arguments}:
        return
    command, name = arguments[0], _name(arguments)
    if command == "run":
        values = _options(arguments)
        check_values(values)
        if "--fetch" not in arguments:
            _check_plain(values.get("snapshot_date", ""))
    elif command == "compare":
        for snapshot in name.split(","):
            _check_plain(snapshot.partition("@")[0])
    elif command in OF_A_SNAPSHOT and name:
        stored.directory_of(name)
    elif command in OF_A_RUN:
        asked = _value(arguments, "--run") if command == "explain" else name
        if asked:
            results.find(asked)
    elif command == "check" and (asked := _value(arguments, "--snapshot")):
        references.stored(asked)
    elif command == "update-references" and (asked := _value(arguments, "--snapshot")):
        references.check_name(asked)


def _name(arguments: Sequence[str]) -> str:
    """The word after the command, where it is no option."""
    return arguments[1] if len(arguments) > 1 and not arguments[1].startswith("-") else ""


def _value(arguments: Sequence[str], option: str) -> str:
    """The value of an option, empty where it is not given."""
    for word, following in pairwise([*arguments, ""]):
        name, equals, value = word.partition("=")
        if name == option:
            return value if equals else following
    return ""


def _options(arguments: Sequence[str]) -> dict:
    """The parameters that the options of `run` give."""
    named = {"snapshot_date": _value(arguments, "--snapshot"), "as_of": _value(arguments, "--as-of")}
    values = {name: value for name, value in named.items() if value}
    pairs = [following for word, following in pairwise([*arguments, ""]) if word == "-p" and following]
    pairs += [word[2:] for word in arguments if re.fullmatch(r"-p[^-].*", word)]
    return parse(pairs) | values


def _check_plain(name: str) -> None:
    """Refuse a snapshot that is not there, unless the name may be a list or a range; of a day, say who lists it."""
    if not name or "," in name or ".." in name:
        return
    if name not in stored.names():
        for line in listed.offers(name):
            print(_fitting(line), file=sys.stderr)
    check_stored(name)


def check_words(arguments: Sequence[str]) -> None:
    """Refuse what would run something else than was meant: an empty value (a variable that was not set), two values."""
    given = [word.partition("=")[0] for word in arguments if word.startswith("--")]
    twice = [option for option in given if given.count(option) > 1 and option not in REPEATABLE]
    if twice and arguments[0] != "test":  # whose words are pytest's
        raise ParameterError(f"{twice[0]}: is given {given.count(twice[0])} times; give it once")
    for before, argument in pairwise(["the command's name", *arguments]):
        option, equals, value = argument.partition("=")
        if not argument.strip() or (option.startswith("--") and equals and not value.strip()):
            raise ParameterError(
                f"{option.strip() or f'after {before}'}: the value is empty; give one, or leave it out"
            )
        if "\0" in argument:
            raise ParameterError(f"{option}: a NUL is in it; expected a text")
