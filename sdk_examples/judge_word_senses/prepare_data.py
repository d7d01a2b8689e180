"""Make data/senses.csv, and the licence beside it, from the WordNet 3.0 database.

Usage: ``python prepare_data.py FOLDER``, where FOLDER holds the database files of WordNet 3.0
(``data.noun``, ``index.noun`` and the same for verb, adj and adv; their format is described in
WordNet's manual page wndb(5)). Debian's package ``wordnet-base`` brings them, and so does
Princeton's own distribution, in its folder ``dict``. The same database makes the same file.

A row asks whether a sentence uses a word in a given sense. Sentences are WordNet's own examples.
Most rows show the definition the sentence was written for (``pairing`` is ``own``); about a fifth
show that of another common sense of the same word (``other``), so that careless work can be
distinguished from good work. The page never shows that column.
"""

from __future__ import annotations

import csv
import random
import re
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from attrs import asdict, fields, frozen

SEED = 2006
SHARE_OF_OTHERS = 0.2
ROWS = {"noun": 110, "verb": 100, "adj": 65, "adv": 25}
PART_OF_SPEECH = {"noun": "noun", "verb": "verb", "adj": "adjective", "adv": "adverb"}
SENTENCE_LENGTH = range(28, 111)
DEFINITION_LENGTH = range(12, 121)

#: Beginnings of words that keep a row out: what not everyone wants to read for a few cents, and
#: kinds of people, of whom a sentence without its context easily sounds unkind.
UNWANTED = re.compile(
    r"\b(?:"
    r"abort|abus|accus|addict|afflict|aggress|alcohol|army|arrest|assault|attack|battle|beat|"
    r"believ|blast|blind|blood|bomb|bosom|bowel|boys?\b|breast|bribe|brothel|brutal|bullet|"
    r"bull ring|buried|cancer|casualt|cease-fire|cheat|chok|church|coffin|colon[iy]|comatose|"
    r"combat|communis|condemn|conservatis|convict|corps|crash|crim|cripple|cruel|culprit|curs|"
    r"damn|daughter up|dead|death|debauch|deceiv|defeat|democrat|demon|deprav|destr|devastat|"
    r"devil|die[sd]?\b|disease|divin|drank|drown|drug|drunk|dying|enem|erotic|evil|excre|execut|"
    r"expos|famine|fascis|fat[ah]l|fat\b|feces|fetus|fight|fire[ds]\b|flesh|flirt|fool|foreign|"
    r"fought|fugitive|fur(?:y|ious)|genital|ghetto|girl|god|good looks|grave\b|guerrilla|gun|"
    r"hang|harm|hate|heathen|hell\b|hit\b|holocaust|homeless|homicid|hostage|hostil|hunt|hurt|"
    r"husband|idiot|illegal|illness|immigra|immoral|indecent|injur|insan|insult|intercourse|"
    r"intestin|jail|jew|judais|kill|kiss|lewd|lonely|lover|lust|lynch|mad\b|make children|marri|"
    r"men\b|militar|misery|missing|moonshine|mother|murder|mutilat|naked|neuro[st]|nightmare|"
    r"nud[ei]|obscen|offen|opium|oppress|orthodox|pagan|paraly[sz]|peasant|penalt|penetrat|"
    r"pervert|poison|politic|poor|population growth|porn|poverty|prayer|pregnan|priest|prison|"
    r"problem child|profan|progesterone|prophet|prostitut|puke|punish|races?\b|racia?[ls]|"
    r"radioactiv|raid|rape|rebel|refugee|relig|reproduc|republican|retribution|riot|rip off|robb|"
    r"ruthless|sacred|savage|scar[rs]|scream|secret service|seduc|sex|shoot|sinn?\b|sinn?er|skin|"
    r"slave|smack|smug|soldier|spy|stab|stare|starv|steal|stole|strangl|stupid|suffer|suicid|"
    r"supernatural|swindl|terror|theft|thie[fv]|threat|torment|tortur|toxic|traitor|troop|tumor|"
    r"ugly|ulcer|unfaithful|urin|victim|violen|virgin|viril|vomit|vulgar|war\b|warrior|weapon|"
    r"welfare|whip|wife|witch|wom[ae]n|wound)",
    re.IGNORECASE,
)
#: A name of a person or a place: a capital letter that opens neither the sentence nor "I".
NAME = re.compile(r"(?<!^)\b(?!I\b)[A-Z]")
QUOTED = re.compile(r'"([^"]+)"')
#: An example with its author after it is a quotation from a book.
ATTRIBUTED = re.compile(r'"\s*-')


@frozen
class Sense:
    """One synset of the database, as far as a row needs it."""

    synset: str
    topic: int
    definition: str
    sentences: tuple[str, ...]


@frozen(kw_only=True)
class Row:
    """One row of the file. The sentence is ``before``, ``target`` and ``after`` put together."""

    word: str
    part_of_speech: str
    before: str
    target: str
    after: str
    definition: str
    pairing: str
    definition_synset: str
    sentence_synset: str


def read_senses(folder: Path, kind: str) -> dict[str, Sense]:
    """Return the synsets of ``data.KIND`` by their offset, which is their name in the index."""
    senses = {}
    for line in database_lines(folder / f"data.{kind}"):
        numbers, _, gloss = line.partition(" | ")
        offset, topic, letter = numbers.split()[:3]
        quotes = () if ATTRIBUTED.search(gloss) else tuple(QUOTED.findall(gloss))
        definition = re.sub(r";(?=\S)", "; ", gloss.partition('"')[0].strip(" ;:,"))
        letter = letter.replace("s", "a")
        senses[offset] = Sense(f"{offset}-{letter}", int(topic), definition, quotes)
    return senses


