# The HTTP service: no torch, no numpy, nothing that opens a policy.
ARG BASE=python:3.11-slim
FROM ${BASE} AS base
ENV PYTHONUNBUFFERED=1 PYTHONSAFEPATH=1 PYTHONDONTWRITEBYTECODE=1 HOME=/tmp
RUN useradd --uid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin saddlepoint \
    && install -d -o saddlepoint -g saddlepoint /data

# What changes seldom first: the packages of others, a layer that stays until their lock changes.
FROM base AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
COPY docker/build.lock ./
RUN pip install --require-hashes --requirement build.lock
COPY docker/service.lock ./
RUN python -m venv --without-pip /opt/venv \
    && pip --python /opt/venv/bin/python install --require-hashes --requirement service.lock
COPY pyproject.toml README.md ./
COPY saddlepoint saddlepoint
COPY service service
RUN pip install --no-deps --no-build-isolation --target /opt/saddlepoint .

FROM base AS service
ENV PATH=/opt/venv/bin:$PATH PYTHONPATH=/opt/saddlepoint
COPY --from=build /opt/venv /opt/venv
COPY --from=build /opt/saddlepoint /opt/saddlepoint
USER 10001:10001
WORKDIR /data
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/livez', timeout=4)"]
ENTRYPOINT ["python", "-m", "service"]

ARG REVISION=unknown
LABEL org.opencontainers.image.title="saddlepoint-service" \
    org.opencontainers.image.description="Saddlepoint's HTTP service" \
    org.opencontainers.image.version="0.1.0" \
    org.opencontainers.image.revision="${REVISION}"
