# What plays and trains: the targets `worker` (with other words also the validator and the reconciler) and `trainer`,
# which share the packages of others as one layer. VARIANT is cpu or gpu.
ARG BASE=python:3.11-slim
FROM ${BASE} AS base
ENV PYTHONUNBUFFERED=1 PYTHONSAFEPATH=1 PYTHONDONTWRITEBYTECODE=1 HOME=/tmp OMP_NUM_THREADS=1
RUN useradd --uid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin saddlepoint \
    && install -d -o saddlepoint -g saddlepoint /data

FROM base AS packages
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
COPY docker/build.lock ./
RUN pip install --require-hashes --requirement build.lock
# torch's CPU builds are on an index of their own; which file it may be is the lock's to say. Empty leaves the place to
# pip's own settings.
ARG VARIANT=cpu
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
COPY docker/engine-${VARIANT}.lock engine.lock
RUN python -m venv --without-pip /opt/venv \
    && pip --python /opt/venv/bin/python install ${TORCH_INDEX:+--extra-index-url "$TORCH_INDEX"} \
        --require-hashes --requirement engine.lock
COPY pyproject.toml README.md ./
COPY saddlepoint saddlepoint

FROM packages AS worker-code
COPY worker worker
RUN pip install --no-deps --no-build-isolation --target /opt/saddlepoint .

FROM packages AS trainer-code
COPY trainer trainer
RUN pip install --no-deps --no-build-isolation --target /opt/saddlepoint .

FROM base AS engine
ENV PATH=/opt/venv/bin:$PATH PYTHONPATH=/opt/saddlepoint SADDLEPOINT_PULSE_FILE=/tmp/pulse
COPY --from=packages /opt/venv /opt/venv
USER 10001:10001
WORKDIR /data
STOPSIGNAL SIGTERM
# Asked often and by every container, so it starts no Python.
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=3 \
    CMD ["sh", "-c", "find /tmp/pulse -mmin -2 | grep -q ."]
ARG REVISION=unknown
LABEL org.opencontainers.image.version="0.1.0" \
    org.opencontainers.image.revision="${REVISION}"

FROM engine AS trainer
COPY --from=trainer-code /opt/saddlepoint /opt/saddlepoint
LABEL org.opencontainers.image.title="saddlepoint-trainer" \
    org.opencontainers.image.description="Trains policies for Saddlepoint"
ENTRYPOINT ["python", "-m", "trainer"]

FROM engine AS worker
COPY --from=worker-code /opt/saddlepoint /opt/saddlepoint
LABEL org.opencontainers.image.title="saddlepoint-worker" \
    org.opencontainers.image.description="Plays, validates and reconciles for Saddlepoint"
ENTRYPOINT ["python", "-m", "worker"]
CMD ["--queue", "evaluate"]
