#!/bin/sh
# Says why this machine does not serve what it should, for a person who reads
# it at the end of a failed run: what cloud-init, the packages, the units, the
# release follower and the workers have to say, each in a few lines.
set -u

section() { printf '\n%s\n' "$1"; }
indent() { sed 's/^/  /'; }

cloud=$(cloud-init status --long 2>/dev/null)
case $cloud in
*"status: done"*) ;;
*)
	section "cloud-init:"
	echo "$cloud" | grep -v '^$' | indent
	grep -E '^(E:|Err:|dpkg: error|WARNING|.*Failed )' /var/log/cloud-init-output.log 2>/dev/null | tail -n 10 | indent
	;;
esac

if [ ! -e /var/lib/escala/set-up ]; then
	section "the setup has not come to its end:"
	journalctl --unit escala-setup --no-pager --output cat 2>/dev/null |
		grep -E '^(E:|Err:|dpkg: error|.*[Ff]ailed )' | tail -n 10 | indent
fi

failed=$(systemctl --failed --no-legend --plain 2>/dev/null | awk '{print $1}')
for unit in $failed; do
	section "unit $unit failed:"
	journalctl --unit "$unit" --lines 5 --no-pager --output cat 2>/dev/null | indent
done

for unit in supervisor nginx release-follower; do
	systemctl is-active --quiet "$unit" 2>/dev/null || {
		section "unit $unit is $(systemctl is-active "$unit" 2>/dev/null)"
		journalctl --unit "$unit" --lines 5 --no-pager --output cat 2>/dev/null | indent
	}
done

if [ -f /var/lib/escala/refused ]; then
	section "the release follower refused a release:"
	cut -c 1-300 /var/lib/escala/refused | sed '1s/^[0-9a-f]* //' | indent
else
	section "the release follower says:"
	journalctl --unit release-follower --lines 5 --no-pager --output cat 2>/dev/null | indent
fi

for log in /var/log/escala/worker-*.log; do
	[ -s "$log" ] || continue
	section "last lines of $log:"
	tail -n 5 "$log" | cut -c 1-300 | indent
done
exit 0
