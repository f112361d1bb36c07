"""The sentences of refusals: of each code, or of each code and reason."""

import math
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta

from app.kit.addresses import USERNAME_LONGEST, USERNAME_SHORTEST, shown_domain
from app.kit.errors import Refusal

SECONDS_ARE_CLEARER_UNTIL = 90
USERNAME_RULE = (
    f"{USERNAME_SHORTEST} to {USERNAME_LONGEST} letters (a–z), digits, dots, hyphens and "
    "underscores, starting with a letter."
)

# In braces stand the refusal's values, in words by ``WRITERS``.
SENTENCES: Mapping[str, str] = {
    "address_not_allowed": (
        "You can't use an email address of this domain. Allowed domains: {domains}."
    ),
    "already_there": "A user with that email address or username already exists.",
    "app_disabled": (
        "Your authenticator app was turned off after too many wrong codes. Use a passkey or a "
        "recovery code."
    ),
    "cannot_read.app": (
        "The authenticator app of {username} can't be read. Put the key that it was encrypted "
        "under into SECRET_KEY_FALLBACKS."
    ),
    "cannot_read.columns_twice": "The first line names columns twice: {names}.",
    "cannot_read.database_away": "Can't reach the source database ({name}).",
    "cannot_read.database_says": "The source database reported: {what}",
    "cannot_read.doubtful_columns": (
        "Unknown column that may control who can sign in: {quoted}. Say what it means, like "
        "--map {first}=confirmed (or blocked, active …), or skip it: {options}"
    ),
    "cannot_read.excel": ("This is a workbook. Save it as CSV UTF-8."),
    "cannot_read.file": "Couldn't read {name}: {why}.",
    "cannot_read.flask_security_salt": (
        "These users come from Flask-Security, whose hashes need its salt. Add "
        "--flask-security-salt with the value of SECURITY_PASSWORD_SALT, or an empty one ('') if "
        "SECURITY_PASSWORD_SINGLE_HASH was set."
    ),
    "cannot_read.json": "This is JSON. Add --format jsonl.",
    "cannot_read.json_list": (
        "This is a JSON list. Convert it to lines with jq -c '.[]' people.json > people.jsonl, "
        "or, for Django's dumpdata, with jq -c '.[] | select(.model == \"auth.user\") | .fields'."
    ),
    "cannot_read.no_column": ("There is no column {quoted} to map or to ignore, only {columns}."),
    "cannot_read.no_header": (
        "The first line must name the columns, including “email”, in UTF-8 or UTF-16: like "
        "email,username,password_hash.{found}"
    ),
    "cannot_read.no_table": (
        "This database has no table {table} with a column “email”. To use another table, add "
        "--table."
    ),
    "cannot_read.postgresql_dump": (
        "This is a PostgreSQL dump. Restore it with pg_restore and import from there."
    ),
    "cannot_read.sql": "This is an SQL dump. Restore it into a database and import from there.",
    "cannot_read.sqlite": ("This is an SQLite database. Pass its file name, not standard input."),
    "cannot_read.unwritable": "Couldn't write the users: {why}.",
    "database_away": ("We can't do this right now. Nothing was lost. Please try again in {wait}."),
    "default_too_mighty": (
        "The default role can't have ADMIN: everybody who registers would be an administrator."
    ),
    "factor_needed": (
        "Your role requires a second factor. Add another one before you remove this one."
    ),
    "gate_expired": "This took too long, or began in another browser. Open the site again.",
    "group_needed": "Rules of these sites name the group: {sites}. Change them first.",
    "group_there": "A group with this name already exists.",
    "is_blocked": "This user is blocked. Unblock them before you send a reset link.",
    "is_blocked.email": "This user is blocked. Unblock them before you change their address.",
    "last_administrator": (
        "This is the last administrator who can sign in. Make another user an administrator first."
    ),
    "link_unusable": (
        "This link has been used, has expired, or wasn't copied completely. If you asked for "
        "several, use the one in the newest email."
    ),
    "link_unusable.address_taken": (
        "This address belongs to another account by now. Yours stays as it was."
    ),
    "link_unusable.already_confirmed": "This address is already confirmed. You can sign in.",
    "link_unusable.confirmation": (
        "This link was used already, is too old, or was not copied whole. Just sign in: if your "
        "address is still to be confirmed, you can have another link sent there."
    ),
    "link_unusable.deletion": (
        "This link was used already, or is too old. Sign in: if the account is still there, you "
        "can keep it."
    ),
    "link_unusable.not_kept": (
        "Open the link in the email again. Your browser needs to accept cookies."
    ),
    "link_unusable.takeback": (
        "This link was used already, or is too old. If you cannot sign in, ask for a new password "
        "on the sign-in page."
    ),
    "login_expired": "This sign-in took too long or had too many attempts. Please sign in again.",
    "no_factor_reset": (
        "You can't do this by email, because you're an administrator. Ask another administrator, "
        "or someone with access to the server."
    ),
    "no_such_factor": "This doesn't exist. You may have removed it already.",
    "no_such_factor.none": "Set up an authenticator app or a passkey first.",
    "no_such_group": "There is no group “{group}”.",
    "no_such_note": "This note doesn't exist. It may have been removed already.",
    "no_such_person": "No user has that email address or username.",
    "no_such_registration": "This registration has been confirmed or has expired.",
    "no_such_role": "There is no role “{role}”; there are {names}.",
    "no_such_role.choose": "The role “{role}” doesn't exist. Use: {names}.",
    "no_such_session": "This session doesn't exist. It may have ended already.",
    "no_such_site": "There is no site “{site}”.",
    "no_such_site.gone": "This site isn't here any more. Ask the people who run it.",
    "no_such_subject": (
        "No user has that name, address or ID. Deleted users can only be found by their ID."
    ),
    "no_such_token": "This token doesn't exist. It may have been revoked already.",
    "not_allowed_there": "Your account can't open {site}. Ask the people who run it.",
    "not_inside": "You're not signed in there. You may have signed out already.",
    "nobody_chosen": "Choose at least one user.",
    "not_permitted": "Your account doesn't have permission to do this.",
    "not_to_be_retried": (
        "This email can't be sent again. Its link has expired, or it's on its way."
    ),
    "not_reserved": "This name isn't reserved.",
    "number_changed": "The list has changed: there are {number} users now. Check it, then confirm.",
    "own_factor_first": (
        "Set up a second factor for an administrator first, so that you're not locked out."
    ),
    "passkey_refused": "This passkey didn't work. Try again, or sign in another way.",
    "passkey_refused.in_use": "This passkey couldn't be added. It may be in use already.",
    "passkey_refused.not_added": "This passkey couldn't be added. Nothing was changed.",
    "refused.another_link": (
        "You've opened another link in this browser. This page now belongs to that one."
    ),
    "registration_closed.closed": (
        "You can't create an account at the moment. Existing accounts still work."
    ),
    "registration_closed.invitation": (
        "You need an invitation to create an account. Ask the people who run this site."
    ),
    "role_fixed": "This role keeps its name, because settings and commands use it.",
    "role_held": "This is the default role. Make another role the default first.",
    "role_held.by_users": "{holders} the role {role}. Give them another one first.",
    "role_there": "A role with this name already exists.",
    "same_address": "That's already your email address.",
    "same_address.theirs": "That's already their email address.",
    "signed_out": "You've been signed out. Please sign in again.",
    "site_there": "There is already a site at this address.",
    "site_refusal": "{why}",
    "terms_not_accepted": "Accept the terms to create an account.",
    "too_busy": "Many people are signing in right now. Please try again in {wait}.",
    "too_many_passkeys": "You have as many passkeys as you can have. Remove one first.",
    "too_many_tokens": "You have as many tokens as you can have. Revoke one first.",
    "too_many_tries": "Too many attempts. Please try again in {wait}.",
    "too_many_users": "Choose at most {most} users at once. Use the filters to find fewer.",
    "username_taken": "This username is taken. Choose another one.",
    "username_taken.register_again": (
        "This username has been taken. Register again with another one."
    ),
    "weak_password.common": "This password is too common. Choose another one.",
    "weak_password.personal": "Don't use your name, your email address or the site's name.",
    "weak_password.same": "That's already your password. Choose a different one.",
    "weak_password.too_long": "Use at most {longest} characters. This has {length}.",
    "weak_password.too_short": (
        "Use at least {shortest} characters. Four or five random words work well."
    ),
    "wrong_address.malformed": "{why}",  # what the library email_validator says
    "wrong_address.no_domain": "“{domain}” isn't an email domain",
    "wrong_address.no_mailbox": "Enter an email address like name@example.com.",
    "wrong_address.no_parts": "An email address needs text before and after the @.",
    "wrong_address.special_domain": (
        "We can't send email to “{domain}”. It isn't a public internet domain."
    ),
    "wrong_address.too_long": "An email address can have at most {longest} characters.",
    "wrong_code": "Incorrect code. Use the newest code in your app, or an unused recovery code.",
    "wrong_code.app": "Incorrect code. Enter the 6 digits that your app shows now.",
    "wrong_credentials": "Incorrect email, username or password.",
    "wrong_group_name": (
        "A group name has up to 64 letters, digits, dots, hyphens and underscores, and starts with "
        "a letter. “users” means everyone."
    ),
    "wrong_password": "Incorrect password.",
    "wrong_password.none_of_registration": ("Please enter the password that you registered with."),
    "wrong_password.of_registration": "This is not the password that you registered with.",
    "wrong_profile.at_least": "Enter at least {least}.",
    "wrong_profile.at_most": "Enter at most {most}.",
    "wrong_profile.choice": "Choose one of the options.",
    "wrong_profile.date": "Enter a date like 2026-01-31.",
    "wrong_profile.empty": "Fill this in.",
    "wrong_profile.number": "Enter a number.",
    "wrong_profile.own": "{why}",
    "wrong_profile.telephone": "Enter a phone number like +44 20 7946 0958.",
    "wrong_profile.tick": "Tick this box.",
    "wrong_profile.too_long": "Use at most {longest} characters.",
    "wrong_profile.yes_or_no": "Use yes or no.",
    "wrong_role_name": (
        "A role name has 2 to 40 letters, digits, spaces and hyphens, and starts with a letter."
    ),
    "wrong_site.file": "This isn't a file that sites export writes: {why}.",
    "wrong_site.identity": "Choose how the site knows its users: id, username or email.",
    "wrong_site.name": "Enter a name of up to 60 characters.",
    "wrong_site.need": (
        "“{need}” isn't something a site can require. Use public, signed-in, factor, "
        "permission:NAME or group:NAME, and +factor for a second factor too."
    ),
    "wrong_site.no_group": "There is no group “{group}”. Create it first.",
    "wrong_site.no_permission": "There is no permission “{permission}”. Use: {names}.",
    "wrong_site.origin": "Enter the site's address, like https://wiki.example.com.",
    "wrong_site.own": "Choose another host than the login's own. They would share cookies.",
    "wrong_site.plain": "The address must start with https:// (plain http works only locally).",
    "wrong_site.prefix": (
        "“{prefix}” isn't a path. It starts with a slash and has no spaces, % or double slashes."
    ),
    "wrong_token.days": "A token lasts 1 to {most} days.",
    "wrong_token.name": "Enter a name of up to 60 characters.",
    "wrong_token.nothing": "Choose at least one thing that the token can do.",
    "wrong_word": "To delete this user, type {name}.",
}

