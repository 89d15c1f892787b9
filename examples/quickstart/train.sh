#!/bin/sh
# An ordinary program: it knows nothing of bellhop, and would say the same in a Kubernetes pod.
echo "I was started as:  train.sh $*"
echo
echo "My variables:"
for name in LEARNING_RATE EPOCHS RUN_NAME TEAM OUT DB_PASSWORD; do
  eval "value=\${$name-(not set)}"
  case $name in *PASSWORD*) value="(a secret of ${#value} characters)" ;; esac
  printf '  %-14s %s\n' "$name" "$value"
done
echo
echo "My files:"
cd "${FILES:-/tmp/bellhop-quickstart/etc}" || exit 1
for folder in *; do
  echo "  $folder/"
  ls -lA "$folder" | sed -n 's/^\([dl-][rwxtsT-]*\) .* \([^ ]* -> .*\)$/    \1  \2/p'
  find -L "$folder" -name '..*' -prune -o -type f -exec ls -lL {} \; |
    sed 's/^\(-[rwx-]*\).* \([^ ]*\)$/    \1  \2/'
done
echo
echo "My process: pid $$. bellhop became me; nothing of it is left."
