#!/bin/sh
# Stands in front of the program in the scenario tests, and keeps what it says with --json for json_schemas_test.py. The program
# takes this script's place, so signals and exit codes are its own.
program=@PROGRAM@
folder=@FOLDER@

# A deliberately broken build is judged by the tests that are after it, not by its JSON.
[ -z "$CUBE_MUTATION" ] || exec "$program" "$@"
case " $* " in
*" --json "*) ;;
*) exec "$program" "$@" ;;
esac
place=$(mktemp -d "$folder/XXXXXXXX") || exec "$program" "$@"
{
  basename "$program"
  printf '%s\n' "$@"
} >"$place/command"
mkfifo "$place/pipe"
tee "$place/output" <"$place/pipe" &
exec "$program" "$@" >"$place/pipe"
