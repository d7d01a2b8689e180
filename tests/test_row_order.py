"""Rows are read in a fixed order, whichever way a database keeps them.

A select without an order returns rows as the database finds them: SQLite by an index that it has
chosen, PostgreSQL by where they lie. Events, allocations, payments and lists would differ between
two databases with the same history.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from functools import cache, cached_property

import pytest
from attrs import define, field
from tools.workspace import ROOT, members

#: Methods and functions that return rows, and the position of the query among their arguments.
READERS = {"rows": 0, "rows_of": 0, "all": 0, "iterate": 0, "run_among": 1}
CANDIDATE = re.compile(r"\btx\.(rows|rows_of|all|iterate)\(|\brun_among\(|\.limit\(")
#: What loses the order of its argument, or depends on no order.
UNORDERED = {"sorted", "set", "frozenset", "dict", "len", "bool", "any", "all", "sum", "min", "max"}
#: Columns and aliases that no two rows of one of these selects share.
UNIQUE = {"id", "name", "number", "position"}
#: What defines the readers.
IMPLEMENTATION = {"famulus.model.transaction", "famulus.model.many_values"}
EXCEPTIONS = {
    "famulus.data.browser_units._page": "a lane has one unit of each replacement",
    "famulus.data.review_columns.read_review_columns": "looked up by payee, in the answers' order",
    "famulus.data.review_queue.next_units": "a worker has one attempt at an assignment",
    "famulus.data.review_queue.next_worker": "the rows of a worker are the same",
    "famulus.data.scope.check_worker": "shows either all of the names or none",
    "famulus.engine.forgetting._is_at_work": "runs are distinct",
    "famulus.engine.forgetting._is_unreviewed": "runs are distinct",
    "famulus.engine.ledger.budget._saved_by_shared": "added up",
    "famulus.engine.ledger.recorded_decisions.unapplied_units": "units are distinct",
    "famulus.engine.own_work.read_own_work": "added up",
    "famulus.engine.places.place_changes._OPENING": "selects only what it is ordered by",
    "famulus.engine.platform.cleanup._is_undelivered": "whether there is one",
    "famulus.engine.run_activity._NEWEST_SUBMISSION": "selects only what it is ordered by",
    "famulus.engine.runs._count_units": "a row for each run and status",
    "famulus.engine.units._free_units_beside": "a lane has one free unit",
    "famulus.engine.window._FREE": "counted",
    "famulus.operate.doctor.platform_differences._number": "a single row: COUNT",
    "famulus.operate.doctor.platform_differences._views": "ordered by each caller",
    "famulus.operate.loading._CHANGED_BY_OTHERS": "whether there is one",
    "famulus_mturk.records.HitRecords": "a place has one HIT",
}

SAMPLE = """
_UNITS = Statement(Unit.select().where(Unit.run == Param("run")))
_ORDERED = Statement(Unit.select().order_by(Unit.id))


def job(tx):
    {}
"""

Scope = ast.FunctionDef | ast.AsyncFunctionDef | ast.Module


@define(eq=False, slots=False)
class Module:
    """A module's syntax, and the names at its top level."""

    name: str
    tree: ast.Module
    defined: dict[str, ast.AST] = field(factory=dict)
    #: name to the module that it is imported from, and its name there
    imported: dict[str, tuple[str, str]] = field(factory=dict)

    def __attrs_post_init__(self) -> None:
        for node in self.tree.body:
            if isinstance(node, ast.FunctionDef):
                self.defined[node.name] = node
            elif isinstance(node, ast.Assign | ast.AnnAssign):
                self.defined.update(dict.fromkeys(_targets(node), node))
            elif isinstance(node, ast.ImportFrom) and node.module:
                for each in node.names:
                    self.imported[each.asname or each.name] = (node.module, each.name)

    @cached_property
    def parents(self) -> Mapping[ast.AST, ast.AST]:
        return {child: node for node in ast.walk(self.tree) for child in ast.iter_child_nodes(node)}

    def ancestors(self, node: ast.AST) -> Iterator[ast.AST]:
        while node in self.parents:
            node = self.parents[node]
            yield node

    def scope(self, node: ast.AST) -> Scope:
        """Return the outermost function around a node, or the module."""
        around = [each for each in self.ancestors(node) if isinstance(each, Scope)]
        return around[-2] if len(around) > 1 else self.tree

    def place(self, node: ast.AST) -> str:
        """Return the full name of the definition at the top level that a node is part of."""
        for top in (node, *self.ancestors(node)):
            if self.parents.get(top) is self.tree:
                names = [top.name] if isinstance(top, ast.FunctionDef | ast.ClassDef) else []
                return ".".join((self.name, *(names or _targets(top))[:1]))
        return self.name


