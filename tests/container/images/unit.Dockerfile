# The service's image with systemd as its first process and the program installed as on a machine: `make install`.
FROM localhost/enroll:latest
USER 0:0
RUN apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends systemd systemd-sysv dbus \
 && rm -rf /var/lib/apt/lists/* && userdel enroll
COPY docker/systemd/enroll.service /usr/local/lib/systemd/system/enroll.service
COPY docker/systemd/enroll.sysusers /usr/local/lib/sysusers.d/enroll.conf
RUN systemd-sysusers && mkdir -p /etc/enroll \
 && printf 'ENROLL_DEMO=1\nENROLL_BIND=0.0.0.0\n' > /etc/enroll/enroll.conf && systemctl enable enroll.service
STOPSIGNAL SIGRTMIN+3
ENTRYPOINT ["/lib/systemd/systemd"]
