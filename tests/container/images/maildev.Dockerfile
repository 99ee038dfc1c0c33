# maildev itself, from npm, under its image's name, where no registry of images can be reached.
FROM debian:12-slim
RUN apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends nodejs npm ca-certificates \
 && npm install -g --no-audit --no-fund --loglevel=error maildev@2.2.1 && rm -rf /var/lib/apt/lists/* /root/.npm
EXPOSE 1025 1080
ENTRYPOINT ["maildev"]
