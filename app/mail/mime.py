"""What goes over the wire: an email as a message of RFC 5322, and by what name we come."""

import re
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import parseaddr

from app.kit.addresses import ascii_domain
from app.kit.errors import WrongAddress
from app.kit.logos import Logo
from app.mail.message import Posted, one_line

# Seven bits and short lines whatever is in the text: every server takes that unchanged.
ENCODING = "quoted-printable"


SENDER_EXAMPLE = "My site <login@example.com>"
# A name with a dot, for servers refuse any other (RFC 5321 4.1.4), or an address in brackets.
_GREETING = re.compile(
    r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])|"
    r"\[(?:IPv6:)?[0-9a-f.:]+\]",
    re.IGNORECASE,
)
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_TO_BE_QUOTED = re.compile(r'[,;:@"()\[\]<>\\]')


def is_greeting(text: str) -> bool:
    """Whether a mail server takes ``text`` as the name of who comes."""
    return _GREETING.fullmatch(text) is not None


def sender_address(mail_from: str) -> str:
    """Return the address in ``login@example.com`` or ``Name <login@example.com>``.

    Raises:
        ValueError: it is neither; the message says how to write it.
    """
    text = mail_from.strip()
    name, bracket, rest = text.rpartition("<")
    if text[:1] in {'"', "'"} and text[-1] == text[0]:
        raise ValueError(f"remove the quotes around the whole value: {SENDER_EXAMPLE}")
    if not bracket:
        return text
    if not _QUOTED.fullmatch(name.strip()) and _TO_BE_QUOTED.search(name):
        raise ValueError(
            "has a name that contains one of , ; : @ ( ) [ ]. Put the name in quotes, like "
            '"Smith, Anna" <login@example.com>'
        )
    if not rest.endswith(">"):
        raise ValueError(f"must be like login@example.com or {SENDER_EXAMPLE}")
    return rest.removesuffix(">")


def sender_of(mail_from: str) -> Address:
    """Return whom ``MAIL_FROM`` names."""
    name, address = parseaddr(mail_from)
    return mailbox(address, name)


def mailbox(address: str, name: str = "") -> Address:
    """Return an address as servers take it: its domain in ASCII.

    Raises:
        WrongAddress: it is none, or its domain has no such form.
    """
    local, _, domain = ascii_domain(address).rpartition("@")
    if not local or not domain:
        raise WrongAddress("no_parts")
    return Address(one_line(name), local, domain)


LOGO = "cid:logo"


def compose(
    posted: Posted, *, sender: Address, to: Address, logo: Logo | None = None
) -> EmailMessage:
    """Return the message. The same email gives the same one, Message-ID and Date too.

    ``logo`` is enclosed where the HTML shows it: nothing is loaded from anywhere.
    """
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    message["To"] = to
    message["Subject"] = one_line(posted.subject)
    message["Date"] = posted.written_at
    message["Message-ID"] = f"<{posted.id}@{sender.domain}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers, please
    message["X-Auto-Response-Suppress"] = "All"
    message.set_content(posted.text, cte=ENCODING)
    message.add_alternative(posted.html, subtype="html", cte=ENCODING)
    if logo is not None and LOGO in posted.html:
        maintype, _, subtype = logo.kind.partition("/")
        html = list(message.iter_parts())[1]
        html.add_related(
            logo.content, maintype, subtype, cid="<logo>", filename=logo.name, disposition="inline"
        )
    return message
