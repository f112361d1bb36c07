"""Second factors: authenticator apps, passkeys, recovery codes, trusted browsers.

Revision 0011. New tables and columns with defaults: the program before this revision does not
notice them, but it asks nobody for a factor. An installation that is new wants one of its
administrators; where there are people already, ``roles require-factor`` says so.
"""

from alembic import op

from app.indexes import build_indexes, drop_index

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

# Each may be there already, where building the last index was broken off.
UPGRADE = """
ALTER TABLE users ADD COLUMN IF NOT EXISTS factors smallint NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN IF NOT EXISTS factor_failures smallint NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN IF NOT EXISTS factor_due_at timestamptz;
ALTER TABLE roles ADD COLUMN IF NOT EXISTS factor_required boolean NOT NULL DEFAULT false;
ALTER TABLE known_browsers ADD COLUMN IF NOT EXISTS trusted_until timestamptz;
ALTER TABLE login_sessions ADD COLUMN IF NOT EXISTS factor_at timestamptz;
UPDATE roles SET factor_required = true
    WHERE name = 'Administrator' AND NOT EXISTS (SELECT FROM users);

CREATE TABLE IF NOT EXISTS app_secrets (
    id uuid NOT NULL DEFAULT gen_random_uuid() CONSTRAINT pk_app_secrets PRIMARY KEY,
    user_id uuid NOT NULL
        CONSTRAINT fk_app_secrets_user_id REFERENCES users (id) ON DELETE CASCADE,
    sealed bytea NOT NULL
        CONSTRAINT ck_app_secrets_sealed_length CHECK (length(sealed) BETWEEN 33 AND 160),
    algorithm text NOT NULL DEFAULT 'sha1'
        CONSTRAINT ck_app_secrets_algorithm CHECK (algorithm IN ('sha1', 'sha256', 'sha512')),
    digits smallint NOT NULL DEFAULT 6 CONSTRAINT ck_app_secrets_digits CHECK (digits IN (6, 8)),
    period smallint NOT NULL DEFAULT 30
        CONSTRAINT ck_app_secrets_period CHECK (period BETWEEN 15 AND 120),
    last_step bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    confirmed_at timestamptz,
    used_at timestamptz,
    removed_at timestamptz
);
CREATE INDEX IF NOT EXISTS ix_app_secrets_user_id ON app_secrets (user_id);
CREATE UNIQUE INDEX IF NOT EXISTS uq_app_secrets_one_live ON app_secrets (user_id)
    WHERE removed_at IS NULL AND confirmed_at IS NOT NULL;
CREATE UNIQUE INDEX IF NOT EXISTS uq_app_secrets_one_begun ON app_secrets (user_id)
    WHERE confirmed_at IS NULL;

CREATE TABLE IF NOT EXISTS passkeys (
    id uuid NOT NULL DEFAULT gen_random_uuid() CONSTRAINT pk_passkeys PRIMARY KEY,
    user_id uuid NOT NULL
        CONSTRAINT fk_passkeys_user_id REFERENCES users (id) ON DELETE CASCADE,
    credential_id bytea NOT NULL CONSTRAINT uq_passkeys_credential_id UNIQUE
        CONSTRAINT ck_passkeys_credential_id_length
            CHECK (length(credential_id) BETWEEN 16 AND 1023),
    public_key bytea NOT NULL
        CONSTRAINT ck_passkeys_public_key_length CHECK (length(public_key) <= 2048),
    domain text NOT NULL,
    sign_count bigint NOT NULL,
    is_first_factor boolean NOT NULL,
    backup_eligible boolean NOT NULL,
    backed_up boolean NOT NULL,
    transports text[] NOT NULL DEFAULT '{}',
    aaguid uuid,
    name text NOT NULL CONSTRAINT ck_passkeys_name_length CHECK (length(name) BETWEEN 1 AND 60),
    created_at timestamptz NOT NULL DEFAULT now(),
    used_at timestamptz,
    removed_at timestamptz
);
CREATE INDEX IF NOT EXISTS ix_passkeys_user_id ON passkeys (user_id);

CREATE TABLE IF NOT EXISTS recovery_codes (
    user_id uuid NOT NULL
        CONSTRAINT fk_recovery_codes_user_id REFERENCES users (id) ON DELETE CASCADE,
    digest bytea NOT NULL
        CONSTRAINT ck_recovery_codes_digest_length CHECK (length(digest) = 32),
    created_at timestamptz NOT NULL DEFAULT now(),
    removed_at timestamptz,
    CONSTRAINT pk_recovery_codes PRIMARY KEY (user_id, digest)
);

CREATE INDEX IF NOT EXISTS ix_app_secrets_removed_at ON app_secrets (removed_at)
    WHERE removed_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS ix_passkeys_removed_at ON passkeys (removed_at)
    WHERE removed_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS ix_recovery_codes_removed_at ON recovery_codes (removed_at)
    WHERE removed_at IS NOT NULL;

CREATE TABLE IF NOT EXISTS pending_logins (
    digest bytea NOT NULL CONSTRAINT pk_pending_logins PRIMARY KEY
        CONSTRAINT ck_pending_logins_digest_length CHECK (length(digest) = 32),
    user_id uuid NOT NULL
        CONSTRAINT fk_pending_logins_user_id REFERENCES users (id) ON DELETE CASCADE,
    credential_version integer NOT NULL,
    remembered boolean NOT NULL,
    challenge bytea
        CONSTRAINT ck_pending_logins_challenge_length CHECK (length(challenge) = 32),
    tries smallint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL
);
CREATE INDEX IF NOT EXISTS ix_pending_logins_user_id ON pending_logins (user_id);
CREATE INDEX IF NOT EXISTS ix_pending_logins_expires_at ON pending_logins (expires_at);

CREATE TABLE IF NOT EXISTS challenges (
    session_id uuid NOT NULL
        CONSTRAINT fk_challenges_session_id REFERENCES login_sessions (id) ON DELETE CASCADE,
    purpose text NOT NULL CONSTRAINT ck_challenges_purpose
        CHECK (purpose IN ('add-passkey', 'reauthenticate')),
    challenge bytea NOT NULL
        CONSTRAINT ck_challenges_challenge_length CHECK (length(challenge) = 32),
    expires_at timestamptz NOT NULL,
    CONSTRAINT pk_challenges PRIMARY KEY (session_id, purpose)
);
CREATE INDEX IF NOT EXISTS ix_challenges_expires_at ON challenges (expires_at);

CREATE TABLE IF NOT EXISTS spent_challenges (
    digest bytea NOT NULL CONSTRAINT pk_spent_challenges PRIMARY KEY
        CONSTRAINT ck_spent_challenges_digest_length CHECK (length(digest) = 32),
    expires_at timestamptz NOT NULL
);
CREATE INDEX IF NOT EXISTS ix_spent_challenges_expires_at ON spent_challenges (expires_at);

CREATE TABLE IF NOT EXISTS factor_resets (
    user_id uuid NOT NULL CONSTRAINT pk_factor_resets PRIMARY KEY
        CONSTRAINT fk_factor_resets_user_id REFERENCES users (id) ON DELETE CASCADE,
    credential_version integer NOT NULL,
    reminded smallint NOT NULL DEFAULT 0,
    asked_at timestamptz NOT NULL DEFAULT now(),
    due_at timestamptz NOT NULL
);
CREATE INDEX IF NOT EXISTS ix_factor_resets_due_at ON factor_resets (due_at);
"""
DOWNGRADE = """
DROP TABLE factor_resets, spent_challenges, challenges, pending_logins, recovery_codes, passkeys,
    app_secrets;
ALTER TABLE login_sessions DROP COLUMN factor_at;
ALTER TABLE known_browsers DROP COLUMN trusted_until;
ALTER TABLE roles DROP COLUMN factor_required;
ALTER TABLE users DROP COLUMN factor_due_at, DROP COLUMN factor_failures, DROP COLUMN factors;
"""


def upgrade() -> None:
    for statement in filter(str.strip, UPGRADE.split(";\n")):
        op.execute(statement)
    build_indexes("users", {"ix_users_factors": "(factors) WHERE factors > 0"})


def downgrade() -> None:
    drop_index("users", "ix_users_factors")
    for statement in filter(str.strip, DOWNGRADE.split(";\n")):
        op.execute(statement)
