"""How the server is reached, and how it runs."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, Field

from app.settings.types import Bind, Networks, Origin, SecretKey, SecretKeys


class ServerSettings(BaseModel):
    """How the server is reached, and how it runs."""

    site_name: str = Field(
        "Vestibule",
        min_length=1,
        max_length=60,
        description="Name of your site, shown on every page and in every email",
    )
    site: str | None = Field(
        None,
        description="Your own Python package with pages, profile fields, hooks and templates. See "
        "docs/extending.md. Default: none",
    )
    bind: Bind = Field("127.0.0.1:8000", description="Address and port to listen on")
    allow_http: bool = Field(
        default=False,
        description="`true` allows `http://` in `PUBLIC_URL` for another machine, like "
        "`http://192.168.1.5:8000` in a home network. Everyone in that network can then read "
        "passwords and cookies, and there are no passkeys",
    )
    public_url: Origin = Field(
        description="Address of your site, as users type it: `https://…`, or `http://` on this "
        "machine only. Default: `http://` and `BIND`"
    )
    data_dir: Path = Field(
        Path("var"), description="Where `make run` stores its private database and secret key"
    )
    workers: int | None = Field(
        None,
        ge=1,
        le=64,
        description="Number of server processes. Default: one per usable CPU, at least 2",
    )
    worker_connections: int = Field(
        8192,
        ge=10,
        le=1_000_000,
        description="Connections each worker holds at once, or fewer if the limit of open files is "
        "lower. Beyond this, a new connection closes the one that was idle longest",
    )
    drain_seconds: float = Field(
        2,
        ge=0,
        le=300,
        description="How long to accept new connections after SIGTERM. Meanwhile `/health/ready` "
        "returns 503, so the proxy looks elsewhere. Ctrl+C doesn't wait",
    )
    grace_seconds: float = Field(
        25, ge=1, le=600, description="How long running requests may take to finish after that"
    )
    metrics_bind: Bind | None = Field(
        None,
        description="Address and port for Prometheus' `/metrics`, like `127.0.0.1:9100`. Keep it "
        "private. Default: none",
    )
    access_log: bool = Field(
        default=True,
        description="`false` turns off the log line for each request (health checks have none)",
    )
    log_format: Literal["auto", "text", "json"] = Field(
        "auto",
        description="`text`, `json` (one line per event), or `auto`: text on a terminal and for "
        "`make run`, otherwise JSON",
    )
    replicas: int = Field(
        1,
        ge=1,
        le=1000,
        description="How many servers share the database. At the start, Vestibule checks that all "
        "their connections fit into `max_connections`",
    )
    secret_key: SecretKey | None = Field(
        None,
        description="Signs cookies and links. `make run` creates and keeps its own. Required with "
        "`DATABASE_URL`",
    )
    secret_key_fallbacks: SecretKeys = Field(
        (), description="Older keys that are still accepted, separated by spaces"
    )
    trusted_proxies: int = Field(
        0,
        ge=0,
        le=10,
        description="How many proxies are in front of the server. We trust that many entries of "
        "`X-Forwarded-For`, from the right",
    )
    trusted_networks: Networks = Field(
        (),
        description="Networks of these proxies, separated by spaces. We ignore what others say. "
        "Default: private networks",
    )
