# One image, two commands: the API (the default) and `leverboard worker`.
FROM python:3.13-slim AS build
WORKDIR /app
COPY requirements-uv.lock requirements.lock ./
RUN python -m venv /opt/uv \
 && /opt/uv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements-uv.lock \
 && python -m venv /opt/leverboard \
 && /opt/uv/bin/uv pip sync --no-cache --require-hashes --compile-bytecode --python /opt/leverboard/bin/python requirements.lock
COPY analyses analyses
COPY service service
COPY migrations migrations
RUN /opt/leverboard/bin/python -m service.web.vendor && /opt/leverboard/bin/python -m compileall -q analyses service migrations
# With the runtime dependencies alone, every module must import: nothing of ours needs what only tests have.
RUN /opt/leverboard/bin/python -c "import importlib, pkgutil, analyses, service; \
[importlib.import_module(found.name) for root in (analyses, service) \
 for found in pkgutil.walk_packages(root.__path__, root.__name__ + '.') if not found.name.endswith('__main__')]"

FROM python:3.13-slim
# What reports as PDF are set with, and in: Pango, and letters of every language that reports speak.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 \
    fonts-dejavu-core fonts-noto-cjk \
 && rm -rf /var/lib/apt/lists/*
RUN useradd --system --uid 10001 --create-home leverboard \
 && mkdir --parents /data /var/cache/leverboard && chown leverboard /data /var/cache/leverboard
COPY --from=build /opt/leverboard /opt/leverboard
COPY --from=build /app/analyses /app/analyses
COPY --from=build /app/service /app/service
COPY --from=build /app/migrations /app/migrations
WORKDIR /app
ENV PATH=/opt/leverboard/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    MALLOC_ARENA_MAX=2 \
    PYTENSOR_FLAGS=base_compiledir=/var/cache/leverboard \
    NUMBA_CACHE_DIR=/var/cache/leverboard \
    LEVERBOARD_DATA_DIR=/data \
    LEVERBOARD_HOST=0.0.0.0 \
    LEVERBOARD_LOG_FORMAT=json
USER leverboard
VOLUME /data
EXPOSE 8000
ENTRYPOINT ["python", "-m", "service.cli"]
CMD ["serve", "--no-worker"]
