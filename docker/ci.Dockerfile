# Where `make test` runs: everything the build and the tests need, so that a run starts at once.
#   docker build -f docker/ci.Dockerfile -t enroll-ci . && docker run --rm -v "$PWD:/src" enroll-ci
FROM debian:12
WORKDIR /src
COPY docker/install.sh docker/run.txt docker/build.txt docker/test.txt docker/
RUN apt-get update -q && apt-get install -q -y --no-install-recommends git && docker/install.sh run build test && rm -rf /var/lib/apt/lists/*
RUN git config --system --add safe.directory /src
CMD ["bash", ".ci/run"]
