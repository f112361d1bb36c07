"""Needs as they are written, and paths that can be read in more than one way (AZ-09)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kit.needs import Kind, Need, Rule, Rules, WrongNeed, canonical_path, is_prefix

PUBLIC = Rules(Need(Kind.SIGNED_IN), (Rule("/public/", Need(Kind.PUBLIC)),))
PRIVATE = Rules(Need(Kind.PUBLIC), (Rule("/private", Need(Kind.SIGNED_IN)),))
TRICKS = [
    "/public/../private", "/public/./../private", "/public/..", "/public/.", "/public/...",
    "/public//../private", "/public//private", "//public/x", "///public/x", "/./public/x",
    "/../public/x", "/public/%2e%2e/private", "/public/%2E%2E/private", "/public/.%2e/private",
    "/public/%2e./private", "/public/%2e/private", "/public%2f..%2fprivate", "/public/..%2fprivate",
    "/public/..%2Fprivate", "/public/%2f/private", "/public%2fx", "/public/%5c..%5cprivate",
    "/public/..%5cprivate", "/public/..%5Cprivate", "/public/..\\private", "\\public\\private",
    "/public\\..\\private", "/public/..;/private", "/public/;/private", "/public/x;y=z",
    "/public/%3b/private", "/public/%3B/private", "/public/%252e%252e/private",
    "/public/%25%32%65/private", "/public/%252f..", "/public/%00/private", "/public/x%00.png",
    "/public/%0a/private", "/public/%0d%0aprivate", "/public/%09/private", "/public/%7f",
    "/public/%c0%ae%c0%ae/private", "/public/%c0%af../private", "/public/%e0%80%ae%e0%80%ae/",
    "/public/%ff", "/public/%u002e%u002e/private", "/public/%", "/public/%2", "/public/%zz",
    "/public/%ef%bc%8e%ef%bc%8e/private", "/public/%ef%bc%8fprivate", "/public/%e2%80%a4%e2%80%a4/",
    "/public/.. /private", "/public/..%20/private", "/public/%20../private", "/public/../",
    "/public/x/../../private", "/public/x/%2e%2e/%2e%2e/private", "/public/..?/private",
    "/public/%3f/../private", "/public/%23/../private", "/public/x.", "/public/x%20",
    "public/x", "http://host/public/x", "*", "", "/public/\xe9", "/public/#/../private",
    "/public/%c2%85", "/public/%e2%80%8b",
]  # fmt: skip


@pytest.mark.parametrize("path", TRICKS)
def test_no_trick_leads_past_a_public_prefix(path: str) -> None:
    need = PUBLIC.need_of(path.partition("?")[0].encode("latin1"))
    assert need is None or not need.is_public


def test_there_are_sixty() -> None:
    assert len(set(TRICKS)) >= 60


@pytest.mark.parametrize(
    "path",
    ["/private", "/PRIVATE/x", "/Private.php", "/private%20", "/pr%69vate", "/%70rivate",
     "/private%2fx",
     "/x/../private", "/private;x", "//private", "/%50RIVATE", "/private\\x", "/privateer"],
)  # fmt: skip
def test_what_more_is_needed_for_is_found_however_it_is_written(path: str) -> None:
    need = PRIVATE.need_of(path.encode())
    assert need is None or need == Need(Kind.SIGNED_IN)


@pytest.mark.parametrize(
    ("path", "public"),
    [("/public/", True), ("/public/x.png", True), ("/public/a%20b/c", True), ("/publi%63/x", True),
     ("/public/%c3%a9", True), ("/public/~x/(y)!", True), ("/public", False), ("/PUBLIC/x", False),
     ("/publics/x", False), ("/x/public/", False), ("/", False)],
)  # fmt: skip
def test_plain_paths_are_what_they_say(path: str, *, public: bool) -> None:
    need = PUBLIC.need_of(path.encode())
    assert need is not None
    assert need.is_public == public


def test_where_all_needs_the_same_no_path_is_odd() -> None:
    rules = Rules(Need(Kind.SIGNED_IN))
    assert rules.need_of(b"/proxy/https://x//y;z/%2f") == Need(Kind.SIGNED_IN)


@given(st.text(alphabet="/.%2eE5cCfF;\\ab\x00 ", max_size=12))
def test_what_is_canonical_stays_so(tail: str) -> None:
    path = canonical_path(f"/public/{tail}".encode())
    if path is not None:
        assert path.startswith("/public/")
        assert not {"..", "."} & set(path.split("/"))
        assert not set(path) & set("\\;\x00%")


@pytest.mark.parametrize(
    "text",
    ["public", "signed-in", "factor", "permission:WRITE", "group:staff", "group:staff+factor",
     "permission:ADMIN+factor"],
)  # fmt: skip
def test_a_need_is_written_as_it_is_read(text: str) -> None:
    assert str(Need.read(text)) == text


@pytest.mark.parametrize(
    "text",
    ["", "nobody", "public+factor", "group:", "group:a b", "group:a,b", "permission:write",
     "permission:", "signed-in+", "factor+factor", "group:-a", "role:User", " public"],
)  # fmt: skip
def test_what_is_no_need_is_refused(text: str) -> None:
    with pytest.raises(WrongNeed):
        Need.read(text)


def test_a_permission_that_is_gone_is_nobodys() -> None:
    need = Need.read("permission:OWN")
    assert not need.is_met(permissions=2**30 - 1, groups=[], names={})
    assert need.is_met(permissions=256, groups=[], names={"OWN": 256})


@pytest.mark.parametrize("text", ["/", "/a", "/a/", "/a/b.c/d_e~f"])
def test_a_prefix_is_a_plain_path(text: str) -> None:
    assert is_prefix(text)


@pytest.mark.parametrize(
    "text",
    ["", "a", "//", "/a//b", "/a b", "/%41", "/a/../b", "/.", "/a;b", "/a?b", "/" + "a" * 501],
)
def test_others_are_none(text: str) -> None:
    assert not is_prefix(text)