def read_common_senses(folder: Path, kind: str) -> dict[str, list[str]]:
    """Return the offsets of each word's senses that occur in WordNet's tagged texts, common first.

    Words that have only one such sense leave nothing to judge and are not among them.
    """
    common = {}
    for line in database_lines(folder / f"index.{kind}"):
        word, _, count, pointers, *rest = line.split()
        offsets, tagged = rest[-int(count) :], int(rest[int(pointers) + 1])
        if word.isalpha() and len(word) > 2 and tagged > 1:
            common[word] = offsets[:tagged]
    return common


def database_lines(path: Path) -> Iterator[str]:
    """Yield the entries of a database file; the lines of its licence start with a space."""
    with path.open(encoding="utf-8") as lines:
        yield from (line.rstrip() for line in lines if not line.startswith(" "))


def read_licence(folder: Path) -> str:
    """Return the licence that opens every file of the database, without its line numbers."""
    with (folder / "data.noun").open(encoding="utf-8") as lines:
        texts = [re.sub(r"^ +\d+ ?", "", line).rstrip() for line in lines if line.startswith(" ")]
    return "\n".join(texts) + "\n"


def split_sentence(sentence: str, word: str) -> tuple[str, str, str] | None:
    """Split a sentence around the word or a regular form of it; None unless it occurs just once."""
    stem, short = word.removesuffix("e"), word.removesuffix("y")
    forms = rf"(?<![\w-])(?:{word}(?:s|es|d|ed|ing)?|{stem}ing|{short}ie[sd])(?![\w-])"
    found = list(re.finditer(forms, sentence, re.IGNORECASE))
    if len(found) != 1:
        return None
    start, end = found[0].span()
    return sentence[:start], sentence[start:end], sentence[end:]


def is_readable(sentence: str) -> bool:
    """Return whether a sentence is long enough to judge, short enough to read, and decent."""
    return (
        len(sentence) in SENTENCE_LENGTH
        and len(sentence.split()) > 4
        and not re.search(r"[()_`]|\.\.", sentence)
        and not NAME.search(sentence)
        and not UNWANTED.search(sentence)
    )


def is_usable(definition: str, word: str) -> bool:
    """Return whether a definition can be shown: whole, decent, and in other words."""
    return (
        len(definition) in DEFINITION_LENGTH
        and definition.count("(") == definition.count(")")
        and "`" not in definition
        and not UNWANTED.search(definition)
        and not re.search(rf"\b{word[:5]}", definition, re.IGNORECASE)
    )


def are_far_apart(one: Sense, other: Sense) -> bool:
    """Return whether two senses share no long word, and no topic where WordNet has topics."""
    has_topics = one.synset[-1] in "nv"
    words = [set(re.findall(r"\w{4,}", sense.definition.lower())) for sense in (one, other)]
    return not (has_topics and one.topic == other.topic) and words[0].isdisjoint(words[1])


def row_of(word: str, kind: str, senses: list[Sense]) -> Row | None:
    """Make the word's row; None without a sentence to show or a sense far from that sentence's."""
    chance = luck_of(word, "row")
    usable = [sense for sense in senses if is_usable(sense.definition, word)]
    shown = [
        (sense, parts)
        for sense in usable
        for sentence in sense.sentences
        if is_readable(sentence) and (parts := split_sentence(sentence, word))
    ]
    if not shown:
        return None
    sense, (before, target, after) = chance.choice(shown)
    far = [other for other in usable if are_far_apart(sense, other)]
    if not far:
        return None
    pairing = "other" if chance.random() < SHARE_OF_OTHERS else "own"
    defined = chance.choice(far) if pairing == "other" else sense
    return Row(
        word=word,
        part_of_speech=PART_OF_SPEECH[kind],
        before=before,
        target=target,
        after=after,
        definition=defined.definition,
        pairing=pairing,
        definition_synset=defined.synset,
        sentence_synset=sense.synset,
    )


def luck_of(word: str, purpose: str) -> random.Random:
    """Return random numbers seeded by the word, so that rows do not depend on other words."""
    return random.Random(f"{SEED} {purpose} {word}")


def draw(folder: Path, kind: str) -> Iterator[Row]:
    """Yield one row for each word of a part of speech that allows one, in the order of luck."""
    senses = read_senses(folder, kind)
    common = read_common_senses(folder, kind)
    for word in sorted(common, key=lambda word: luck_of(word, "draw").random()):
        row = row_of(word, kind, [senses[offset] for offset in common[word]])
        if row is not None:
            yield row


def draw_all(folder: Path) -> list[Row]:
    """Draw the rows of all parts of speech and mix them; no word comes twice."""
    rows: dict[str, Row] = {}
    for kind, count in ROWS.items():
        fresh = (row for row in draw(folder, kind) if row.word not in rows)
        rows.update((row.word, row) for row in islice(fresh, count))
    return sorted(rows.values(), key=lambda row: luck_of(row.word, "place").random())


def main(folder: Path, target: Path) -> None:
    """Write the rows and the licence into the folder ``target``."""
    rows = draw_all(folder)
    with (target / "senses.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Row)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(map(asdict, rows))
    (target / "LICENSE-WordNet.txt").write_text(read_licence(folder), encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(f"usage: python {sys.argv[0]} FOLDER")
    main(Path(sys.argv[1]), Path(__file__).parent / "data")
