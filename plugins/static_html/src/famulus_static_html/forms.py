"""The forms of an author's page: one becomes the form of the task and contains the others.

On MTurk a worker sends one of the forms whose address is MTurk's. The first of these is the form of
the task. The others stay forms inside of it. Browsers allow this only if a script hides the outer
form from their parser, so that without scripts all fields are in one form, and none is lost.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from attrs import Factory, frozen

from famulus_static_html.attributes import value_of
from famulus_static_html.mturk import MTURK_ACTION, MTURK_FORM
from famulus_static_html.source import Source
from famulus_static_html.tokens import Kind, Token

#: In front of a form in the task's form. An end tag in <applet> makes the parser forget the form
#: that is open, which goes on.
OPEN_INSIDE = '<script>document.write("<applet hidden><\\/form><\\/applet>");</script>'
#: In place of the end tag of a form in the task's form.
CLOSE_INSIDE = '<script>document.write("<\\/form>");</script>'

_CONTROLS = frozenset({"button", "fieldset", "input", "object", "output", "select", "textarea"})
_MOST_SHOWN = 10


@frozen
class PageForm:
    """One form as browsers see it: they ignore a ``<form>`` inside of another form."""

    start: Token
    end: Token | None
    #: whether it is sent to MTurk
    is_mturks: bool

    def holds(self, token: Token) -> bool:
        """Return whether a token is inside of it."""
        return self.start.end <= token.start and (self.end is None or token.start < self.end.start)


@frozen
class OwnForms:
    """The forms of an author's page. ``doubts`` are offsets with warnings."""

    #: the offset of the start tag whose attributes hold for the task's form; None without a form
    main: int | None = None
    #: offsets of the start and end tags of forms inside of the task's form
    starts_inside: frozenset[int] = frozenset()
    ends_inside: frozenset[int] = frozenset()
    #: offsets of controls that belong to no form
    outside: frozenset[int] = frozenset()
    #: offsets of controls that are not sent to MTurk
    unsent: frozenset[int] = frozenset()
    doubts: Sequence[tuple[int, str]] = Factory(tuple)


def own_forms(source: Source, tokens: Sequence[Token]) -> OwnForms:
    """Find the forms of a page and choose the one that becomes the form of the task.

    :param tokens: the tokens outside of templates.
    """
    forms = list(_forms(source, tokens))
    if not forms:
        return OwnForms()
    main = _main(source, forms)
    if main is None:
        return OwnForms(forms[0].start.start, doubts=[_sent_together(source, forms)])
    others = [form for form in forms if form is not main]
    controls = [
        token
        for token in tokens
        if token.kind is Kind.START and token.name in _CONTROLS and not token.attribute("form")
    ]
    outside = [token for token in controls if not any(form.holds(token) for form in forms)]
    elsewhere = [form for form in others if not form.is_mturks]
    unsent = [token for token in controls if any(form.holds(token) for form in elsewhere)]
    return OwnForms(
        main=main.start.start,
        starts_inside=frozenset(form.start.start for form in others),
        ends_inside=frozenset(form.end.start for form in others if form.end),
        outside=frozenset(token.start for token in outside),
        unsent=frozenset(token.start for token in [*outside, *unsent]),
        doubts=[
            *_sent_elsewhere(source, main),
            *_never_sent(source, outside, "stand outside of the page's <form>"),
            *_never_sent(source, unsent, "stand in a <form> that does not lead to MTurk"),
        ],
    )


def is_mturks(source: Source, form: Token) -> bool:
    """Return whether a form is sent to MTurk."""
    return MTURK_ACTION.lower() in value_of(source, form, "action").lower()


def _forms(source: Source, tokens: Sequence[Token]) -> Iterator[PageForm]:
    start: Token | None = None
    for token in tokens:
        if token.name != "form":
            continue
        if token.kind is Kind.START:
            start = start or token
        elif start is not None:
            yield PageForm(start, token, is_mturks(source, start))
            start = None
    if start is not None:
        yield PageForm(start, None, is_mturks(source, start))


def _main(source: Source, forms: Sequence[PageForm]) -> PageForm | None:
    """Return the form of the task; None if several forms could be it, and none is MTurk's."""
    if len(forms) == 1:
        return forms[0]
    named = [
        form
        for form in forms
        if MTURK_FORM in (value_of(source, form.start, "id"), value_of(source, form.start, "name"))
    ]
    mturks = [form for form in forms if form.is_mturks]
    both = [form for form in mturks if form in named]
    return next(iter([*both, *mturks, *named]), None)


def _sent_together(source: Source, forms: Sequence[PageForm]) -> tuple[int, str]:
    lines = ", ".join(str(source.line(form.start.start)) for form in forms)
    message = (
        f"the page has {len(forms)} forms (<form> on lines {lines}), none of which leads to MTurk: "
        "all their fields are sent together, and only the attributes of the first form hold; give "
        'the form that a worker sends the id "mturk_form" where only its fields are answers'
    )
    return forms[1].start.start, message


def _sent_elsewhere(source: Source, form: PageForm) -> Iterator[tuple[int, str]]:
    action = value_of(source, form.start, "action").strip()
    if action.strip("#") and not form.is_mturks:
        yield (
            form.start.start,
            f"the form's action {action} is not used: Famulus stores the answers",
        )


def _never_sent(source: Source, controls: Sequence[Token], where: str) -> Iterator[tuple[int, str]]:
    fields = [
        (token, value_of(source, token, "name"))
        for token in controls
        if token.name in ("input", "select", "textarea")
    ]
    named = [(token, name) for token, name in fields if name]
    if named:
        shown = ", ".join(
            f"{name} (line {source.line(token.start)})" for token, name in named[:_MOST_SHOWN]
        )
        more = f" and {len(named) - _MOST_SHOWN} more" if len(named) > _MOST_SHOWN else ""
        yield (
            named[0][0].start,
            f"these fields {where}, and so are not sent: {shown}{more}; move them into the form",
        )
