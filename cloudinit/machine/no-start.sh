#!/bin/sh
# Stands in as policy-rc.d while setup installs packages: 101 says that nothing
# may be started (invoke-rc.d(8)).
exit 101
