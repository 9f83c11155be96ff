#!/bin/sh
# Chromium for the browser tests, from Debian's packages; without root, or elsewhere, it says what to do and goes on.
if command -v chromium >/dev/null 2>&1; then exit 0; fi
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "Installing Chromium for the browser tests ..."
    (apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core) >/dev/null 2>&1 && exit 0
fi
echo "Chromium is not installed: the browser tests will be skipped. To run them: sudo apt-get install chromium"
