"""The headers of every answer (HD-01 to HD-03)."""

from quart import Response, request

from app.house import house

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; object-src 'none'; frame-ancestors 'none'"
)
ALWAYS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
ONE_YEAR_SECONDS = 31536000


async def add(response: Response) -> Response:
    """Add them; a page may have set a stricter ``Referrer-Policy`` itself."""
    response.headers.update(ALWAYS)
    response.headers.setdefault("Referrer-Policy", "same-origin")
    if house().config.is_https:
        response.headers["Strict-Transport-Security"] = (
            f"max-age={ONE_YEAR_SECONDS}; includeSubDomains"
        )
    if request.endpoint == "static" and response.status_code in {200, 304}:
        response.headers["Cache-Control"] = f"public, max-age={ONE_YEAR_SECONDS}, immutable"
    else:
        response.headers["Cache-Control"] = "no-store"
        response.vary.add("Cookie")
    return response
