"""The gate: sites, their rules, tickets, sessions, groups, tokens, reserved names.

Revision 0012. New tables, and a trigger on users that does nothing before the first site is there:
the program before this revision does not notice them.
"""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE sites (
    id uuid NOT NULL DEFAULT gen_random_uuid() CONSTRAINT pk_sites PRIMARY KEY,
    origin text NOT NULL CONSTRAINT uq_sites_origin UNIQUE
        CONSTRAINT ck_sites_origin_length CHECK (length(origin) <= 300),
    name text NOT NULL CONSTRAINT ck_sites_name_length CHECK (length(name) BETWEEN 1 AND 60),
    need text NOT NULL,
    identity text NOT NULL
        CONSTRAINT ck_sites_identity CHECK (identity IN ('id', 'username', 'email')),
    enabled boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE site_paths (
    site_id uuid NOT NULL
        CONSTRAINT fk_site_paths_site_id REFERENCES sites (id) ON DELETE CASCADE,
    prefix text NOT NULL
        CONSTRAINT ck_site_paths_prefix_length CHECK (length(prefix) BETWEEN 1 AND 500),
    need text NOT NULL,
    CONSTRAINT pk_site_paths PRIMARY KEY (site_id, prefix)
);
CREATE TABLE gate_tickets (
    digest bytea NOT NULL CONSTRAINT pk_gate_tickets PRIMARY KEY
        CONSTRAINT ck_gate_tickets_digest_length CHECK (length(digest) = 32),
    site_id uuid NOT NULL
        CONSTRAINT fk_gate_tickets_site_id REFERENCES sites (id) ON DELETE CASCADE,
    session_id uuid NOT NULL
        CONSTRAINT fk_gate_tickets_session_id REFERENCES login_sessions (id) ON DELETE CASCADE,
    nonce bytea NOT NULL CONSTRAINT ck_gate_tickets_nonce_length CHECK (length(nonce) = 32),
    path text NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX ix_gate_tickets_site_id ON gate_tickets (site_id);
CREATE INDEX ix_gate_tickets_session_id ON gate_tickets (session_id);
CREATE INDEX ix_gate_tickets_expires_at ON gate_tickets (expires_at);
CREATE TABLE gate_sessions (
    id uuid NOT NULL DEFAULT gen_random_uuid() CONSTRAINT pk_gate_sessions PRIMARY KEY,
    digest bytea NOT NULL CONSTRAINT uq_gate_sessions_digest UNIQUE
        CONSTRAINT ck_gate_sessions_digest_length CHECK (length(digest) = 32),
    site_id uuid NOT NULL
        CONSTRAINT fk_gate_sessions_site_id REFERENCES sites (id) ON DELETE CASCADE,
    session_id uuid NOT NULL
        CONSTRAINT fk_gate_sessions_session_id REFERENCES login_sessions (id) ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ix_gate_sessions_site_id ON gate_sessions (site_id);
CREATE INDEX ix_gate_sessions_session_id_site_id ON gate_sessions (session_id, site_id);
CREATE TABLE groups (
    id integer GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_groups PRIMARY KEY,
    name text NOT NULL CONSTRAINT uq_groups_name UNIQUE
        CONSTRAINT ck_groups_name_length CHECK (length(name) BETWEEN 1 AND 64),
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE user_groups (
    user_id uuid NOT NULL
        CONSTRAINT fk_user_groups_user_id REFERENCES users (id) ON DELETE CASCADE,
    group_id integer NOT NULL
        CONSTRAINT fk_user_groups_group_id REFERENCES groups (id) ON DELETE CASCADE,
    added_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_user_groups PRIMARY KEY (user_id, group_id)
);
CREATE INDEX ix_user_groups_group_id ON user_groups (group_id);
CREATE TABLE api_tokens (
    id uuid NOT NULL DEFAULT gen_random_uuid() CONSTRAINT pk_api_tokens PRIMARY KEY,
    user_id uuid NOT NULL
        CONSTRAINT fk_api_tokens_user_id REFERENCES users (id) ON DELETE CASCADE,
    digest bytea NOT NULL CONSTRAINT uq_api_tokens_digest UNIQUE
        CONSTRAINT ck_api_tokens_digest_length CHECK (length(digest) = 32),
    name text NOT NULL CONSTRAINT ck_api_tokens_name_length CHECK (length(name) BETWEEN 1 AND 60),
    site_ids uuid[] NOT NULL,
    reads_account boolean NOT NULL,
    credential_version integer NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    used_at timestamptz,
    expires_at timestamptz NOT NULL
);
CREATE INDEX ix_api_tokens_user_id ON api_tokens (user_id);
CREATE INDEX ix_api_tokens_expires_at ON api_tokens (expires_at);
CREATE TABLE reserved_names (
    digest bytea NOT NULL CONSTRAINT pk_reserved_names PRIMARY KEY
        CONSTRAINT ck_reserved_names_digest_length CHECK (length(digest) = 32),
    user_id uuid NOT NULL,
    freed_at timestamptz NOT NULL DEFAULT now()
);
"""
# An application knows people by the names that we tell it. So, from the moment a site is there, a
# name that somebody gave up is nobody else's. Of it only a digest is kept: it outlives its user. An
# insertion of such a name does nothing, as where the name is somebody's; a change of one fails so.
FUNCTION = """
CREATE FUNCTION reserve_freed_names() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    wanted bytea[] := '{}';
    freed bytea[] := '{}';
BEGIN
    IF TG_OP = 'DELETE' THEN
        freed := ARRAY[sha256(convert_to(OLD.username_key, 'UTF8')),
            sha256(convert_to(OLD.email_key, 'UTF8'))];
    ELSIF TG_OP = 'INSERT' THEN
        wanted := ARRAY[sha256(convert_to(NEW.username_key, 'UTF8')),
            sha256(convert_to(NEW.email_key, 'UTF8'))];
    ELSE
        IF NEW.username_key <> OLD.username_key THEN
            wanted := wanted || sha256(convert_to(NEW.username_key, 'UTF8'));
            freed := freed || sha256(convert_to(OLD.username_key, 'UTF8'));
        END IF;
        IF NEW.email_key <> OLD.email_key THEN
            wanted := wanted || sha256(convert_to(NEW.email_key, 'UTF8'));
            freed := freed || sha256(convert_to(OLD.email_key, 'UTF8'));
        END IF;
    END IF;
    IF wanted <> '{}' THEN
        IF EXISTS (SELECT FROM reserved_names WHERE digest = ANY (wanted) AND user_id <> NEW.id)
        THEN
            IF TG_OP = 'INSERT' THEN
                RETURN NULL;
            END IF;
            RAISE unique_violation USING MESSAGE = 'the name is reserved';
        END IF;
        DELETE FROM reserved_names WHERE digest = ANY (wanted);
    END IF;
    IF freed <> '{}' AND EXISTS (SELECT FROM sites) THEN
        INSERT INTO reserved_names (digest, user_id) SELECT unnest(freed), OLD.id
            ON CONFLICT DO NOTHING;
    END IF;
    IF TG_OP = 'DELETE' THEN
        RETURN OLD;
    END IF;
    RETURN NEW;
END $$
"""
TRIGGER = """
CREATE TRIGGER reserve_freed_names
    BEFORE INSERT OR DELETE OR UPDATE OF username_key, email_key ON users
    FOR EACH ROW EXECUTE FUNCTION reserve_freed_names()
"""


def upgrade() -> None:
    for statement in filter(str.strip, TABLES.split(";\n")):
        op.execute(statement)
    op.execute(FUNCTION)
    op.execute(TRIGGER)


def downgrade() -> None:
    op.execute("DROP TRIGGER reserve_freed_names ON users")
    op.execute("DROP FUNCTION reserve_freed_names")
    op.execute(
        "DROP TABLE reserved_names, api_tokens, user_groups, groups, gate_sessions, gate_tickets, "
        "site_paths, sites"
    )
