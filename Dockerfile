# One image for every process of a node; docker-compose.yml says which runs what.
FROM python:3.11-slim-bookworm

ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 DATA_DIR=/data HOST=0.0.0.0

RUN useradd --system --uid 10001 --create-home haomaku \
    && install --directory --owner=haomaku --mode=0700 /data

WORKDIR /app
COPY requirements.txt ./
RUN pip install --no-cache-dir --require-hashes -r requirements.txt
COPY manage.py ./
COPY config config
COPY registry registry
COPY optout optout
COPY locale locale

USER haomaku
VOLUME /data
EXPOSE 8000 8001
CMD ["granian", "--interface", "asgi", "--no-ws", "--host", "0.0.0.0", "--port", "8000", "config.asgi:application"]
