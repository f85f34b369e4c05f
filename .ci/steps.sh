# Sourced by .ci/run and tests/run: named steps with their seconds.

step_names=()
step_seconds=()
step_notes=()

# step NAME COMMAND…: runs it, notes how long it took, ends the run if it fails.
step() {
    local name=$1 began=$SECONDS
    shift
    printf '\n==> %s\n' "$name"
    if "$@"; then
        step_names+=("$name")
        step_seconds+=($((SECONDS - began)))
    else
        local status=$?
        printf '\nFAILED: %s (after %d s): %s\n' "$name" $((SECONDS - began)) "$*" >&2
        exit "$status"
    fi
}

# not_run WHAT WHY: under CI nothing is skipped silently, so there it is a failure.
not_run() {
    if [ "${CI:-}" = true ]; then
        printf '\nFAILED: %s cannot run: %s\n' "$1" "$2" >&2
        exit 1
    fi
    step_notes+=("NOT RUN: $1: $2")
    printf 'NOT RUN: %s: %s\n' "$1" "$2"
}

# note TEXT: shown again at the end.
note() {
    step_notes+=("$1")
    printf '%s\n' "$1"
}

# summary TITLE
summary() {
    printf '\n%s: everything passed in %d s\n' "$1" "$SECONDS"
    local i
    for i in "${!step_names[@]}"; do
        printf '%6d s  %s\n' "${step_seconds[$i]}" "${step_names[$i]}"
    done
    for i in "${!step_notes[@]}"; do
        printf '%s\n' "${step_notes[$i]}"
    done
}

# python_with FOLDER REQUIREMENTS: a virtual environment in FOLDER with the pinned, checksummed packages.
python_with() {
    local folder=$1 requirements=$2
    if [ -x "$folder/bin/python" ] && cmp -s "$requirements" "$folder/installed.txt"; then
        return 0
    fi
    rm -rf "$folder"
    python3 -m venv "$folder" &&
        "$folder/bin/python" -m pip install --quiet --disable-pip-version-check --only-binary :all: \
            --require-hashes -r "$requirements" &&
        cp "$requirements" "$folder/installed.txt"
}