@cache
def sources() -> Mapping[str, str]:
    """Return the text of each module of core and of the plugins by its full name."""
    found = {}
    for member in members():
        source = ROOT / member / "src"
        for path in sorted(source.rglob("*.py")):
            parts = path.relative_to(source).with_suffix("").parts
            name = ".".join(part for part in parts if part != "__init__")
            found[name] = path.read_text()
    return found


@cache
def read_module(name: str) -> Module:
    return Module(name, ast.parse(sources()[name]))


def _targets(node: ast.AST) -> list[str]:
    """Return the names that a statement, a loop or a comprehension binds."""
    if isinstance(node, ast.Assign):
        targets = node.targets
    elif isinstance(node, ast.AnnAssign | ast.AugAssign | ast.For | ast.comprehension):
        targets = [node.target]
    else:
        return []
    return [
        each.id for target in targets for each in ast.walk(target) if isinstance(each, ast.Name)
    ]


def _value(node: ast.AST) -> ast.AST:
    """Return what a statement, a loop or a comprehension binds its names to."""
    if isinstance(node, ast.For | ast.comprehension):
        return node.iter
    if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign) and node.value:
        return node.value
    return node


def _definitions(
    module: Module, scope: Scope, name: str
) -> Iterator[tuple[Module, Scope, ast.AST]]:
    """Yield what a name may stand for in a scope: local values, or a definition of a module."""
    local = [
        node for node in ast.walk(scope) if scope is not module.tree and name in _targets(node)
    ]
    for node in local:
        yield module, scope, _value(node)
    if local:
        return
    while name not in module.defined and name in module.imported:
        origin, name = module.imported[name]
        if origin not in sources():
            return
        module = read_module(origin)
    if name in module.defined:
        node = module.defined[name]
        yield module, node if isinstance(node, Scope) else module.tree, node


def last_terms(module: Module, scope: Scope, query: ast.AST) -> Iterator[ast.AST]:
    """Yield the last term of each order of a query, wherever the parts of the query are defined."""
    seen: set[ast.AST] = set()
    waiting = [(module, scope, query)]
    while waiting:
        module, scope, part = waiting.pop()
        if part in seen:
            continue
        seen.add(part)
        for node in ast.walk(part):
            if isinstance(node, ast.Name):
                waiting += _definitions(module, scope, node.id)
            elif isinstance(node, ast.Call) and _called(node) == "order_by" and node.args:
                last = node.args[-1]
                if isinstance(last, ast.Starred) and isinstance(last.value, ast.Name):
                    for _, _, value in _definitions(module, scope, last.value.id):
                        yield from (each for each in ast.walk(value) if _is_unique(each))
                else:
                    yield last


def _called(call: ast.Call) -> str:
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""


def is_unordered(module: Module, node: ast.AST, *, is_followed: bool = True) -> bool:
    """Return whether what is done with rows is the same in every order of them.

    :param is_followed: whether to look at the uses of a local name that the rows are assigned to.
    """
    for parent in module.ancestors(node):
        if isinstance(parent, ast.Call) and isinstance(parent.func, ast.Name):
            if parent.func.id in UNORDERED:
                return True
        elif isinstance(parent, ast.SetComp | ast.DictComp):
            return True
        elif isinstance(parent, ast.Compare):
            return isinstance(parent.comparators[0], ast.Constant)
        elif isinstance(parent, ast.Assign):
            (target,) = parent.targets
            if isinstance(target, ast.Tuple):
                return len(target.elts) == 1
            scope = module.scope(parent)
            uses = [
                each
                for each in ast.walk(scope)
                if isinstance(each, ast.Name)
                and each.id == ast.unparse(target)
                and isinstance(each.ctx, ast.Load)
            ]
            return (
                is_followed
                and scope is not module.tree
                and bool(uses)
                and all(is_unordered(module, each, is_followed=False) for each in uses)
            )
        elif isinstance(parent, ast.stmt):
            return False
    return False


