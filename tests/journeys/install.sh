#!/bin/sh
# What the journeys need of the machine: Debian's Chromium and a font for Chinese. Installed as root, once, if missing.
# Where that cannot be, says so and succeeds all the same: the other tests run, and the journeys skip or, in CI, fail.
set -u

CHROMIUM=/usr/bin/chromium
CHINESE_FONT=/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc
PACKAGES="chromium fonts-noto-cjk"

without() {
    echo "$1 The browser journeys are not tested. By hand: apt-get install $PACKAGES" >&2
    exit 0
}

install_packages() {
    # shellcheck disable=SC2086 # several words are meant
    DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends --no-remove \
        -o DPkg::Lock::Timeout=120 -o Acquire::Retries=1 -o Acquire::http::Timeout=20 $PACKAGES
}

[ -x "$CHROMIUM" ] && [ -e "$CHINESE_FONT" ] && exit 0
command -v apt-get >/dev/null || without "There is no $CHROMIUM or no $CHINESE_FONT here, and no apt-get."
[ "$(id -u)" = 0 ] || without "$CHROMIUM or $CHINESE_FONT is missing, and only root can install them."

echo "Installing $PACKAGES for the browser journeys …"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# Lists of packages that are missing or old are fetched only when the first try shows it.
install_packages >"$log" 2>&1 ||
    { apt-get update -qq -o Acquire::Retries=1 -o Acquire::http::Timeout=20 && install_packages; } >"$log" 2>&1 ||
    { tail -n 5 "$log" >&2; without "apt-get could not install them."; }
