# One image for every service, and one for the load on them (target `load`). The base, the packages and their hashes are pinned.
# What is run has no compiler and no pip of its own, is nobody's user, and needs no writable file but on a tmpfs at
# /run/firebreak. For linux/amd64 and linux/arm64: every package of the locks comes as a wheel for both.
ARG PYTHON=python:3.11.14-slim-bookworm

FROM ${PYTHON} AS base
# Bytecode is compiled here once, because nobody can write it later. Large blocks of memory go back to the system when they are
# freed (testbed/interpreter.py), and threads share one heap: process 1 has it so from its start, and with it all that it forks.
ENV PATH=/opt/firebreak/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
    MALLOC_MMAP_THRESHOLD_=262144 MALLOC_ARENA_MAX=1

FROM base AS build
RUN python -m venv /opt/firebreak
WORKDIR /build

FROM build AS service-packages
COPY requirements/core.txt ./
RUN python -m pip install --quiet --no-cache-dir --disable-pip-version-check --no-compile --only-binary=:all: --require-hashes \
      -r core.txt \
 && python -m pip uninstall --quiet --yes pip setuptools \
 && python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/firebreak/lib

FROM build AS load-packages
COPY requirements/lab.txt ./
RUN python -m pip install --quiet --no-cache-dir --disable-pip-version-check --no-compile --only-binary=:all: --require-hashes \
      -r lab.txt \
 && python -m pip uninstall --quiet --yes pip setuptools \
 && python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/firebreak/lib

FROM build AS code
COPY . /app
RUN python -m compileall -q -j 0 --invalidation-mode unchecked-hash /app

FROM base AS rootless
LABEL org.opencontainers.image.title="Firebreak" \
      org.opencontainers.image.description="Services to observe and to break, kept by a process that holds their faults as leases" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="0.1.0"
RUN groupadd --gid 10001 firebreak \
 && useradd --uid 10001 --gid firebreak --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin firebreak
WORKDIR /app
USER 10001:10001

FROM rootless AS load
COPY --from=load-packages /opt/firebreak /opt/firebreak
COPY --from=code /app /app
CMD ["locust", "-f", "loadtests/locustfile.py"]

FROM rootless AS service
COPY --from=service-packages /opt/firebreak /opt/firebreak
COPY --from=code /app /app
HEALTHCHECK --interval=15s --timeout=3s --start-period=60s --start-interval=2s --retries=3 \
  CMD ["python", "-S", "-m", "testbed.container", "health"]
CMD ["python", "-m", "testbed.container"]
