"""The pages of docs/gallery: written by ``make gallery``, and compared by the tests."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

import famulus

if TYPE_CHECKING:
    from playwright.sync_api import Page

FOLDER = Path(__file__).parents[2] / "docs/gallery"
#: ``make gallery`` sets it.
_WRITES = bool(os.environ.get("FAMULUS_GALLERY"))
_COLOURS = 64
WIDTH = 820
_MARGIN = 16
#: Rows of the data that a page shows.
_ROWS = 4


def keep(name: str, text: str) -> None:
    """Write a page, or compare it with the one that is committed."""
    path = FOLDER / name
    if _WRITES:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text, f"run `make gallery` and look at {name}"


def keep_picture(page: Page, selector: str, name: str, most: int = 1000) -> None:
    """Take a picture of an element, and write it if pages are written.

    Those of other machines differ, since their fonts do: what has to hold is that a page is there.
    """
    page.evaluate("document.activeElement.blur()")
    box = page.locator(selector).bounding_box()
    assert box is not None
    top = box["y"] + page.evaluate("scrollY")
    area = {
        "x": max(0, box["x"] - _MARGIN),
        "y": max(0, top - _MARGIN),
        "width": min(WIDTH, box["width"] + 2 * _MARGIN),
        "height": min(most, box["height"] + 2 * _MARGIN),
    }
    taken = Image.open(BytesIO(page.screenshot(full_page=True, clip=area)))  # type: ignore[arg-type]
    small = taken.convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE)
    assert shows_something(small)
    path = FOLDER / "images" / f"{name}.png"
    if _WRITES:
        path.parent.mkdir(parents=True, exist_ok=True)
        small.save(path, optimize=True)
    with Image.open(path) as kept:
        assert shows_something(kept)


def shows_something(picture: Image.Image) -> bool:
    """Return whether a picture is not all of one colour, or nearly so."""
    pixels = picture.convert("L").histogram()
    return max(pixels) < 0.995 * sum(pixels)


def kind_page(kind: str, summary: str, declaration: str, answers: Any, picture: str) -> str:
    return f"""# {kind}

{summary}

![{picture}](../images/kind-{kind}.png)

```yaml
questions:{declaration.rstrip()}
```

What is exported:

```json
{exported(answers)}
```

[Forms](../../how-to/forms.md#kinds) explains the keys. [All pages of the gallery](../README.md)
"""


def study_page(template: famulus.TaskTemplate, answers: Any) -> str:
    title, _, rest = (template.folder / "README.md").read_text(encoding="utf-8").partition("\n\n")
    about = rest.partition("\n\n")[0]
    data = (template.folder / "data.csv").read_text(encoding="utf-8").splitlines()
    return f"""{title}

{about}

    famulus new task --from {template.name}

![The page of a worker, filled in](../images/study-{template.name}.png)

## form.yaml

```yaml
{(template.folder / "form.yaml").read_text(encoding="utf-8").rstrip()}
```

## config.yaml

```yaml
{(template.folder / "config.yaml").read_text(encoding="utf-8").rstrip()}
```

## data.csv

```csv
{chr(10).join(data[: _ROWS + 1])}
```

## What is exported

The answers to the first row, which are filled in above:

```json
{exported(answers)}
```

[All pages of the gallery](../README.md)
"""


def index_page(
    kinds: Iterable[tuple[str, str]],
    things: Iterable[tuple[str, str]],
    studies: Iterable[famulus.TaskTemplate],
) -> str:
    kind_rows, thing_rows = (
        "\n".join(f"| [{kind}](kinds/{kind}.md) | {text} |" for kind, text in listed)
        for listed in (kinds, things)
    )
    study_rows = "\n".join(
        f"| [{each.name}](studies/{each.name}.md) | {each.summary} |" for each in studies
    )
    return f"""<!-- Made by `make gallery`, as all pages here. -->

# Gallery

What [forms](../how-to/forms.md) look like, how they are declared, and what is exported. A test
works on each in a browser, and compares the answers with those on these pages.

## Studies

Each is a folder with a form, a configuration and data, which `famulus new task --from NAME` copies:

    famulus new task --list
    famulus new task --from sentiment
    famulus launch sentiment/config.yaml

| study | what workers do |
| --- | --- |
{study_rows}

## Kinds of question

| type | the answer |
| --- | --- |
{kind_rows}

## What questions are about

Any question can `show` texts, images, audio and video. For audio and images, see the studies.

| a question about | |
| --- | --- |
{thing_rows}
"""


def exported(answers: Any) -> str:
    """Return answers as JSON, each mark on a line of its own."""
    lines = [f"  {json.dumps(name)}: {_value(value)}" for name, value in answers.items()]
    return "{\n" + ",\n".join(lines) + "\n}"


def _value(value: Any) -> str:
    if isinstance(value, list) and value and isinstance(value[0], dict):
        items = ",\n".join(f"    {json.dumps(each, ensure_ascii=False)}" for each in value)
        return f"[\n{items}\n  ]"
    return json.dumps(value, ensure_ascii=False)
