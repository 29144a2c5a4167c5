# Redis as its own user from the start, in a folder that is that user's, so that it needs no capability.
ARG BASE=redis:7
FROM ${BASE} AS redis
RUN install -d -o redis -g redis /var/lib/saddlepoint-redis
COPY docker/redis.conf /etc/saddlepoint-redis.conf
USER redis
WORKDIR /var/lib/saddlepoint-redis
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=3s --timeout=3s --start-period=10s --retries=20 \
    CMD ["redis-cli", "ping"]
ENTRYPOINT ["redis-server", "/etc/saddlepoint-redis.conf"]
CMD []

ARG REVISION=unknown
LABEL org.opencontainers.image.title="saddlepoint-redis" \
    org.opencontainers.image.description="The queue of Saddlepoint" \
    org.opencontainers.image.version="0.1.0" \
    org.opencontainers.image.revision="${REVISION}"
