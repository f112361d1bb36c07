"""A Django site as ``startproject`` makes it: sessions in the database, ``login_required``.

``python app.py`` makes the tables and the people of ``PEOPLE_FILE``; gunicorn serves ``app:app``.
"""

import os
from pathlib import Path

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application

HASHERS = [
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",  # the default
    "django.contrib.auth.hashers.MD5PasswordHasher",  # who only has to be signed in, once
]

settings.configure(
    SECRET_KEY="bench-9fK2mQ7xR4tB8wZ1cV6nJ3hL5pDs",
    ALLOWED_HOSTS=["127.0.0.1", "localhost"],
    ROOT_URLCONF=__name__,
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "django.contrib.messages",
        "django.contrib.staticfiles",
    ],
    MIDDLEWARE=[
        "django.middleware.security.SecurityMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
        "django.middleware.clickjacking.XFrameOptionsMiddleware",
    ],
    TEMPLATES=[
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "DIRS": [Path(__file__).parent / "templates"],
            "OPTIONS": {
                "context_processors": [
                    "django.template.context_processors.request",
                    "django.contrib.auth.context_processors.auth",
                    "django.contrib.messages.context_processors.messages",
                ]
            },
        }
    ],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": os.environ["PGDATABASE"],  # the rest is in libpq's own variables
            "CONN_MAX_AGE": None,
        }
    },
    PASSWORD_HASHERS=HASHERS[:: -1 if "CHEAP" in os.environ else 1],
    STATIC_URL="static/",
    LOGIN_URL="/login",
    LOGIN_REDIRECT_URL="/secret",
)
django.setup()

from django.contrib.auth.decorators import login_required  # noqa: E402 - needs the settings
from django.contrib.auth.views import LoginView, LogoutView  # noqa: E402
from django.shortcuts import render  # noqa: E402
from django.urls import path  # noqa: E402


@login_required
def secret(request):
    return render(request, "secret.html")


urlpatterns = [
    path("secret", secret),
    path("login", LoginView.as_view(template_name="login.html")),
    path("logout", LogoutView.as_view(next_page="/login")),
]
app = get_wsgi_application()


def fill() -> None:
    """Make the tables, and the people: name, email, password, and whether the hash is cheap."""
    from django.contrib.auth.hashers import make_password  # noqa: PLC0415
    from django.contrib.auth.models import User  # noqa: PLC0415
    from django.core.management import call_command  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    known: dict[tuple[str, str], str] = {}
    users = []
    for line in Path(os.environ["PEOPLE_FILE"]).read_text().splitlines():
        name, email, password, cost = line.split("\t")
        if (password, cost) not in known:
            known[password, cost] = make_password(
                password, hasher="md5" if cost == "cheap" else "pbkdf2_sha256"
            )
        users.append(User(username=name, email=email, password=known[password, cost]))
    User.objects.bulk_create(users)


if __name__ == "__main__":
    fill()
