"""What a mail server's refusal is about: the recipient of one email, or us.

Only the first is for ever. All else (who we are, what we may send, how we greeted, what it thinks
of the content) is a matter of the set-up: it can be mended, so the email waits.
"""

import re

# RFC 3463, and the IANA registry of enhanced status codes. Of the first subject, addresses, some
# details are the sender's (5.1.7, 5.1.8); of the second, mailboxes, Microsoft's own are.
_STATUS = re.compile(r"(?<![\d.])5\.(\d{1,3})\.(\d{1,3})(?!\.?\w)")
_ADDRESSES, _MAILBOXES = 1, 2
_OF_THE_RECIPIENT = {1, 2, 3, 4, 6, 10}
_MAILBOX_DETAILS = range(5)
_VAGUE = {(0, 0), (1, 0), (5, 0)}  # "something else"; then the words decide, as without a status
_ADDRESS_OR_HOST = re.compile(r"<[^<>]*>|\S*@\S*|\b(?:[\w-]+\.)+[a-z]{2,}\b")
_US = re.compile(
    r"\bsenders?\b|send.?as|originator|mail from|(from|return|reply).(address|header|path)|"
    r"\bh?ehlo\b|\bhelo\b|authenti|authori[sz]|\bauth\b|log.?in|credential|relay|"
    r"client (host|address)|\b(spf|dkim|dmarc|dnsbl|rbl)\b|black.?list|block.?list|reputation|"
    r"\bsubmission\b|verified",
    re.IGNORECASE,
)
_RECIPIENT = re.compile(
    r"(no such|unknown|invalid|not a valid|non.?existent) "
    r"(local )?(user|recipient|mailbox|address|account|person)|"
    r"(user|recipient|mailbox|account|address)( \w+)?( is)? (unknown|unavailable|disabled|"
    r"inactive|suspended|full|invalid|not (found|known|exist))|"
    r"(user|recipient|mailbox|account|address) (doesn.t|does not) (exist|have)|"
    r"no (mailbox|user|account) (here|by|of|with)|over ?quota|quota exceeded|"
    r"mailbox (not found|for .* exceeded)",
    re.IGNORECASE,
)


def is_about_recipient(answer: str, *, sender: str, to: str) -> bool:
    """Whether a lasting refusal (5xx) means this recipient alone; in doubt it does not."""
    said = answer.lower()
    if sender.lower() in said and to.lower() not in said:
        return False
    words = " ".join(_ADDRESS_OR_HOST.sub(" ", answer).split())
    if _US.search(words):
        return False
    found = _STATUS.search(answer)
    status = (int(found[1]), int(found[2])) if found else (0, 0)
    if status in _VAGUE:
        return _RECIPIENT.search(words) is not None
    subject, detail = status
    return (subject == _ADDRESSES and detail in _OF_THE_RECIPIENT) or (
        subject == _MAILBOXES and detail in _MAILBOX_DETAILS
    )
