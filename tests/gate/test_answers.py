"""A property of all answers: a 2xx has all four names, and none is empty (AZ-08)."""

import re
from base64 import b64encode
from hashlib import sha256
from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st

from app.flows.gate_check import GatedSite, Visitor
from app.gate import answers
from app.kit.needs import Kind, KnownBy, Need, Rules
from app.kit.permissions import Permission

NAMES = st.text(alphabet="abcXYZ0.-_@é", min_size=1, max_size=20)


@given(NAMES, NAMES, st.lists(NAMES, max_size=3), st.sampled_from(KnownBy), st.integers(0, 1))
def test_who_passes_has_all_names(
    username: str, email: str, groups: list[str], identity: KnownBy, is_somebody: int
) -> None:
    site = GatedSite(uuid4(), "https://x.example", "X", identity, Rules(Need(Kind.PUBLIC)))
    visitor = Visitor(
        uuid4(), username, email, "User", Permission(0), groups, [site.id],
        shows_factor=False, is_factor_overdue=False, session=None,
    )  # fmt: skip
    answer = answers.passed(site, visitor if is_somebody else None, has_usernames=True)
    assert answer.status == 200
    named = {name: value for name, value in answer.headers if name.startswith(b"remote-")}
    assert set(named) == set(answers.NAMES)
    assert all(named.values())
    assert b"\n" not in b"".join(named.values())


def test_a_username_that_was_made_up_is_no_name() -> None:
    visitor = Visitor(
        uuid4(), "alice-x7k2m9", "alice@example.com", "User", Permission(0), [], [],
        shows_factor=False, is_factor_overdue=False, session=None,
    )  # fmt: skip
    for identity, user in ((KnownBy.EMAIL, visitor.email), (KnownBy.USERNAME, visitor.username)):
        site = GatedSite(uuid4(), "https://x.example", "X", identity, Rules(Need(Kind.PUBLIC)))
        named = dict(answers.passed(site, visitor, has_usernames=False).headers)
        assert named[b"remote-name"] == b"alice@example.com"
        assert named[b"remote-user"] == user.encode()  # what the application has stored


def test_a_pages_style_is_the_only_one_that_its_policy_allows() -> None:
    answer = answers.page(410, "Please try again", "Open the site again.", link="/")
    style = re.search(rb"<style>(.*)</style>", answer.body)
    assert style
    digest = b64encode(sha256(style[1]).digest())
    policy = dict(answer.headers)[b"content-security-policy"]
    assert policy.startswith(b"default-src 'none'; style-src 'sha256-%b'; " % digest)
