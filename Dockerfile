# The service for a deployment that brings its own PostgreSQL and Redis or Valkey: no embedded
# servers inside, no compiler, no root.

FROM python:3.11-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/demandlink
WORKDIR /src
COPY requirements-runtime.txt ./
RUN /opt/demandlink/bin/pip install --require-hashes -r requirements-runtime.txt
COPY pyproject.toml README.md ./
COPY app ./app
COPY workers ./workers
COPY sandbox ./sandbox
RUN /opt/demandlink/bin/pip install --no-deps --no-build-isolation .

FROM python:3.11-slim
RUN useradd --system --uid 10001 --create-home --home-dir /var/lib/demandlink demandlink
COPY --from=build /opt/demandlink /opt/demandlink
ENV PATH=/opt/demandlink/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    HOST=0.0.0.0 \
    PORT=8080 \
    DEMANDLINK_DATA_DIR=/var/lib/demandlink
USER demandlink
WORKDIR /var/lib/demandlink
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen('http://127.0.0.1:' + os.environ['PORT'] + '/healthz', timeout=4)"]
CMD ["demandlink", "serve"]