# What more an operator is told: the setting that mends it.
FOR_OPERATORS: Mapping[str, str] = {
    "wrong_address.special_domain": (
        "If it's on your own network, allow it with ALLOWED_SPECIAL_DOMAINS={domain}."
    ),
}


def sentence(refusal: Refusal) -> str:
    """Return what a refusal says."""
    return SENTENCES[refusal.key].format_map(_written(refusal.values))


def sentence_for_operators(refusal: Refusal) -> str:
    """Return what a refusal says, with the setting that mends it."""
    more = FOR_OPERATORS.get(refusal.key)
    said = sentence(refusal)
    return f"{said} {more.format_map(_written(refusal.values))}" if more else said


def duration(time: timedelta) -> str:
    """Return a duration as people say it."""
    seconds = round(time.total_seconds())
    if seconds <= SECONDS_ARE_CLEARER_UNTIL:
        return "1 second" if seconds == 1 else f"{seconds} seconds"
    return f"{math.ceil(seconds / 60)} minutes"


def domains(normal: Iterable[str]) -> str:
    """Return domains as people read them."""
    return ", ".join(
        f"{shown_domain(each)} and subdomains" if each.startswith(".") else shown_domain(each)
        for each in normal
    )


def _written(values: Mapping[str, object]) -> dict[str, str]:
    return {name: WRITERS.get(name, _plain)(value) for name, value in values.items()}


def _plain(value: object) -> str:
    if isinstance(value, timedelta):
        return duration(value)
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, list | tuple):
        return ", ".join(value)
    return str(value)


WRITERS: Mapping[str, Callable[..., str]] = {
    "domains": domains,
    "holders": lambda number: "One person has" if number == 1 else f"{number} people have",
    "quoted": lambda names: ", ".join(f"“{name}”" for name in names),
    "options": lambda names: " ".join(f"--ignore {name}" for name in names),
    "found": lambda found: f" It has: {found}." if found else "",
    "table": lambda name: f"“{name}”" if name else "“user” or “users”",
}
