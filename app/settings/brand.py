"""How the site looks, and where it leads."""

from pydantic import BaseModel, Field

from app.settings.types import (
    Colour,
    Email,
    FooterLinks,
    Origins,
    Picture,
    SecurityContact,
    WebAddress,
)


class BrandSettings(BaseModel):
    """How the site looks, and where it leads."""

    home_url: WebAddress | None = Field(
        None,
        description="Where users go after they sign in, and where the mark leads: an address like "
        "`https://www.example.com/app`, or a path. Default: `/`",
    )
    allowed_next: Origins = Field(
        (),
        description="Other sites of yours that a link to the sign-in page may name as `next`, like "
        "`https://www.example.com`: exact, separated by spaces. Default: none",
    )
    demo_pages: bool = Field(
        default=True, description="`false` removes the page “Secret”, an example of a guarded page"
    )
    brand_colour: Colour | None = Field(
        None,
        description="Your colour, like `#0b5fff`: of buttons, links and the mark. Shades for light "
        "and dark pages are made from it, so that text can be read. Default: ours",
    )
    brand_logo: Picture | None = Field(
        None,
        description="File with your logo (SVG, PNG, JPEG or GIF, at most 256 KB): on pages, as "
        "icon and, unless it's an SVG, in emails. Default: the arch",
    )
    support_url: WebAddress | None = Field(
        None,
        description="Address of your help page. It's linked at the foot of every page and email, "
        "and where something went wrong",
    )
    support_email: Email | None = Field(
        None,
        description="Address for questions. It's shown where `SUPPORT_URL` would be, and in emails",
    )
    footer_links: FooterLinks = Field(
        (),
        description="Links at the foot of every page: `Privacy=https://example.com/privacy, "
        "Terms=/terms`. At most 8",
    )
    security_contact: SecurityContact | None = Field(
        None,
        description="Where to report holes, as `/.well-known/security.txt` says it: an email "
        "address or an `https://` address. Default: there is no such file",
    )
