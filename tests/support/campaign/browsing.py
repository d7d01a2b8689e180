"""A browser with the page's script, which repeats a request until its answer is final."""

from __future__ import annotations

import html
import http.client
import re
import threading
import urllib.error
import urllib.parse
import urllib.request

from attrs import frozen

#: Seconds a request may take; a server that has died leaves its connections open for less.
_TIMEOUT = 20.0
_PAUSE = 0.05
_HIDDEN = re.compile(r'name="(famulus_\w+)" value="([^"]*)"')
_MARKUP = re.compile(r"<(style|script)\b.*?</\1>|<[^>]*>", re.DOTALL)
_ACTION = re.compile(r'<form[^>]*\baction="([^"]*submit[^"]*)"')

_PART = b'--cut-here\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'
_END = b"--cut-here--\r\n"


@frozen(kw_only=True)
class Page:
    """A final answer of the server; ``status`` is 0 where none came before the end."""

    url: str
    status: int
    text: str = ""

    @property
    def words(self) -> str:
        """What a person reads."""
        return " ".join(html.unescape(_MARKUP.sub(" ", self.text)).split())

    @property
    def hidden(self) -> dict[str, str]:
        """The hidden fields of the task's form."""
        return dict(_HIDDEN.findall(self.text))

    @property
    def action(self) -> str:
        """The absolute address that the task's form is sent to."""
        found = _ACTION.search(self.text)
        assert found is not None, self.text
        return urllib.parse.urljoin(self.url, html.unescape(found[1]))


def ask(url: str, over: threading.Event, form: dict[str, str] | None = None) -> Page:
    """Send a request, with a form as browsers do, until there is a final answer or it is over."""
    request = urllib.request.Request(url)
    if form is not None:
        request.data = (
            b"".join(_PART % (name.encode(), form[name].encode()) for name in form) + _END
        )
        request.add_header("Content-Type", "multipart/form-data; boundary=cut-here")
    while not over.is_set():
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT) as reply:
                return Page(url=url, status=reply.status, text=reply.read().decode())
        except urllib.error.HTTPError as error:
            with error:
                if error.code != 503:
                    return Page(url=url, status=error.code, text=error.read().decode())
        except (OSError, http.client.HTTPException):
            pass  # the server is down, or went down in the middle of a reply
        over.wait(_PAUSE)
    return Page(url=url, status=0)
