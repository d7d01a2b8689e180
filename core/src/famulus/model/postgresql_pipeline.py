"""Transactions in libpq's pipeline mode: any number of them in one round trip to the server.

Each statement is prepared once for a connection. psycopg's own pipelines wait for the server at the
end of each transaction.
"""

from __future__ import annotations

import re
import select
from collections.abc import Mapping, Sequence
from functools import lru_cache
from hashlib import blake2s
from itertools import zip_longest
from typing import Any, NamedTuple, TypeAlias

#: Texts that are kept with what they are prepared as.
_KEPT = 256
_PARAM = re.compile(r"%\((\w+)\)s")
#: PostgreSQL's numbers of types.
_BOOL, _BIGINT, _UNKNOWN = 16, 20, 0
#: SQLSTATE of preparing under a name in use: the same text was prepared over this connection
#: before.
_IS_THERE_ALREADY = b"42P05"
_INTEGERS = frozenset({20, 21, 23})

#: The first row of the last statement, if there is one.
FirstRow: TypeAlias = tuple[Any, ...] | None


class AtOnce(NamedTuple):
    """Statements that are one transaction, sent and committed in one round trip."""

    texts: Sequence[str]
    #: stand in the texts as ``%(name)s``: truth values, integers, texts and None
    params: Mapping[str, Any]


class _Prepared(NamedTuple):
    name: bytes
    sql: bytes
    params: Sequence[str]


class _Call(NamedTuple):
    statement: _Prepared
    values: Sequence[bytes | None]
    types: Sequence[int]


@lru_cache(_KEPT)
def _prepared(text: str) -> _Prepared:
    params = tuple(dict.fromkeys(_PARAM.findall(text)))
    numbers = {name: number for number, name in enumerate(params, 1)}
    sql = _PARAM.sub(lambda found: f"${numbers[found[1]]}", text)
    digest = blake2s(text.encode(), digest_size=8).hexdigest()
    return _Prepared(f"famulus_{digest}".encode(), sql.encode(), params)


def run_together(
    connection: Any, known: set[bytes], transactions: Sequence[AtOnce]
) -> Sequence[FirstRow | Exception]:
    """Run transactions one after the other; return the outcome of each: a row, None or its error.

    :param connection: psycopg's, in autocommit.
    :param known: the names of the connection's prepared statements; this function updates them.
    :raises psycopg.OperationalError: when the connection is lost; transactions may be committed.
        The connection is closed after any exception except ``InvalidSqlStatementName``.
    :raises psycopg.errors.InvalidSqlStatementName: when the server has forgotten statements, which
        the next run prepares again; other transactions are committed. psycopg deallocates all
        statements of a connection after a rollback.
    """
    from psycopg.errors import InvalidSqlStatementName

    outcomes: list[FirstRow | Exception] = [None] * len(transactions)
    encoding = connection.info.encoding
    sent: list[tuple[int, Sequence[_Call]]] = []
    for number, transaction in enumerate(transactions):
        try:
            calls = [_call(text, transaction.params, encoding) for text in transaction.texts]
        except ValueError as error:
            outcomes[number] = error
        else:
            sent.append((number, calls))
    found = _run(connection.pgconn, known, [calls for _, calls in sent])
    for (number, _), results in zip(sent, found, strict=True):
        outcome = outcomes[number] = _outcome(results, encoding)
        if isinstance(outcome, InvalidSqlStatementName):
            known.clear()
            raise outcome
    return outcomes


def _call(text: str, params: Mapping[str, Any], encoding: str) -> _Call:
    statement = _prepared(text)
    values = [params[name] for name in statement.params]
    return _Call(statement, [_dumped(value, encoding) for value in values], [*map(_type, values)])


def _type(value: Any) -> int:
    if isinstance(value, bool):
        return _BOOL
    return _BIGINT if isinstance(value, int) else _UNKNOWN


def _dumped(value: bool | int | str | None, encoding: str) -> bytes | None:
    if value is None:
        return None
    if not isinstance(value, str):
        return str(value).encode()
    if "\0" in value:
        raise ValueError("PostgreSQL text fields cannot contain NUL (0x00) bytes")
    return value.encode(encoding)


def _run(
    pgconn: Any, known: set[bytes], transactions: Sequence[Sequence[_Call]]
) -> Sequence[Sequence[Any]]:
    """Send transactions and return the results of each."""
    new = {call.statement.name: call for calls in transactions for call in calls}
    preparing = [call for name, call in new.items() if name not in known]
    try:
        pgconn.enter_pipeline_mode()
        for call in preparing:
            # Each on its own: one that is there already is an error.
            pgconn.send_prepare(call.statement.name, call.statement.sql, call.types)
            pgconn.pipeline_sync()
        for calls in transactions:
            for call in calls:
                pgconn.send_query_prepared(call.statement.name, call.values)
            pgconn.pipeline_sync()
        results = _received(pgconn, len(preparing) + len(transactions))
        pgconn.exit_pipeline_mode()
    except BaseException:
        # The next borrower would receive the results that are left.
        pgconn.finish()
        raise
    refused: dict[bytes | None, Any] = {}
    for call, (prepared,) in zip(preparing, results, strict=False):
        if _is_prepared(prepared):
            known.add(call.statement.name)
        else:
            refused[call.statement.name] = prepared
    return [
        [
            # The reason, in the place of the error that there is no such statement.
            refused.get(name, each)
            # An error of the commit has a result of its own, after those of the statements.
            for name, each in zip_longest([call.statement.name for call in calls], found)
        ]
        for calls, found in zip(transactions, results[len(preparing) :], strict=True)
    ]


def _is_prepared(result: Any) -> bool:
    from psycopg.pq import DiagnosticField, ExecStatus

    is_there = result.error_field(DiagnosticField.SQLSTATE) == _IS_THERE_ALREADY
    return is_there or bool(result.status == ExecStatus.COMMAND_OK)


def _received(pgconn: Any, count: int) -> Sequence[Sequence[Any]]:
    """Return the results that come before each of the next ``count`` synchronisations."""
    from psycopg import OperationalError
    from psycopg.pq import ConnStatus, ExecStatus

    found: list[list[Any]] = []
    results: list[Any] = []
    waiting = select.poll()
    while len(found) < count:
        while pgconn.is_busy():
            has_more = pgconn.flush()
            waiting.register(pgconn.socket, select.POLLIN | (select.POLLOUT if has_more else 0))
            waiting.poll()
            pgconn.consume_input()
        result = pgconn.get_result()
        if result is None:
            if pgconn.status == ConnStatus.BAD:
                raise OperationalError(pgconn.get_error_message())
        elif result.status == ExecStatus.PIPELINE_SYNC:
            found.append(results)
            results = []
        else:
            results.append(result)
    return found


def _outcome(results: Sequence[Any], encoding: str) -> FirstRow | Exception:
    from psycopg.errors import error_from_result
    from psycopg.pq import ExecStatus

    for result in results:
        if result.status == ExecStatus.FATAL_ERROR:
            return error_from_result(result, encoding=encoding)
    last = results[-1]
    if not last.ntuples:
        return None
    columns = range(last.nfields)
    return tuple(_loaded(last.get_value(0, each), last.ftype(each), encoding) for each in columns)


def _loaded(value: bytes | None, kind: int, encoding: str) -> Any:
    if value is None:
        return None
    if kind in _INTEGERS:
        return int(value)
    return value == b"t" if kind == _BOOL else value.decode(encoding)
