"""What goes over the wire: a letter as a message of RFC 5322."""

from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import parseaddr

from app.kit.addresses import WrongAddress, ascii_domain
from app.kit.letter import Posted, one_line

# Seven bits and short lines whatever is in the text: every server takes that unchanged.
ENCODING = "quoted-printable"


def sender_of(mail_from: str) -> Address:
    """Return whom ``MAIL_FROM`` names: ``login@example.com`` or ``Name <login@example.com>``."""
    name, address = parseaddr(mail_from)
    return mailbox(address, name)


def mailbox(address: str, name: str = "") -> Address:
    """Return an address as servers take it: its domain in ASCII.

    Raises:
        WrongAddress: it is none, or its domain has no such form.
    """
    local, _, domain = ascii_domain(address).rpartition("@")
    if not local or not domain:
        raise WrongAddress("An email address has something before its @, and after it.")
    return Address(one_line(name), local, domain)


def compose(posted: Posted, *, sender: Address, to: Address) -> EmailMessage:
    """Return the message. The same letter gives the same one, Message-ID and Date too."""
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    message["To"] = to
    message["Subject"] = one_line(posted.letter.subject)
    message["Date"] = posted.written_at
    message["Message-ID"] = f"<{posted.id}@{sender.domain}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers, please
    message["X-Auto-Response-Suppress"] = "All"
    message.set_content(posted.letter.text, cte=ENCODING)
    message.add_alternative(posted.letter.html, subtype="html", cte=ENCODING)
    return message
