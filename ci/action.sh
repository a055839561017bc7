#!/usr/bin/env bash
# What action.yml runs: one scan, shown as annotations, a job summary and SARIF. Exit status 1 for findings, and for a
# scan that failed: silence would look like a clean one.
#
# Reads: YETT (the command), BASE (what a pull request starts from), INPUT_*, and GitHub's GITHUB_* and RUNNER_TEMP.
set -euo pipefail

cd "${GITHUB_WORKSPACE:-.}"
reports=$(mktemp -d "${RUNNER_TEMP:-/tmp}/yett-scan.XXXXXX")
path=${INPUT_PATH:-.}
since=${INPUT_SINCE:-${BASE:-}}
[ "$since" = all ] && since=

words=(--fail-on "${INPUT_FAIL_ON:-high}" --format github)
words+=(--report "sarif=$reports/yett.sarif" --report "markdown=$reports/summary.md" --report "json=$reports/yett.json")
[ -n "${INPUT_BASELINE:-}" ] && words+=(--baseline "$INPUT_BASELINE")

if [ -n "$since" ]; then
  # A checkout of depth 1 has neither the base nor the commits between: a secret that one added and the next took out
  # again would go unseen.
  if [ "$(git -C "$path" rev-parse --is-shallow-repository)" = true ]; then
    git -C "$path" fetch --quiet --no-tags --unshallow origin ||
      git -C "$path" fetch --quiet --no-tags --depth=1 origin "$since" ||
      echo "::warning title=Yett::history could not be fetched; check out with fetch-depth: 0"
  fi
  words+=(--since "$since")
fi

status=0
"$YETT" scan "${words[@]}" -- "$path" || status=$?

if [ ! -s "$reports/yett.json" ]; then
  echo "::error title=Yett::the scan failed; its reason stands above this line"
  exit 1
fi
cat "$reports/summary.md" >>"${GITHUB_STEP_SUMMARY:-/dev/null}"
{
  # the first such key is that of "stats"; a quote within a text would stand behind a backslash
  echo "findings=$(sed -n 's/^ *"open": \([0-9]*\),$/\1/p' "$reports/yett.json" | head -n 1)"
  echo "sarif=$reports/yett.sarif"
} >>"${GITHUB_OUTPUT:-/dev/null}"
exit "$status"
