#!/bin/sh
# A task that reads its secrets as Flyte's SDK does: by a variable, else by a file.
secret() {
  name=$(printf '%s%s_%s' "$FLYTE_SECRETS_ENV_PREFIX" "$1" "$2" | tr '[:lower:]' '[:upper:]')
  file="$FLYTE_SECRETS_DEFAULT_DIR/$1/$FLYTE_SECRETS_FILE_PREFIX$2"
  if value=$(printenv "$name"); then found="variable $name"
  elif value=$(cat "$file" 2>/dev/null); then found="file $file"
  else found=nowhere; fi
  printf '%-14s %2d characters, from %s\n' "$1/$2" "${#value}" "$found"
}
secret db password
secret db ca.crt
secret tracker token
printf 'DB_PASSWORD    %2d characters\n' "${#DB_PASSWORD}"
