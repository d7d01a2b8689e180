"""Addresses of PostgreSQL databases: parsed in their common spellings, shown without secrets.

When libpq cannot parse an address, its error quotes a part of it, often the password. Addresses are
therefore parsed here and passed to libpq as parameters, and errors quote nothing near a password.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import NoReturn
from urllib.parse import quote, unquote

from attrs import field, frozen

from famulus.errors import UsageError

SPELLING = "postgresql://USER:PASSWORD@HOST:PORT/NAME"

_URL = re.compile(r"postgres(?:ql)?(?:\+\w+)?://(.*)", re.IGNORECASE | re.DOTALL)
_OTHER_URL = re.compile(r"[A-Za-z][\w.+-]*://")
#: A misspelt URL, or one with more around it, such as ``psql`` or ``DATABASE_URL=``.
_NEARLY_URL = re.compile(
    r"^(jdbc:\s*)?postgres(ql)?(\+\w+)?:|postgres(ql)?(\+\w+)?:/|//[^\s/@]*:[^@]*@", re.IGNORECASE
)
_NO_SCHEME = re.compile(r"[^\s/:@]+:.*@[^\s/]", re.DOTALL)
_QUOTED = re.compile(r"([\"'])(.*)\1", re.DOTALL)
#: Keywords of libpq, as ``host=… password=…``.
_KEYWORDS = re.compile(
    r"\s*\w+\s*=.*|.*(?:^|[\s\"'])(?:password|passfile|dbname|hostaddr)\s*=.*",
    re.IGNORECASE | re.DOTALL,
)
_KNOWN_KEYWORD = re.compile(
    r"(?:^|[\s\"'])(?:host|hostaddr|port|dbname|user|password|passfile|service|sslmode)\s*=",
    re.IGNORECASE,
)
_PAIR = re.compile(r"\s*(\w+)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|((?:[^\s'\\]|\\.)*))(?=\s|$)", re.DOTALL)
_SIMPLE_HOST = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+(%\w+)?")
_SECRET = re.compile("password|secret|scram", re.IGNORECASE)
_ESCAPES = "in a password % is written %25, : %3A, / %2F, ? %3F, # %23 and @ %40"


@frozen
class PostgresAddress:
    """The address of a PostgreSQL database, as libpq's parameters."""

    params: Mapping[str, str] = field(repr=False)

    @property
    def url(self) -> str:
        """The address as a URL that libpq reads, with its secrets."""
        return _url(self.params)

    @property
    def shown(self) -> str:
        """The address as a URL without secrets, for messages and command lines."""
        return _url(
            {
                name: "…" if _SECRET.search(name) else value
                for name, value in self.params.items()
                if name != "password"
            }
        )

    @property
    def other_secrets(self) -> list[str]:
        """The names of secrets other than the password."""
        return [name for name in self.params if name != "password" and _SECRET.search(name)]


def postgres_address(text: str) -> PostgresAddress | None:
    """Parse the address of a PostgreSQL database; return None for an address of another kind.

    :raises famulus.UsageError: for a PostgreSQL address that cannot be parsed.
    """
    text = text.strip()
    quoted = _QUOTED.fullmatch(text)  # files of variables keep the quotes in some programs
    text = quoted[2].strip() if quoted else text
    url = _URL.fullmatch(text)
    if url:
        return _address(_from_url(url[1]))
    if _KEYWORDS.fullmatch(text) and _KNOWN_KEYWORD.search(text):
        return _address(_from_keywords(text))
    if not _OTHER_URL.match(text) and (_NEARLY_URL.search(text) or _NO_SCHEME.match(text)):
        _refuse("it is not a URL")
    return None


def _address(params: Mapping[str, str]) -> PostgresAddress:
    # libpq treats an empty value as not given.
    return PostgresAddress(MappingProxyType({key: one for key, one in params.items() if one}))


def _from_url(rest: str) -> dict[str, str]:
    before, _, query = rest.partition("?")
    authority, _, name = before.partition("/")
    userinfo, _, hosts = authority.rpartition("@")
    user, _, password = userinfo.partition(":")
    if "@" in name:
        _refuse("there is an @ after the first /")
    params = {**_hosts(hosts), "user": user, "password": password, "dbname": name.rstrip("/")}
    for pair in filter(None, query.split("&")):
        key, equals, value = pair.partition("=")
        if not equals or not re.fullmatch(r"\w+", key):
            _refuse("the part after the ? is not a list of options")
        if "@" in value and not _SECRET.search(key):
            _refuse("there is an @ after the ?")
        params[key] = value
    return {key: _decoded(value) for key, value in params.items()}


def _hosts(text: str) -> dict[str, str]:
    hosts, ports = [], []
    for one in text.split(",") if text else []:
        bracketed = re.fullmatch(r"\[([^\[\]]+)\](?::(\d*))?", one)
        plain = re.fullmatch(r"([^\[\]:]*)(?::(\d*))?", one)
        found = bracketed or plain
        if found is None:
            _refuse("the host or the port is misspelt")
        hosts.append(found[1])
        ports.append(found[2] or "")
    return {"host": ",".join(hosts), "port": ",".join(ports) if any(ports) else ""}


def _from_keywords(text: str) -> dict[str, str]:
    params: dict[str, str] = {}
    end = 0
    while text[end:].strip():
        pair = _PAIR.match(text, end)
        if pair is None:
            _refuse("it is not a list of KEYWORD='VALUE'")
        value = pair[2] if pair[2] is not None else pair[3]
        params[pair[1].lower()] = re.sub(r"\\(.)", r"\1", value, flags=re.DOTALL)
        end = pair.end()
    if "\0" in text:
        _refuse("it contains a zero byte")
    return params


def _decoded(text: str) -> str:
    """Decode percent-encoding; a percent sign that encodes nothing is kept."""
    decoded = unquote(text, errors="surrogateescape")
    if "\0" in decoded:
        _refuse("it contains a zero byte")
    return decoded


def _url(params: Mapping[str, str]) -> str:
    rest = dict(params)
    user, password = rest.pop("user", ""), rest.pop("password", None)
    userinfo = _quoted(user) + ("" if password is None else f":{_quoted(password)}")
    host, port, name = rest.get("host", ""), rest.get("port", ""), rest.pop("dbname", "")
    place = ""
    if _SIMPLE_HOST.fullmatch(host) and (not port or port.isdecimal()):
        place = f"[{quote(host, safe=':')}]" if ":" in host else host
        place += f":{port}" if port else ""
        rest.pop("host", None)
        rest.pop("port", None)
    authority = f"{userinfo}@{place}" if userinfo else place
    query = "&".join(f"{key}={_quoted(value)}" for key, value in rest.items())
    return f"postgresql://{authority}/{_quoted(name)}" + (f"?{query}" if query else "")


def _quoted(text: str) -> str:
    return text if text == "…" else quote(text, safe="", errors="surrogateescape")


def _refuse(reason: str) -> NoReturn:
    raise UsageError(
        f"the address of the PostgreSQL database cannot be read: {reason}; write {SPELLING} "
        f"({_ESCAPES})"
    )
