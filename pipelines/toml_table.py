"""A TOML file, read key by key, where every complaint names the line."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from components.errors import UserError

_TYPES: dict[Any, str] = {
    str: "text in quotes",
    int: "a whole number",
    (int, float): "a number",
    bool: "true or false",
    dict: "a table",
}
_HEADER = re.compile(r"\s*\[{1,2}\s*([^]]+?)\s*\]")
_KEY = re.compile(r"""\s*(?:"([^"]+)"|'([^']+)'|([\w-]+))\s*[=.]""")


@dataclass
class Table:
    """One table of a TOML file; reading a key marks it as known.

    Attributes:
        values: What the table holds.
        lines: The line, from 1, of every key of the file by its path.
        file: The file's name, for messages.
        path: The table's own path in the file; empty for the file itself.
        flags: Keys that the command line has set, which have no line.
    """

    values: dict[str, Any]
    lines: Mapping[tuple[str, ...], int]
    file: str
    path: tuple[str, ...] = ()
    flags: frozenset[str] = frozenset()
    _known: set[str] = field(default_factory=set)

    def text(self, key: str, default: str = "") -> str:
        """Returns a text; a UserError says that it is of another type."""
        return self._get(key, str, default)

    def match(self, key: str, pattern: str, example: str, default: str = "") -> str:
        """Returns a text that is the default, or all of which matches the pattern."""
        text = self.text(key, default)
        if text != default and not re.fullmatch(pattern, text, re.ASCII):
            self.refuse(key, f"is {text!r}; write it like {example}.")
        return text

    def whole(self, key: str, default: int = 0) -> int:
        """Returns a whole number that is not negative."""
        number = self._get(key, int, default)
        if number < 0:
            self.refuse(key, f"is {number}; give 0 or more.")
        return number

    def number(self, key: str, default: float) -> float:
        """Returns a number."""
        return float(self._get(key, (int, float), default))

    def flag(self, key: str, default: bool) -> bool:
        """Returns true or false."""
        return self._get(key, bool, default)

    def one_of(self, key: str, *choices: str) -> str:
        """Returns one of some texts, the first by default."""
        text = self.text(key, choices[0])
        if text not in choices:
            self.refuse(key, f"is {text!r}; give {', '.join(map(repr, choices))}.")
        return text

    def table(self, key: str) -> "Table":
        """Returns a table inside this one; empty if there is none."""
        return self._inner(self._get(key, dict, {}), key)

    def texts(self, key: str) -> dict[str, str]:
        """Returns a table of texts, whatever its keys."""
        inner = self.table(key)
        return {name: inner.text(name) for name in inner.values}

    def tables(self, key: str) -> list["Table"]:
        """Returns a list of tables; empty if there is none."""
        return [self._inner(value, key) for value in self._list(key, dict)]

    def words(self, key: str) -> list[str]:
        """Returns a list of texts; empty if there is none."""
        return self._list(key, str)

    def refuse(self, key: str, complaint: str) -> NoReturn:
        """Raises the UserError that says where and why a value can't be used."""
        if not self.path and key in self.flags:
            raise UserError(f"--{key.replace('_', '-')} {complaint}")
        path = (*self.path, key)
        line = next((self.lines[p] for p in _parents(path) if p in self.lines), None)
        where = f"{self.file}, line {line}" if line else self.file
        raise UserError(f"{where}: {'.'.join(path)} {complaint}")

    def finish(self) -> None:
        """Refuses keys that nobody has read."""
        for key in self.values:
            if key not in self._known:
                self.refuse(key, f"is unknown; known here: {', '.join(sorted(self._known))}.")

    def _get(self, key: str, kind: Any, default: Any) -> Any:
        self._known.add(key)
        value = self.values.get(key, default)
        # In Python True is an int; in TOML it is not.
        if not isinstance(value, kind) or (kind is not bool and isinstance(value, bool)):
            self.refuse(key, f"is {value!r}; it must be {_TYPES[kind]}.")
        return value

    def _list(self, key: str, kind: type) -> list[Any]:
        self._known.add(key)
        values = self.values.get(key, [])
        if not isinstance(values, list) or not all(isinstance(value, kind) for value in values):
            self.refuse(key, f"is {values!r}; it must be a list, each of it {_TYPES[kind]}.")
        return values

    def _inner(self, values: dict[str, Any], key: str) -> "Table":
        return Table(values, self.lines, self.file, (*self.path, key))


def read(path: Path, flags: Mapping[str, Any]) -> Table:
    """Reads a file.

    Args:
        path: The TOML file.
        flags: Top-level keys that win over the file.

    Raises:
        UserError: If it is missing or not TOML.
    """
    try:
        text = path.read_text(encoding="utf-8")
        values = tomllib.loads(text)
    except FileNotFoundError as error:
        raise UserError(
            f"There is no {path}; write one with `mnist-pipeline init`, or name one with --config."
        ) from error
    except OSError as error:
        raise UserError(f"Can't read {path}: {error.strerror}.") from error
    except ValueError as error:  # not TOML, or not UTF-8
        raise UserError(f"{path} is not valid TOML: {error}.") from error
    return Table(values | dict(flags), _lines(text), str(path), flags=frozenset(flags))


def _lines(text: str) -> dict[tuple[str, ...], int]:
    """Finds the lines of keys; those inside values that span lines are left to their parents."""
    lines: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), start=1):
        if match := _HEADER.match(line):
            table = tuple(part.strip().strip("\"'") for part in match[1].split("."))
            lines.setdefault(table, number)
        elif match := _KEY.match(line):
            key = match[1] or match[2] or match[3]
            lines.setdefault((*table, key), number)
    return lines


def _parents(path: tuple[str, ...]) -> list[tuple[str, ...]]:
    return [path[:length] for length in range(len(path), 0, -1)]
