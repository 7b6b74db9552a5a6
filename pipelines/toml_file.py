"""A TOML file made into dataclasses, where every complaint names the line."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar, get_args, get_origin, get_type_hints

from components.errors import UserError

T = TypeVar("T")
KeyPath = tuple[str, ...]

# What TOML may hold for a field, by the field's type.
_FITTING: dict[Any, tuple[str, set[type]]] = {
    str: ("text in quotes", {str}),
    int: ("a whole number from 0", {int}),
    float: ("a number", {int, float}),
    bool: ("true or false", {bool}),
    dict: ("a table", {dict}),
    tuple: ("a list", {list}),
}
_HEADER = re.compile(r"\s*\[{1,2}\s*([^]]+?)\s*\]")
_KEY = re.compile(r"""\s*(?:"([^"]+)"|'([^']+)'|([\w-]+))\s*[=.]""")


@dataclass(frozen=True)
class Form:
    """How a text must look, other than its field's default: `Annotated[str, Form(...)]`."""

    pattern: str
    example: str


@dataclass(frozen=True)
class TomlFile:
    """What a file says, and where.

    Attributes:
        name: The file's name, for messages.
        values: Its keys, those of flags among them.
        lines: The line, from 1, of every key by its path.
        flags: Keys that the command line has set, which have no line.
    """

    name: str
    values: Mapping[str, Any]
    lines: Mapping[KeyPath, int]
    flags: frozenset[str]

    def build(self, kind: type[T], path: KeyPath = (), values: Any = None) -> T:
        """Makes a dataclass of the table at a path.

        Raises:
            UserError: One sentence with the line: a key is unknown, missing or of the wrong type,
                or the dataclass refuses its values with a UserError.
        """
        table = self.values if values is None else values
        hints = get_type_hints(kind, include_extras=True)
        known = {each.name: each for each in fields(kind)}  # type: ignore[arg-type]
        for key in table:
            if key not in known:
                self.refuse((*path, key), f"is unknown; known here: {', '.join(known)}.")
        for name, each in known.items():
            if name not in table and each.default is each.default_factory is MISSING:
                self.refuse((*path, name), "is missing; see what `mnist-pipeline init` writes.")
        given = {
            key: self._value(hints[key], value, (*path, key), known[key].default)
            for key, value in table.items()
        }
        try:
            return kind(**given)
        except UserError as error:
            self.refuse(path, f"can't be used: {error}")

    def refuse(self, path: KeyPath, complaint: str) -> NoReturn:
        """Raises the UserError that says where and why a value can't be used."""
        if path and path[0] in self.flags:
            raise UserError(f"--{path[0].replace('_', '-')} {complaint}")
        parents = (path[:length] for length in range(len(path), 0, -1))
        line = next((self.lines[parent] for parent in parents if parent in self.lines), None)
        where = f"{self.name}, line {line}" if line else self.name
        raise UserError(f"{where}: {'.'.join(path)} {complaint}")

    def _value(self, hint: Any, value: Any, path: KeyPath, default: Any = MISSING) -> Any:
        """Returns a value as a field of this type holds it."""
        if get_origin(hint) is Annotated:
            hint, form = get_args(hint)
            text = self._value(hint, value, path)
            if text != default and not re.fullmatch(form.pattern, text, re.ASCII):
                self.refuse(path, f"is {text!r}; write it like {form.example}.")
            return text
        inner = get_args(hint)
        kind = get_origin(hint) or (dict if is_dataclass(hint) else hint)
        wanted, types = _FITTING[kind]
        if type(value) not in types or (kind is int and value < 0):
            self.refuse(path, f"is {value!r}; it must be {wanted}.")
        if kind is tuple:
            return tuple(self._value(inner[0], item, path) for item in value)
        if is_dataclass(hint):
            return self.build(hint, path, value)  # type: ignore[arg-type]
        if kind is dict and inner[1] is not Any:
            return {key: self._value(inner[1], item, (*path, key)) for key, item in value.items()}
        return value


def read(path: Path, flags: Mapping[str, Any]) -> TomlFile:
    """Reads a TOML file, over whose top-level keys the flags win.

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
    return TomlFile(str(path), values | dict(flags), _lines(text), frozenset(flags))


def _lines(text: str) -> dict[KeyPath, int]:
    """Finds the lines of keys; those inside values that span lines are left to their parents."""
    lines: dict[KeyPath, int] = {}
    table: KeyPath = ()
    for number, line in enumerate(text.splitlines(), start=1):
        if match := _HEADER.match(line):
            table = tuple(part.strip().strip("\"'") for part in match[1].split("."))
            lines.setdefault(table, number)
        elif match := _KEY.match(line):
            key = match[1] or match[2] or match[3]
            lines.setdefault((*table, key), number)
    return lines
