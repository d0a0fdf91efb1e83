# The container of EmberEye edge: Debian's own official image, and the .deb that `npm run release` made.
# Nothing is compiled here. Why it is built so: docs/containers.md.
#
#   npm run release -- --arch x64,arm64
#   docker build -t embereye .                          for this machine
#   docker build -t embereye --platform linux/arm64 .   for a Raspberry Pi or a Jetson
#
# A tag and no digest: whoever builds gets Debian's security fixes of the day. For an image that can be
# built again to the byte, name the digest: --build-arg BASE=docker.io/library/debian@sha256:...
ARG BASE=docker.io/library/debian:trixie-slim

FROM ${BASE} AS installed
# A fixed number: files in volumes must still belong to this user when a later image has other
# system users. Debian hands the numbers below 1000 out from the top, so this one is free.
RUN groupadd --system --gid 488 embereye \
 && useradd --system --uid 488 --gid 488 --no-create-home --home-dir /var/lib/embereye \
    --shell /usr/sbin/nologin embereye
COPY out/release/*.deb /release/
RUN set -eu; \
    arch=$(dpkg --print-architecture); \
    set -- /release/embereye_*_"$arch".deb; \
    if [ $# -ne 1 ] || [ ! -e "$1" ]; then \
      echo "out/release must hold one .deb for $arch, and has: $*" >&2; \
      echo "empty it, then: npm run release -- --arch x64,arm64" >&2; \
      exit 1; \
    fi; \
    apt-get update; \
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$1" tini; \
    apt-get clean; \
    rm -rf /release /var/lib/apt/lists/* /var/cache/debconf/*-old /var/log/*; \
    find / -xdev -type f -perm /6000 -exec chmod a-s {} +; \
    install -d -o embereye -g embereye -m 0750 /var/lib/embereye; \
    install -d -o embereye -g embereye -m 0755 /run/embereye
COPY --chmod=0755 container/entrypoint /usr/local/bin/embereye-container

# One layer: the .deb and what was removed above are not carried along.
FROM scratch
COPY --from=installed / /
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    ORT_DISABLE_TELEMETRY=1
LABEL org.opencontainers.image.title="EmberEye edge" \
      org.opencontainers.image.description="Edge runtime for fire detection" \
      org.opencontainers.image.licenses="Apache-2.0"
USER embereye
# Boards dial in here; metrics and health.
EXPOSE 4888 9090
VOLUME ["/etc/embereye", "/var/lib/embereye"]
# Judges the step and the outputs and nothing else: dead sensors and brokers are no reason to restart.
HEALTHCHECK --interval=30s --timeout=15s --start-period=60s --retries=3 \
  CMD ["embereye-container", "healthcheck"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["embereye-container"]
CMD ["run"]
