# A server that speaks S3, to try the stack on object storage. It keeps everything in memory: never for real work.
ARG BASE=python:3.11-slim
FROM ${BASE} AS base
ENV PYTHONUNBUFFERED=1 PYTHONSAFEPATH=1 PYTHONDONTWRITEBYTECODE=1 HOME=/tmp
RUN useradd --uid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin saddlepoint

FROM base AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
COPY docker/storage.lock ./
RUN python -m venv --without-pip /opt/venv \
    && pip --python /opt/venv/bin/python install --require-hashes --requirement storage.lock

FROM base AS storage
ENV PATH=/opt/venv/bin:$PATH
COPY --from=build /opt/venv /opt/venv
COPY docker/storage.py /opt/storage.py
USER 10001:10001
WORKDIR /tmp
EXPOSE 9000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=4s --start-period=30s --retries=6 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:9000/', timeout=3)"]
ENTRYPOINT ["python", "/opt/storage.py"]

ARG REVISION=unknown
LABEL org.opencontainers.image.title="saddlepoint-storage" \
    org.opencontainers.image.description="S3 in memory, to try Saddlepoint on" \
    org.opencontainers.image.version="0.1.0" \
    org.opencontainers.image.revision="${REVISION}"
