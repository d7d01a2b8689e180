"""botocore's own model of the service, against which requests and replies are validated."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

import botocore.session

from famulus_mturk.fake.errors import MalformedRequestError, UnknownOperationError

_PYTHON_TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "long": int,
    "boolean": bool,
    "timestamp": (int, float),
    "list": list,
    "structure": dict,
}


@cache
def service_model() -> ServiceModel:
    """Return the model, which is read once, since that is slow."""
    return ServiceModel()


class ServiceModel:
    """Every operation of the API, with the shapes of its request and its reply."""

    def __init__(self) -> None:
        self._model = botocore.session.Session().get_service_model("mturk")
        self.prefix = f"{self._model.metadata['targetPrefix']}."
        self.operations = frozenset(self._model.operation_names)

    def operation(self, target: str) -> str:
        """Return the operation that the header ``X-Amz-Target`` names."""
        name = target.removeprefix(self.prefix)
        if name == target or name not in self.operations:
            raise UnknownOperationError(f"there is no operation {target!r}")
        return name

    def read_request(self, operation: str, body: Any) -> dict[str, Any]:
        """Return the parameters, with times as datetimes.

        :raises MalformedRequestError: listing everything the model does not allow.
        """
        shape = self._model.operation_model(operation).input_shape
        problems = list(_problems(shape, body, ""))
        if problems:
            raise MalformedRequestError(problems)
        read: dict[str, Any] = _read(shape, body)
        return read

    def write_reply(self, operation: str, reply: Mapping[str, Any]) -> Any:
        """Return the body to send; a reply that does not fit the model is a fault of the fake."""
        shape = self._model.operation_model(operation).output_shape
        written = _write(shape, reply)
        problems = list(_problems(shape, written, ""))
        if problems:
            raise AssertionError(f"{operation} replied {problems}")
        return written


def _problems(shape: Any, value: Any, path: str) -> Iterator[str]:
    if not _is_of_type(shape, value):
        yield f"Value at '{path}' is {type(value).__name__}, not {shape.type_name}"
    elif shape.type_name == "structure":
        yield from _member_problems(shape, value, path)
    elif shape.type_name == "list":
        for number, item in enumerate(value, start=1):
            yield from _problems(shape.member, item, f"{path}.{number}.member")
    else:
        yield from _constraint_problems(shape, value, path)


def _is_of_type(shape: Any, value: Any) -> bool:
    expected = _PYTHON_TYPES[shape.type_name]
    return isinstance(value, expected) and (expected is bool or not isinstance(value, bool))


def _member_problems(shape: Any, value: Mapping[str, Any], path: str) -> Iterator[str]:
    given = {name: item for name, item in value.items() if item is not None}
    for name in shape.required_members:
        if name not in given:
            yield f"Value null at '{_at(path, name)}': Member must not be null"
    for name, item in given.items():
        if name in shape.members:
            yield from _problems(shape.members[name], item, _at(path, name))
        else:
            yield f"Member '{_at(path, name)}' is unknown"


def _constraint_problems(shape: Any, value: Any, path: str) -> Iterator[str]:
    limits = shape.metadata
    failed = f"Value '{value}' at '{path}' failed to satisfy constraint: Member must"
    size, measured = (len(value), "length ") if isinstance(value, str) else (value, "value ")
    if "min" in limits and size < limits["min"]:
        yield f"{failed} have {measured}greater than or equal to {limits['min']}"
    if "max" in limits and size > limits["max"]:
        yield f"{failed} have {measured}less than or equal to {limits['max']}"
    if "enum" in limits and value not in limits["enum"]:
        yield f"{failed} satisfy enum value set: {limits['enum']}"
    if "pattern" in limits and not re.fullmatch(limits["pattern"], value):
        yield f"{failed} satisfy regular expression pattern: {limits['pattern']}"


def _at(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _read(shape: Any, value: Any) -> Any:
    match shape.type_name:
        case "structure":
            given = {name: item for name, item in value.items() if item is not None}
            return {name: _read(shape.members[name], item) for name, item in given.items()}
        case "list":
            return [_read(shape.member, item) for item in value]
        case "timestamp":
            return datetime.fromtimestamp(value, tz=UTC)
    return value


def _write(shape: Any, value: Any) -> Any:
    match shape.type_name:
        case "structure":
            unknown = set(value) - set(shape.members)
            if unknown:
                raise AssertionError(f"{shape.name} has no member {unknown}")
            given = {name: item for name, item in value.items() if item is not None}
            return {name: _write(shape.members[name], item) for name, item in given.items()}
        case "list":
            return [_write(shape.member, item) for item in value]
        case "timestamp":
            return value.timestamp()
    return value
