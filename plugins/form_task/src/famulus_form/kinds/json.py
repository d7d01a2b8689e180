"""An answer in JSON, for values that no other kind of question can express."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any, ClassVar, NoReturn

from attrs import frozen

import famulus
from famulus_form.catalogue import _
from famulus_form.question import Answers, Question
from famulus_form.sent import Sent, WrongAnswer
from famulus_form.texts import Piece

#: Characters of a key in a sentence.
_LONGEST_KEY = 50


@frozen(kw_only=True)
class Json(Question):
    """Any value in JSON; the answer is the value."""

    type: ClassVar[str] = "json"

    lines: int = famulus.option(help="Height of the field, in lines.", default=5)
    keys: list[str] = famulus.option(
        help="Keys that the value must have; it has to be an object then.", factory=list
    )

    def read(self, sent: Sent) -> dict[str, Any]:
        text = sent.text(self.name)
        if not text:
            return self.missing()
        try:
            value = json.loads(text, parse_constant=_refuse, object_pairs_hook=_object)
            json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
        except json.JSONDecodeError as error:
            raise WrongAnswer(
                # Translators: {reason} is in English
                _(
                    "Please correct the JSON: {reason} (line {line}, column {column}).",
                    reason=error.msg,
                    line=error.lineno,
                    column=error.colno,
                )
            ) from None
        except (ValueError, RecursionError):
            message = _("Please correct the JSON: it holds what JSON cannot have.")
            raise WrongAnswer(message) from None
        if self.keys:
            self._check_keys(value)
        return {self.name: value}

    def _check_keys(self, value: Any) -> None:
        if not isinstance(value, dict):
            raise WrongAnswer(_('Please write an object, such as {"key": "value"}.'))
        lacking = [key for key in self.keys if key not in value]
        if lacking:
            # Translators: {keys} is a list of names in a text for programs
            raise WrongAnswer(_("Please add what is missing: {keys}.", keys=", ".join(lacking)))

    def values(self, answers: Answers) -> list[str]:
        if answers.get(self.name) is None:
            return []
        return [json.dumps(answers[self.name], ensure_ascii=False)]

    def fields(self, answers: Answers) -> list[tuple[str, str]]:
        if answers.get(self.name) is None:
            return []
        return [(self.name, json.dumps(answers[self.name], ensure_ascii=False, indent=2))]

    def control(self) -> list[Piece]:
        return [
            f'<textarea class="fq-code" id="{self.id}-input" name="{self.name}"'
            f' rows="{self.lines}" spellcheck="false" autocapitalize="off"'
            f"{self.needed()}{self.described()}></textarea>"
        ]


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        [(key, _times)] = Counter(key for key, _value in pairs).most_common(1)
        shown = famulus.escaped_line(key, _LONGEST_KEY)
        raise WrongAnswer(
            _("Please correct the JSON: it has the key {key} more than once.", key=shown)
        )
    return found


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
