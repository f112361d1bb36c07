--
-- PostgreSQL database dump
--

SET statement_timeout = 0;

COPY public.users (id, email, password_hash) FROM stdin;
1	anna@example.com	scrypt:1024:8:1$6VED0piCCKNleQeO$66f4230327f4dc54b1e92ba076c443715c84c7e727b8e8f20b6407ca3dee7719a39bc1f98408d7680ee60cab760563fa1ceabe18c58c36866740442acbe22c7e
\.
