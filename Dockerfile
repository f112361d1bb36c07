# One image for `migrate`, `serve` and `mailer`.
# No syntax line: the engine's own frontend can do all of this.

FROM python:3.13-slim AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
# Files in an image never change, so bytecode needn't check its source (unchecked-hash).
ENV COMPILE="python -m compileall -q --invalidation-mode unchecked-hash"

COPY requirements.lock /tmp/
RUN python -m venv --without-pip /opt/vestibule \
 && pip --python /opt/vestibule/bin/python install \
      --require-hashes --no-deps --only-binary :all: --no-compile -r /tmp/requirements.lock \
 && $COMPILE /opt/vestibule

WORKDIR /srv/vestibule
COPY alembic.ini ./
COPY templates templates
COPY alembic alembic
COPY app app
# The checkout's umask must not decide what the unprivileged user can read.
RUN chmod -R u=rwX,go=rX . && $COMPILE app alembic


FROM python:3.13-slim
RUN groupadd --gid 10001 vestibule \
 && useradd --uid 10001 --gid 10001 --no-log-init --no-create-home --home-dir /nonexistent \
      --shell /usr/sbin/nologin vestibule
# Everything belongs to root, so the server can't change its own program.
COPY --from=build /opt/vestibule /opt/vestibule
COPY --from=build /srv/vestibule /srv/vestibule

WORKDIR /srv/vestibule
ENV PATH=/opt/vestibule/bin:$PATH
# The base image has no bytecode for Python's own library, and no one can write it later. Without
# this, every process would compile the same hundred modules when it starts.
RUN python -c 'import app.cli.program'
ENV PYTHONDONTWRITEBYTECODE=1 BIND=0.0.0.0:5000
USER 10001:10001
EXPOSE 5000
# With a plain socket: this runs every few seconds, and urllib costs twice as much.
HEALTHCHECK --interval=5s --timeout=5s --start-period=30s --start-interval=1s --retries=3 \
  CMD ["python", "-IS", "-c", "import socket, sys\n\
s = socket.create_connection(('127.0.0.1', 5000), 4)\n\
s.sendall(b'GET /health/ready HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n')\n\
sys.exit(b' 200 ' not in s.makefile('rb').read()[:13])"]
ENTRYPOINT ["python", "-m", "app"]
CMD ["serve"]
