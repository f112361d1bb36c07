"""What refusals of real mail servers are about, as their manuals and logs tell them."""

import pytest

from app.kit.replies import is_about_recipient

SENDER, TO = "login@example.org", "alice@example.com"

ABOUT_US = [
    # relay: Postfix, Sendmail, Exim, qmail, Exchange, Google
    "5.7.1 <alice@example.com>: Relay access denied",
    "5.7.1 <alice@example.com>... Relaying denied. IP name lookup failed [192.0.2.1]",
    "relay not permitted",
    "sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)",
    "5.7.64 TenantAttribution; Relay Access Denied",
    "5.7.1 Invalid credentials for relay [192.0.2.1]. The IP address you've registered",
    # sender
    "5.7.1 <login@example.org>: Sender address rejected: not owned by user me",
    "5.1.0 <login@example.org>: Sender address rejected: User unknown in virtual mailbox table",
    "5.1.7 Invalid address",
    "5.1.8 <login@example.org>: Sender address rejected: Domain not found",
    "5.1.1 Sender unknown",
    "5.7.60 SMTP; Client does not have permissions to send as this sender",
    "5.2.0 STOREDRV.Submission.Exception:SendAsDeniedException.MapiExceptionSendAsDenied",
    "5.2.252 SendAsDenied; me@example.org not allowed to send as login@example.org",
    "Sender verify failed",
    "Verification failed for <login@example.org>\nNo Such User Here",
    "Message rejected: Email address is not verified. The following identities failed the check",
    "The from address does not match a verified Sender Identity. Mail cannot be sent",
    # authentication, greeting, where we come from
    "5.7.57 SMTP; Client was not authenticated to send anonymous mail during MAIL FROM",
    "5.7.1 Authentication required",
    "5.5.2 <localhost>: Helo command rejected: need fully-qualified hostname",
    "5.5.4 Invalid domain name",
    "5.7.1 <unknown[192.0.2.1]>: Client host rejected: Access denied",
    "5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.example.net",
    "5.7.25 The IP address sending this message does not have a PTR record setup",
    "5.1.90 Your message can't be sent because you've reached your daily limit",
    "5.4.5 Daily user sending limit exceeded",
    # content and policy
    "5.7.1 Our system has detected that this message is likely unsolicited mail",
    "5.7.26 Unauthenticated email from example.org is not accepted due to domain's DMARC policy",
    "5.7.1 message refused",
    "5.3.4 Message size exceeds fixed limit",
    "5.6.0 Lone CR or LF in body",
    "5.3.0 mail system trouble",
    # nobody knows
    "Requested action not taken",
    "no",
    "5.0.0 Denied by policy",
    "5.1.0 Address rejected.",
    "see http://5.1.1.example.net/help or 5.1.1.7",
    "",
]
ABOUT_THE_RECIPIENT = [
    "5.1.1 <alice@example.com>: Recipient address rejected: User unknown in virtual mailbox table",
    "5.1.1 The email account that you tried to reach does not exist.",
    "5.1.1 <relay@example.com>: no mailbox",
    "5.1.1 relay7.example.net says no",
    "5.1.2 We weren't able to find the recipient domain.",
    "5.1.3 The recipient address <alice@example.com> is not a valid RFC 5321 address.",
    "5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup",
    "5.1.10 Recipient address rejected: Domain has null MX",
    "5.2.1 The email account that you tried to reach is disabled.",
    "5.2.2 <alice@example.com>: Mailbox full",
    "5.2.2 The recipient's inbox is out of storage space",
    "sorry, no mailbox here by that name. (#5.1.1)",
    "5.1.0 unknown recipient",
    "5.5.0 Requested action not taken: mailbox unavailable",
    "No such user here",
    "Unknown user: alice@example.com",
    "User unknown",
    "Requested action not taken: mailbox unavailable",
    "delivery error: dd This user doesn't have a yahoo.com account",
    "Mailbox quota exceeded",
]


@pytest.mark.parametrize("answer", ABOUT_US)
def test_what_may_be_mended_is_not_about_the_recipient(answer: str) -> None:
    assert not is_about_recipient(answer, sender=SENDER, to=TO)


@pytest.mark.parametrize("answer", ABOUT_THE_RECIPIENT)
def test_what_is_about_the_recipient_alone_is_for_ever(answer: str) -> None:
    assert is_about_recipient(answer, sender=SENDER, to=TO)


def test_an_email_to_oneself_is_refused_too() -> None:
    assert is_about_recipient(f"5.1.1 <{TO}>: User unknown", sender=TO, to=TO)
