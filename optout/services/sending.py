"""The sender: from the queue to CONFIRMATION_URL, several at once, never inside a transaction."""

from __future__ import annotations

import logging
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from optout.services.courier import ATTEMPT_SECONDS, body_of, deliver
from optout.services.endpoints import endpoint_with_secret
from optout.services.outgoing import Letter, claim, give_up_late, settle
from registry.errors import DomainError

logger = logging.getLogger(__name__)

# The receiver's share of a slow minute, and of our memory.
AT_ONCE = 16
LOGGED_AT_ONCE = 500


class Sender:
    """Gives what waits to `url` or, where that is '', to the log. Belongs to one thread; those that it starts ask no
    database. What it did not note before its end is sent again, under the same id.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="courier")
        self._under_way: dict[Future[str], Letter] = {}
        self._trouble = ""

    def turn(self) -> int:
        """Note what has ended, give up what is late, begin what is due; return how many began."""
        self._note()
        if late := give_up_late():
            logger.error("%s messages to people were not sent in time.", late)
        return self._begin() if self._url else self._log()

    def rest(self, seconds: float) -> bool:
        """Wait until an attempt has ended, at most so long; False at once where none is under way."""
        wait(self._under_way, timeout=seconds, return_when=FIRST_COMPLETED)
        return bool(self._under_way)

    def close(self) -> None:
        """Let what is under way end, and note it."""
        wait(self._under_way, timeout=ATTEMPT_SECONDS)
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._note()

    def _begin(self) -> int:
        try:
            _, secret = endpoint_with_secret("generic")
        except DomainError as error:
            self._say(error.detail)
            return 0
        free = AT_ONCE - len(self._under_way)
        letters = claim(free) if free else []
        for letter in letters:
            attempt = self._threads.submit(deliver, self._url, body_of(letter), secret=secret)
            self._under_way[attempt] = letter
        return len(letters)

    def _note(self) -> None:
        """An attempt is forgotten once the database knows what became of it."""
        ended = [(attempt, letter) for attempt, letter in self._under_way.items() if attempt.done()]
        if not ended:
            return
        sent = [letter for attempt, letter in ended if not attempt.result()]
        settle(sent, [letter for attempt, letter in ended if attempt.result()])
        for attempt, _ in ended:
            del self._under_way[attempt]
        self._say("" if sent else ended[0][0].result())

    def _log(self) -> int:
        letters = claim(LOGGED_AT_ONCE)
        for letter in letters:
            to = letter.recipient.masked()
            logger.info("%s %s from %s to %s: %s", letter.kind, letter.id, letter.port, to, letter.words)
        settle(letters, [])
        return len(letters)

    def _say(self, trouble: str) -> None:
        """One line when messages cease to be taken or the reason changes, one when they are taken again."""
        if trouble and trouble != self._trouble:
            logger.warning("Messages to people are not taken and wait: %s", trouble)
        elif self._trouble and not trouble:
            logger.info("Messages to people are taken again.")
        self._trouble = trouble
