"""One YAML file: its values with their exact text, and the line of each key."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from attrs import Factory, frozen

from famulus.errors import Problem, UsageError
from famulus.options.conf_files import SUFFIXES
from famulus.options.scalars import Plain
from famulus.options.suggest import did_you_mean

_TAG = "tag:yaml.org,2002:"
_TEXT_TAGS = frozenset(_TAG + name for name in ("str", "timestamp", "value", "merge"))
_NUMBER_TAGS = frozenset(_TAG + name for name in ("bool", "int", "float"))
#: A configuration may come from a stranger: it must not take long to read or use much memory.
_MOST_BYTES = 1_000_000
#: Limit of the values of one file, in which aliases count as what they stand for.
_MOST_VALUES = 20_000
_LONGEST_NUMBER = 1000
_HALF_CHARACTER = re.compile("[\ud800-\udfff]")
#: The text at which the parser gives up, and the remedy.
_HINTS = (
    (":", "a text with a colon and a space needs quotes"),
    ("?", "within braces, a text with a question mark needs quotes"),
    ("\t", "indent with spaces, not tabs"),
    ("@", "a text that begins like this needs quotes"),
    ("`", "a text that begins like this needs quotes"),
    ("%", "a text that begins like this needs quotes"),
    ("---", "'---' begins a second document; remove it"),
)
_BRACKETS = ("[", "{")
_QUOTES = ("'", '"')
#: A quoted text that ends.
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*+"|\'(?:[^\']|\'\')*+\'', re.DOTALL)
_LONE_KEY = re.compile(r"[ ]+[\w.-]+")


@frozen(kw_only=True)
class Document:
    """A file's content as plain dicts, lists and scalars; ``lines`` by dotted key, from 1."""

    file: Path
    tree: dict[str, Any]
    lines: dict[str, int]
    problems: list[Problem] = Factory(list)


def read_document(file: Path, *, begin_with: str = "'defaults:' and 'blueprint:'") -> Document:
    """Read a YAML file whose root is a mapping.

    Duplicate keys and unknown tags are among the document's ``problems``.

    :param begin_with: the first keys, for the message about an empty file.

    :raises UsageError: when the file cannot be read, or is not UTF-8, YAML and a mapping.
    """
    root = _compose(_read_text(file), file)
    if not isinstance(root, yaml.MappingNode):
        found = "is empty" if root is None else "is not a mapping of keys to values at its top"
        raise UsageError(Problem(f"{found}; begin with {begin_with}", file=file, line=1))
    builder = _Builder(file)
    try:
        if _expanded(root, {}) > _MOST_VALUES:
            raise _too_many(file, root)
        tree = builder.mapping(root, "")
    except RecursionError:
        raise UsageError(Problem("is nested too deeply", file=file)) from None
    return Document(file=file, tree=tree, lines=builder.lines, problems=builder.problems)