def is_counted(module: Module, node: ast.AST) -> bool:
    """Return whether of rows only their number matters, such as whether there is one."""
    for parent in module.ancestors(node):
        if isinstance(parent, ast.Call) and _called(parent) in ("len", "bool"):
            return True
        if isinstance(parent, ast.Compare):
            return isinstance(parent.comparators[0], ast.Constant)
        if isinstance(parent, ast.stmt | ast.comprehension):
            return False
    return False


def _is_existence(query: ast.AST) -> bool:
    """Return whether a query selects no column."""
    return any(
        isinstance(node, ast.Call)
        and _called(node) == "select"
        and [ast.unparse(each) for each in node.args] == ["peewee.SQL('1')"]
        for node in ast.walk(query)
    )


def _is_unique(term: ast.AST) -> bool:
    while isinstance(term, ast.Call) and isinstance(term.func, ast.Attribute):
        term = term.func.value
    return isinstance(term, ast.Attribute) and term.attr in UNIQUE


def _query(call: ast.Call) -> ast.AST | None:
    """Return the query whose rows a call reads or limits; None for other calls."""
    name = _called(call)
    if name == "limit" and call.args and isinstance(call.func, ast.Attribute):
        return call.func.value
    is_reader = name == "run_among" or ast.unparse(call.func) == f"tx.{name}"
    return call.args[READERS[name]] if name in READERS and is_reader else None


def unordered_queries(module: Module) -> Iterator[tuple[str, str]]:
    """Yield where the order of rows is left to the database, each with its query."""
    for call in ast.walk(module.tree):
        if not isinstance(call, ast.Call):
            continue
        query = _query(call)
        # Which rows a limit leaves depends on their order, even for a set.
        is_irrelevant = is_counted if _called(call) == "limit" else is_unordered
        if query is None or _is_existence(query) or is_irrelevant(module, call):
            continue
        if not any(map(_is_unique, last_terms(module, module.scope(call), query))):
            yield module.place(call), ast.unparse(query)


@cache
def findings() -> Mapping[str, str]:
    return {
        place: query
        for name, text in sources().items()
        if name not in IMPLEMENTATION and CANDIDATE.search(text)
        for place, query in unordered_queries(read_module(name))
    }


def test_rows_are_read_in_an_order_that_has_no_ties() -> None:
    assert {place: query for place, query in findings().items() if place not in EXCEPTIONS} == {}


def test_every_exception_is_needed() -> None:
    assert EXCEPTIONS.keys() - findings().keys() == set()


@pytest.mark.parametrize(
    "statement",
    [
        "rows = tx.rows(Unit.select())",
        "rows = tx.rows(Unit.select().order_by())",
        "rows = tx.rows(Unit.select().order_by(Unit.id, Unit.deadline.desc()))",
        "for row in tx.rows_of(_UNITS): end(row)",
        "end([row.id for row in tx.all(_UNITS)])",
        "for unit in run_among(tx, _UNITS, wanted): end(unit)",
        "query = Unit.select()\n    end(tx.rows(query.where(Unit.run == 1)))",
        "first = tx.row(Unit.select().limit(1))",
        "end({row.name for row in tx.rows(Unit.select().limit(5))})",
        "rows = tx.rows(Unit.select())\n    names = {row.name for row in rows}\n    end(rows)",
    ],
)
def test_an_order_that_is_left_to_the_database_is_found(statement: str) -> None:
    module = Module("sample", ast.parse(SAMPLE.format(statement)))

    assert [place for place, _ in unordered_queries(module)] == ["sample.job"]


@pytest.mark.parametrize(
    "statement",
    [
        "rows = tx.rows(Unit.select().order_by(Unit.deadline, Unit.id.desc()))",
        "for row in tx.rows_of(_ORDERED): end(row)",
        "query = Unit.select().order_by(Unit.id)\n    end(tx.rows(query.where(Unit.run == 1)))",
        "end({row.id for row in tx.all(_UNITS)})",
        "rows = tx.rows(Unit.select())\n    end({row.name for row in rows})",
        "is_any = tx.row(Unit.select().limit(1)) is not None",
        "first = tx.row(Unit.select(peewee.SQL('1')).limit(1))",
    ],
)
def test_rows_whose_order_is_fixed_or_means_nothing_are_left_alone(statement: str) -> None:
    module = Module("sample", ast.parse(SAMPLE.format(statement)))

    assert [*unordered_queries(module)] == []
