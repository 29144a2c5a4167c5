# The trainer.
FROM python:3.11-slim AS pin
COPY pyproject.toml ./
RUN sed -n 's/^ *"\(torch==[^"]*\)".*/\1/p' pyproject.toml > /torch.txt

FROM python:3.11-slim

ENV PYTHONUNBUFFERED=1 PYTHONSAFEPATH=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore \
    OMP_NUM_THREADS=1
RUN useradd --uid 10001 --create-home saddlepoint && install -d -o saddlepoint -g saddlepoint /data
WORKDIR /opt/saddlepoint

# torch first and alone, from an index of CPU wheels: those of PyPI bring the CUDA packages along. Empty leaves the
# choice to pip's own settings. The layer stays until the pin changes.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
COPY --from=pin /torch.txt ./
RUN pip install --no-deps ${TORCH_INDEX:+--index-url "$TORCH_INDEX"} --requirement torch.txt

# Then the packages of others, a layer that stays until pyproject.toml changes.
COPY pyproject.toml README.md ./
RUN pip install '.[trainer,mujoco]'

COPY saddlepoint saddlepoint
COPY trainer trainer
RUN pip install --no-deps .

USER saddlepoint
WORKDIR /data
CMD ["python", "-m", "trainer"]