def _read_text(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            data = stream.read(_MOST_BYTES + 1)
    except FileNotFoundError:
        raise UsageError(Problem(f"there is no such file{_neighbours(file)}", file=file)) from None
    except IsADirectoryError:
        raise UsageError(
            Problem(f"is a folder, not a configuration file{_inside(file)}", file=file)
        ) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise UsageError(Problem(f"cannot be read: {reason}", file=file)) from error
    if len(data) > _MOST_BYTES:
        message = f"is larger than {_MOST_BYTES:,} bytes; put data into a file of their own"
        raise UsageError(Problem(message, file=file))
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        message = f"is not UTF-8 (byte 0x{data[error.start]:02x}); save the file as UTF-8"
        line = data.count(b"\n", 0, error.start) + 1
        raise UsageError(Problem(message, file=file, line=line)) from error


def _neighbours(file: Path) -> str:
    if not file.parent.is_dir():
        return f"; nor is there a folder {str(file.parent)!r}"
    names = [path.name for path in _visible(file.parent) if path.suffix in SUFFIXES]
    return did_you_mean(file.name, names, otherwise="beside it there are")


def _visible(folder: Path) -> Iterator[Path]:
    """Yield the paths in a folder without hidden files, which belong to other programs."""
    return (path for path in folder.iterdir() if not path.name.startswith("."))


def _inside(folder: Path) -> str:
    names = sorted(path.name for path in _visible(folder) if path.suffix in SUFFIXES)
    return f"; in it there are: {', '.join(names)}" if names else ""


class _Loader(yaml.SafeLoader):
    """A loader that stops at too many nodes, before all of them are in memory."""

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self._nodes = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        self._nodes += 1
        if self._nodes > 2 * _MOST_VALUES:
            raise _TooManyNodesError(self.line + 1)
        return super().compose_node(parent, index)

    def is_within(self, mark: yaml.Mark | None) -> bool:
        """Return whether parsing has stopped within the collection that begins at a mark."""
        return mark is not None and bool(self.marks) and mark is self.marks[-1]

    @property
    def stops_at_mapping(self) -> bool:
        """Whether a mapping begins where parsing has stopped."""
        return bool(self.tokens) and isinstance(self.tokens[0], yaml.BlockMappingStartToken)


class _TooManyNodesError(Exception):
    """A file has too many nodes; the argument is the line of the first one above the limit."""


def _expanded(node: yaml.Node, known: dict[int, int]) -> int:
    """Return how many values there are below a node once its aliases are replaced."""
    if id(node) in known:
        return known[id(node)]
    known[id(node)] = 1
    children: list[yaml.Node] = []
    if isinstance(node, yaml.MappingNode):
        children = [value for _, value in node.value]
    elif isinstance(node, yaml.SequenceNode):
        children = node.value
    known[id(node)] = 1 + sum(_expanded(child, known) for child in children)
    return known[id(node)]


def _too_many(file: Path, node: yaml.Node | None = None, line: int | None = None) -> UsageError:
    message = f"has more than {_MOST_VALUES:,} values, those behind its aliases (*NAME) counted"
    if line is None and node is not None:
        line = node.start_mark.line + 1
    return UsageError(Problem(message, file=file, line=line))


def _compose(text: str, file: Path) -> yaml.Node | None:
    try:
        loader = _Loader(text)
        node: yaml.Node | None = loader.get_single_node()
    except _TooManyNodesError as error:
        raise _too_many(file, line=error.args[0]) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = None if mark is None else mark.line + 1
        raise UsageError(Problem(_explained(error, text, loader), file=file, line=line)) from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        message = f"is not valid YAML: character {chr(error.character)!r} is not allowed"
        raise UsageError(Problem(message, file=file, line=line)) from error
    except RecursionError:
        raise UsageError(Problem("is nested too deeply", file=file)) from None
    return node


def _explained(error: yaml.MarkedYAMLError, text: str, loader: _Loader) -> str:
    what = ", ".join(part for part in (error.context, error.problem) if part)
    hint = _hint(error, text, loader)
    return f"is not valid YAML: {what}" + (f" ({hint})" if hint else "")


def _hint(error: yaml.MarkedYAMLError, text: str, loader: _Loader) -> str:
    """Return what to write instead; empty if the position of the error does not show it."""
    mark, around = error.problem_mark, error.context_mark
    if mark is None:
        return ""
    if isinstance(error, yaml.parser.ParserError):
        has_bracket = around is not None and text.startswith(_BRACKETS, around.index)
        is_open = has_bracket and loader.is_within(around)
        is_unaligned = not has_bracket and (loader.is_within(around) or loader.stops_at_mapping)
    else:
        is_open = around is not None and _lacks_quote(text, around.index, mark.index)
        is_unaligned = _is_lone_key(text, mark.index)
    if is_open and around is not None and around.line < mark.line:
        return f"close what line {around.line + 1} opens, or quote it"
    if is_unaligned:
        return "begin the line below the first letter of those that it belongs to"
    return next((hint for sign, hint in _HINTS if text.startswith(sign, mark.index)), "")


def _lacks_quote(text: str, start: int, end: int) -> bool:
    """Return whether a quoted text begins at ``start``, and the document ends within it."""
    is_over = end == len(text) or text.startswith(("---", "..."), end)
    return is_over and text.startswith(_QUOTES, start) and not _QUOTED.match(text, start, end)


def _is_lone_key(text: str, colon: int) -> bool:
    """Return whether there is nothing but a key in front of a colon on its line."""
    line = text[text.rfind("\n", 0, colon) + 1 : colon]
    return text.startswith(":", colon) and _LONE_KEY.fullmatch(line) is not None


class _Builder:
    def __init__(self, file: Path) -> None:
        self.file = file
        self.lines: dict[str, int] = {}
        self.problems: list[Problem] = []
        self._open: set[int] = set()
        self._values = 0

    def mapping(self, node: yaml.MappingNode, prefix: str) -> dict[str, Any]:
        self._check_duplicates(node, prefix)
        return {
            name: self._value(value, self._note(prefix, name, key_node))
            for name, key_node, value in self._pairs(node, prefix)
        }

    def _note(self, prefix: str, name: str, node: yaml.Node) -> str:
        key = _joined(prefix, name)
        self.lines[key] = node.start_mark.line + 1
        return key

    def _check_duplicates(self, node: yaml.MappingNode, prefix: str) -> None:
        seen: dict[str, int] = {}
        for key_node, _ in node.value:
            name, line = str(key_node.value), key_node.start_mark.line + 1
            if name in seen:
                message = f"is set twice; the first time in line {seen[name]}"
                self._refuse(key_node, _joined(prefix, name), message)
            seen.setdefault(name, line)

    def _pairs(
        self, node: yaml.MappingNode, prefix: str
    ) -> Iterator[tuple[str, yaml.Node, yaml.Node]]:
        try:
            yaml.constructor.SafeConstructor().flatten_mapping(node)
        except yaml.MarkedYAMLError as error:
            self._refuse(node, prefix or None, f"cannot be merged: {error.problem}")
        for key_node, value in node.value:
            if isinstance(key_node, yaml.ScalarNode):
                yield key_node.value, key_node, value
            else:
                self._refuse(key_node, prefix or None, "a key must be a string")

    def _value(self, node: yaml.Node, key: str) -> Any:
        self._values += 1
        if self._values > _MOST_VALUES:
            raise _too_many(self.file, node)
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, key)
        if id(node) in self._open:
            self._refuse(node, key, "is an alias inside the value that it refers to")
            return None
        self._open.add(id(node))
        try:
            return self._collection(node, key)
        finally:
            self._open.discard(id(node))

    def _collection(self, node: yaml.Node, key: str) -> Any:
        if node.tag not in (_TAG + "map", _TAG + "seq"):
            self._refuse(node, key, f"the tag {_short(node.tag)} is not supported")
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, key)
        return [
            self._value(item, self._note(key, str(index), item))
            for index, item in enumerate(node.value)
        ]

    def _scalar(self, node: yaml.ScalarNode, key: str) -> str | Plain | None:
        text = str(node.value)
        if node.tag in _TEXT_TAGS:
            return self._whole_characters(node, key)
        if node.tag == _TAG + "null":
            return None
        if node.tag in _NUMBER_TAGS:
            return self._number(node, key)
        self._refuse(node, key, f"the tag {_short(node.tag)} is not supported")
        return text

    def _whole_characters(self, node: yaml.ScalarNode, key: str) -> str:
        """Return a text with surrogate pairs, JSON's escapes of characters above U+FFFF, joined."""
        text = str(node.value)
        if _HALF_CHARACTER.search(text) is None:
            return text
        try:
            return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
        except UnicodeDecodeError:
            half = _HALF_CHARACTER.findall(text)[0]
            message = f"has half of a character (\\u{ord(half):04x}); write the character itself"
            self._refuse(node, key, message)
            return text

    def _number(self, node: yaml.ScalarNode, key: str) -> str | Plain:
        text = str(node.value)
        if len(text) > _LONGEST_NUMBER:
            message = f"a number of {len(text)} characters is too long; quote it if it is a text"
            self._refuse(node, key, message)
            return text
        try:
            return Plain(text, yaml.constructor.SafeConstructor().construct_object(node))
        except (ValueError, KeyError, IndexError):
            self._refuse(node, key, f"{text!r} does not fit the tag {_short(node.tag)}")
            return text

    def _refuse(self, node: yaml.Node, key: str | None, message: str) -> None:
        line = node.start_mark.line + 1
        self.problems.append(Problem(message, key=key, file=self.file, line=line))


def _joined(prefix: str, name: str) -> str:
    return f"{prefix}.{name}" if prefix else name


def _short(tag: str) -> str:
    return "!!" + tag.removeprefix(_TAG) if tag.startswith(_TAG) else tag
