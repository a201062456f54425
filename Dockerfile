# syntax=docker/dockerfile:1
# One image for every part: `augur api`, `augur worker`, `augur migrate`, or `augur serve` with a
# DATABASE_URL. The program runs as a user without rights on a file system that may be read-only:
# it writes to /var/lib/augur (files, if STORAGE_URL lies there) and /tmp alone.

FROM rust:1.95-bookworm AS build
WORKDIR /source
COPY . .
# The caches make a second build quick; the program is copied out of them, because they are no layer.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/source/target \
    SQLX_OFFLINE=true cargo build --release --locked --package augur \
    && cp target/release/augur /augur

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --system --gid 10001 augur \
    && useradd --system --uid 10001 --gid augur --home-dir /var/lib/augur --no-create-home \
        --shell /usr/sbin/nologin augur \
    && install --directory --owner augur --group augur --mode 0700 /var/lib/augur
COPY --from=build /augur /usr/local/bin/augur

USER 10001:10001
WORKDIR /var/lib/augur
VOLUME ["/var/lib/augur"]
ENV AUGUR_LISTEN=0.0.0.0:8000 \
    AUGUR_DATA_DIR=/var/lib/augur \
    STORAGE_URL=file:///var/lib/augur/objects
EXPOSE 8000

# Asks the process of this container over HTTP; cheap enough for every few seconds.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["augur", "doctor", "--alive"]
# The program stops gracefully on SIGTERM: requests in flight end, jobs go back to the queue.
STOPSIGNAL SIGTERM
ENTRYPOINT ["augur"]
CMD ["api"]
