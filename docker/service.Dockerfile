# The HTTP service: no torch, no numpy, nothing that opens a policy.
FROM python:3.11-slim

ENV PYTHONUNBUFFERED=1 PYTHONSAFEPATH=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
RUN useradd --uid 10001 --create-home saddlepoint && install -d -o saddlepoint -g saddlepoint /data
WORKDIR /opt/saddlepoint

# What changes seldom first: the packages of others, a layer that stays until pyproject.toml changes.
COPY pyproject.toml README.md ./
RUN pip install '.[service]'

COPY saddlepoint saddlepoint
COPY service service
RUN pip install --no-deps .

USER saddlepoint
WORKDIR /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/livez', timeout=4)"]
CMD ["python", "-m", "service"]
