-- Some thousands of rows in every table that grows, so that plans are those of a site in use.
INSERT INTO users (email, email_key, username, username_key, password_hash, role_id, confirmed_at,
    blocked_at, delete_at)
SELECT 'pat' || n || '@example.com', 'pat' || n || '@example.com', 'pat' || n, 'pat' || n, 'x',
    1 + (n % 1000 = 1)::int, now(), CASE WHEN n % 500 = 7 THEN now() END,
    CASE WHEN n % 500 = 9 THEN now() - interval '1 day' END
FROM generate_series(1, 4000) AS n;
CREATE TEMPORARY TABLE numbered AS SELECT id, row_number() OVER () AS n FROM users;
INSERT INTO login_sessions (digest, user_id, credential_version, remembered, seen_at, expires_at, ip,
    user_agent)
SELECT sha256(n::text::bytea || number::text::bytea), id, 1, number = 1,
    now() - interval '1 minute' * (n % 130),
    now() + interval '1 hour' * (n % 100 - 1), '192.0.2.7', 'a browser'
FROM numbered, generate_series(1, 2) AS number;
INSERT INTO known_browsers (user_id, digest, seen_at)
SELECT id, sha256(n::text::bytea || number::text::bytea), now() - interval '1 day' * (n % 370)
FROM numbered, generate_series(1, 2) AS number;
INSERT INTO held_addresses (user_id, email_key)
SELECT id, 'pat' || n || '@' || number || '.example' FROM numbered, generate_series(1, 2) AS number;
INSERT INTO registrations (email, email_key, username, username_key, password_hash, fingerprint,
    expires_at)
SELECT 'r' || n || '@example.com', 'r' || n || '@example.com', 'r' || n, 'r' || n, 'x', 'xx',
    now() + interval '1 hour' * (n % 100 - 1)
FROM numbered;
INSERT INTO one_time_tokens (digest, purpose, user_id, email, expires_at)
SELECT sha256(n::text::bytea), 'reset', id, 'p@example.com', now() + interval '1 hour' * (n % 100 - 1)
FROM numbered;
INSERT INTO one_time_tokens (digest, purpose, registration_id, expires_at)
SELECT sha256(id::text::bytea), 'confirm', id, expires_at FROM registrations;
INSERT INTO rate_limit_buckets (key, tries, free_at, forget_at)
SELECT sha256(n::text::bytea), 1, now(), now() + interval '1 hour' * (n % 100 - 1) FROM numbered;
INSERT INTO outbox (recipient, subject, created_at, due_at, sent_at, gave_up_at)
SELECT 'pat' || n || '@example.com', 's', now() - interval '1 hour' * (n % 400),
    now() - interval '1 hour' * (n % 400), CASE WHEN n % 100 > 1 THEN now() - interval '1 hour' * (n % 400) END,
    CASE WHEN n % 100 = 1 THEN now() - interval '1 hour' * (n % 400) END
FROM numbered;
INSERT INTO audit_events (at, event, actor_id, subject_id, ip, user_agent, request_id)
SELECT now() - interval '1 hour' * n * 2.2, 'event' || n % 40, id, id, '10.0.0.0'::inet + n % 2000,
    'a browser', 'x'
FROM numbered, generate_series(1, 2);

UPDATE login_sessions SET id = user_id WHERE remembered
    AND user_id = (SELECT id FROM users WHERE username = 'pat1');
INSERT INTO app_secrets (user_id, sealed, confirmed_at, removed_at)
SELECT id, decode(repeat('73', 53), 'hex'), now(), CASE WHEN random() < 0.1 THEN now() END FROM users
WHERE username <> 'pat1';
INSERT INTO passkeys (user_id, credential_id, public_key, domain, sign_count, is_first_factor,
    backup_eligible, backed_up, name, removed_at)
SELECT id, sha256(id::text::bytea), '', 'localhost', 0, true, true, true, 'Phone',
    CASE WHEN random() < 0.1 THEN now() END FROM users
WHERE username <> 'pat1';
INSERT INTO recovery_codes (user_id, digest, removed_at)
SELECT id, sha256((id::text || n)::bytea), CASE WHEN random() < 0.1 THEN now() END
FROM users, generate_series(1, 10) n;
INSERT INTO pending_logins (digest, user_id, credential_version, remembered, expires_at)
SELECT sha256(id::text::bytea), id, 1, false, now() + interval '1 min' FROM users;
INSERT INTO challenges (session_id, purpose, challenge, expires_at)
SELECT id, 'reauthenticate', sha256(id::text::bytea), now() + interval '1 min' FROM login_sessions;
INSERT INTO spent_challenges (digest, expires_at)
SELECT sha256(id::text::bytea), now() + interval '1 min' FROM users;
INSERT INTO factor_resets (user_id, credential_version, due_at)
SELECT id, 1, now() + random() * interval '7 d' FROM users;
INSERT INTO profile_values (user_id, name, value, search_key)
SELECT id, name, '+44 20 ' || n, '+4420' || n
FROM numbered, unnest(ARRAY['telephone', 'town']) AS name;
INSERT INTO sites (id, origin, name, need, identity)
SELECT ('11111111-2222-4333-8444-55555555555' || n + 4)::uuid, 'https://s' || n || '.example.com', 's' || n, 'signed-in', 'id' FROM generate_series(1, 5) n;
INSERT INTO gate_tickets (digest, site_id, session_id, nonce, path, expires_at)
SELECT sha256(s.id::text::bytea), (SELECT min(id::text)::uuid FROM sites), s.id, sha256('x'), '/',
    now() + interval '1 min' FROM login_sessions s;
INSERT INTO gate_sessions (digest, site_id, session_id)
SELECT sha256((s.id::text || sites.name)::bytea), sites.id, s.id FROM login_sessions s, sites
WHERE sites.name IN ('s1', 's2');
INSERT INTO groups (id, name) OVERRIDING SYSTEM VALUE SELECT n, 'g' || n FROM generate_series(1, 9) n;
INSERT INTO user_groups (user_id, group_id)
SELECT numbered.id, groups.id FROM numbered, groups WHERE (n + groups.id) % 4 = 0;
INSERT INTO api_tokens (user_id, digest, name, site_ids, reads_account, credential_version, expires_at)
SELECT id, sha256((id::text || 'token')::bytea), 't', '{}', true, 1, now() + interval '1 hour' * (n % 100 - 1)
FROM numbered;
INSERT INTO reserved_names (digest, user_id)
SELECT sha256((id::text || 'name')::bytea), id FROM numbered;
INSERT INTO user_notes (user_id, author_id, text)
SELECT id, id, 'note ' || number FROM numbered, generate_series(1, 2) AS number;
INSERT INTO daily_counts (day, event, number)
SELECT current_date - n::int, 'event' || number, n FROM numbered, generate_series(1, 3) AS number;
DROP TABLE numbered;
