# maildev itself, as npm gave it to the machine (run.sh), under its image's name, where no registry of images is reached.
FROM debian:12-slim
RUN apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends nodejs && rm -rf /var/lib/apt/lists/*
COPY maildev /opt/maildev
EXPOSE 1025 1080
ENTRYPOINT ["/opt/maildev/node_modules/.bin/maildev"]
