"""How emails are sent."""

from pydantic import BaseModel, Field, SecretStr

from app.settings.types import Greeting, Sender, SmtpUrl, SpecialDomains


class MailSettings(BaseModel):
    """How emails are sent."""

    smtp_url: SmtpUrl | None = Field(
        None,
        description="Mail server: `smtp://user@host:587` (STARTTLS), `smtps://user@host` (TLS) or, "
        "on a private network, `smtp://host:25?tls=none`. Default: write emails to the "
        "log. For a private authority, set `SSL_CERT_FILE`",
    )
    smtp_password: SecretStr | None = Field(
        None, description="Password for `SMTP_URL`, so that it can come from a file"
    )
    allowed_special_domains: SpecialDomains = Field(
        (),
        description="Domains on your own network, like `corp.local`, that aren't public. Allows "
        "addresses at these domains and their subdomains. Separate with commas or "
        "spaces",
    )
    mail_from: Sender | None = Field(
        None,
        description="Sender of all emails: `login@example.com`, `Name <login@example.com>` or, if "
        'the name has a comma, `"Smith, Anna" <login@example.com>`. Required with '
        "`SMTP_URL`",
    )
    smtp_helo: Greeting | None = Field(
        None,
        description="Name we send to the mail server (EHLO). Default: the host of `PUBLIC_URL`, "
        "otherwise the domain of `MAIL_FROM`",
    )
    mail_retry_days: float = Field(
        4, gt=0, le=30, description="How long to retry an email that can't be delivered"
    )
