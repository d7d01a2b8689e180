"""Workers, one thread each, who go on when the server is killed."""

from __future__ import annotations

import random
import secrets
import threading
import urllib.parse

from campaign.browsing import ask
from campaign.platforms import Crowd, Entrance

#: Seconds a person thinks at the most.
_THINKING = 0.3
_NOTHING_TO_DO = 0.1


class Person(threading.Thread):
    """A worker who does units until none is left."""

    def __init__(self, crowd: Crowd, name: str, url: str, over: threading.Event, seed: str) -> None:
        super().__init__(name=name, daemon=True)
        self._crowd, self._url, self._over = crowd, url, over
        self._chance = random.Random(f"{seed} {name}")
        #: submission id -> answer, for each "your answers are stored" that was read
        self.acknowledged: dict[str, str] = {}
        #: answers that the server should never give
        self.unexpected: list[str] = []

    def run(self) -> None:
        """Work until the end, or until there is nothing left to do."""
        while not self._over.is_set():
            way = self._crowd.enter(self.name)
            if way is None:
                self._over.wait(_NOTHING_TO_DO)
            elif not self._work(way):
                return

    def _work(self, way: Entrance) -> bool:
        """Do one unit; return whether there may be more."""
        page = ask(f"{self._url}?{urllib.parse.urlencode(way.query)}", self._over)
        if page.status == 200:
            self._submit(way, page.action, page.hidden)
            return True
        if page.status == 403:
            self._crowd.leave(self.name, way)
            self._over.wait(_NOTHING_TO_DO)
            return "code: all_done" not in page.text
        if page.status:
            self.unexpected.append(f"arrival: {page.status}: {page.words}")
        return True

    def _submit(self, way: Entrance, action: str, hidden: dict[str, str]) -> None:
        self._over.wait(self._chance.uniform(0, _THINKING))
        answer = secrets.token_hex(8)
        page = ask(action, self._over, {**hidden, "answer": answer})
        if page.status == 200 and "Your answers are stored" in page.text:
            self.acknowledged[hidden["famulus_submission"]] = answer
            self._crowd.submit(self.name, way)
        elif page.status:
            self.unexpected.append(f"submission: {page.status}: {page.words}")
