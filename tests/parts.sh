# The parts of `./dev test`, sourced by ./dev. Each part keeps its output in build/test/<part>.log and shows it when it
# fails; the run ends with a table of parts and seconds and a line `N passed, N failed`.
# shellcheck shell=bash

parts=()
passed=0
failed=0

# part NAME COMMAND...
part() {
    local name=$1 log=build/test/$1.log started_at=$SECONDS outcome=ok
    shift
    step "$name"
    if ! "$@" >"$log" 2>&1; then
        outcome=FAILED
        tail -n 300 "$log"
    fi
    count "$log" $outcome
    parts+=("$(printf '%-20s %-7s %6d passed %4d failed %6d s' "$name" "$outcome" "$part_passed" "$part_failed" $((SECONDS - started_at)))")
    say "${parts[-1]}"
}

# Criterion closes with "Tested: 9 | Passing: 9 | Failing: 0 | Crashing: 0", pytest with "1 failed, 9 passed in 3.00s". A part
# that ran no test of its own (a build) counts as one. What crashed is among Criterion's failing already.
count() {
    part_passed=$(sed -nE 's/.*\| Passing: ([0-9]+) .*/\1/p; s/^(=* ?|.*, )([0-9]+) passed.* in [0-9.]+s.*/\2/p' "$1" | awk '{ n += $1 } END { print n + 0 }')
    part_failed=$(sed -nE 's/.*\| Failing: ([0-9]+) .*/\1/p; s/^(=* ?|.*, )([0-9]+) (failed|errors?).* in [0-9.]+s.*/\2/p' "$1" | awk '{ n += $1 } END { print n + 0 }')
    if [ "$2" = FAILED ] && [ "$part_failed" = 0 ]; then
        part_failed=1
    elif [ "$2" = ok ] && [ "$part_passed" = 0 ]; then
        part_passed=1
    fi
    passed=$((passed + part_passed))
    failed=$((failed + part_failed))
}

# A folder per compiler: where the compiler of a configured folder changes, cmake forgets the other settings.
build_strictly() {
    local preset=$1 compiler=$2 folder=build/$2-$1
    cmake --preset "$preset" -B "$folder" -DCMAKE_C_COMPILER="$compiler" -DGUICHE_WERROR=ON && cmake --build "$folder"
}

unit_tests() {
    ctest --test-dir "$1" --verbose --no-tests=error
}

# Reports of the sanitizers end the process and so fail the test that drives it.
with_sanitizers() {
    ASAN_OPTIONS=abort_on_error=1:detect_leaks=1:detect_stack_use_after_return=1 UBSAN_OPTIONS=print_stacktrace=1 \
        GUICHE_SANITIZED=1 "$@"
}

# Two files at a time: most of their time is waiting.
blackbox_tests() {
    local folder=$1
    shift
    GUICHE_BUILD=$folder build/clients/runner/bin/python -m pytest tests/blackbox -q -p no:cacheprovider -n 2 --dist loadfile "$@"
}

# Every request of the connectors against validating mocks of the vendors' OpenAPI files.
contract_tests() {
    GUICHE_BUILD=$1 build/clients/runner/bin/python -m pytest tests/contract -q -p no:cacheprovider
}

# The official suite and inspector, and servers of other people.
conformance_tests() {
    GUICHE_BUILD=$1 build/clients/runner/bin/python -m pytest tests/conformance -q -p no:cacheprovider -n 2 --dist loadfile
}

run_sanitizer_parts() {
    mkdir -p build/test
    part build-asan build_strictly asan clang
    part unit-asan with_sanitizers unit_tests build/clang-asan
    part clients-setup tests/clients/setup
    part blackbox-asan with_sanitizers blackbox_tests build/clang-asan -m 'not clients'
    part conformance-setup tests/conformance/setup
    part conformance-asan with_sanitizers conformance_tests build/clang-asan
}

run_all_parts() {
    mkdir -p build/test
    part lint tests/lint
    part build-gcc build_strictly dev gcc
    part build-clang build_strictly dev clang
    part build-release build_strictly release gcc
    part bench-smoke tests/bench/run --smoke --gateway-build build/gcc-release
    part unit unit_tests build/gcc-dev
    part clients-setup tests/clients/setup
    part blackbox blackbox_tests build/gcc-dev
    part contract-setup tests/contract/setup
    part contract contract_tests build/gcc-dev
    part conformance-setup tests/conformance/setup
    part conformance conformance_tests build/gcc-dev
    run_sanitizer_parts
    finish
}

finish() {
    step "Parts"
    printf '%s\n' "${parts[@]}"
    printf '\n%d passed, %d failed\n' "$passed" "$failed"
    [ "$failed" = 0 ]
}
