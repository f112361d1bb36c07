"""Codes of apps."""

import pytest

from app.kit import totp
from app.kit.totp import AppSecret, WrongOtpauthUri

MOMENTS = [59, 1111111109, 1111111111, 1234567890, 2000000000, 20000000000]
VECTORS = {  # RFC 6238, appendix B
    "sha1": ["94287082", "07081804", "14050471", "89005924", "69279037", "65353130"],
    "sha256": ["46119246", "68084774", "67062674", "91819424", "90698825", "77737706"],
    "sha512": ["90693936", "25091201", "99943326", "93441116", "38618901", "47863826"],
}
LENGTHS = {"sha1": 20, "sha256": 32, "sha512": 64}
CASES = [
    (algorithm, moment, code)
    for algorithm, codes in VECTORS.items()
    for moment, code in zip(MOMENTS, codes, strict=True)
]
APP = AppSecret(b"12345678901234567890")
NOW = 1_700_000_010.0  # the middle of a step


@pytest.mark.parametrize(("algorithm", "moment", "code"), CASES)
def test_the_vectors_of_rfc_6238(algorithm: str, moment: int, code: str) -> None:
    secret = (b"1234567890" * 7)[: LENGTHS[algorithm]]
    app = AppSecret(secret, algorithm, digits=8)
    assert totp.code_at(app, moment // 30) == code
    assert totp.step_of(app, code, now=moment) == moment // 30


@pytest.mark.parametrize("seconds", [-61, 61, -90, 90, 3600])
def test_a_code_of_another_time_is_refused(seconds: float) -> None:
    code = totp.code_at(APP, int((NOW + seconds) // 30))
    assert totp.step_of(APP, code, now=NOW) is None


@pytest.mark.parametrize("seconds", [-30, 0, 29])
def test_a_code_of_about_now_is_taken(seconds: float) -> None:
    step = int((NOW + seconds) // 30)
    assert totp.step_of(APP, totp.code_at(APP, step), now=NOW) == step


@pytest.mark.parametrize(
    "typed",
    ["１２３４５６", "١٢٣٤٥٦", "12345", "1234567", "123456789", "abcdef", "", "12345６", "1e4567",
     "+12345", "123456\n", "123456\0", "-12345"],
)  # fmt: skip
def test_what_is_no_code_is_none(typed: str) -> None:
    assert totp.clean(typed) is None


@pytest.mark.parametrize("typed", ["123456", "123 456", " 123456 ", "123\u00a0456", "1 2 3 4 5 6"])
def test_spaces_in_a_code_do_not_count(typed: str) -> None:
    assert totp.clean(typed) == "123456"


def test_a_new_secret_has_160_random_bits() -> None:
    made = {totp.new_secret().secret for _ in range(100)}
    assert len(made) == 100
    assert {len(secret) for secret in made} == {20}


def test_what_the_qr_code_says_can_be_read_again() -> None:
    address = totp.address(APP, site="Our: Site", username="ali ce&x")
    assert address.startswith("otpauth://totp/Our%20%20Site:ali%20ce%26x?secret=GEZDGNBV")
    assert totp.read_address(address) == APP


@pytest.mark.parametrize(
    "facts",
    [
        "secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&algorithm=SHA512&digits=8&period=60",
        "algorithm=SHA-512&period=60&digits=8&secret=jbsw%20y3dp-ehpk3pxpjbswy3dpehpk3pxp",
    ],
)
def test_addresses_of_other_applications_are_read(facts: str) -> None:
    found = totp.read_address(f"otpauth://totp/Site:a@b.example?{facts}")
    assert (found.algorithm, found.digits, found.period) == ("sha512", 8, 60)
    assert found.text == "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


@pytest.mark.parametrize(
    "address",
    [
        "", "x", "https://example.com", "otpauth://hotp/x?secret=JBSWY3DPEHPK3PXPJBSWY3DP&counter=1",
        "otpauth://totp/x", "otpauth://totp/x?secret=", "otpauth://totp/x?secret=11111111111111111",
        "otpauth://totp/x?secret=JBSWY3DP", "otpauth://totp/x?secret=JBSWY3DPEHPK3PXPJBSWY3DP&digits=7",
        "otpauth://totp/x?secret=JBSWY3DPEHPK3PXPJBSWY3DP&period=1",
        "otpauth://totp/x?secret=JBSWY3DPEHPK3PXPJBSWY3DP&algorithm=MD5",
        "otpauth://totp/x?secret=JBSWY3DPEHPK3PXPJBSWY3DP&digits=six", "otpauth://[/x?secret=AA",
        "otpauth://totp/x?secret=" + "JBSWY3DP" * 30,
    ],
)  # fmt: skip
def test_what_no_code_could_come_from_is_refused(address: str) -> None:
    with pytest.raises(WrongOtpauthUri):
        totp.read_address(address)
