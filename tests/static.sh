#!/bin/bash
# The committed style sheet, scripts and fonts are what server/static/src gives, and stay light.
cd "$(dirname "$0")/.." || exit 1
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
status=0
check() {
	if [ "$1" = 0 ]; then echo "ok - $2"; else echo "not ok - $2"; status=1; fi
}

make -s server/static/src/node_modules/.package-lock.json > /dev/null && node server/static/src/build.mjs "$out" &&
	(cd "$out" && find . -type f | while read -r f; do cmp "$f" "$OLDPWD/server/static/$f" || exit 1; done)
check $? "server/static is what \`make static\` writes"

! grep -l '"resolved"' server/static/src/package-lock.json tests/browser/package-lock.json
check $? "the npm locks name no registry"

bytes=$(for f in app.css app.js favicon.svg; do gzip -9nc "server/static/$f"; done | wc -c)
bytes=$((bytes + $(cat server/static/fonts/*-next-[47]00.woff2 | wc -c)))
[ "$bytes" -lt 80000 ]
check $? "style, script, fonts and icon of a first view weigh less than 80 kB compressed ($bytes bytes)"
exit $status
