# Other processors than this machine's, emulated by qemu: x86-64 of several years, and 64-bit ARM, cross-compiled. Part of tools/dev,
# whose check, skip, need, build, say and die it uses.

emulator_packages="qemu-user"
aarch64_packages="g++-aarch64-linux-gnu"
# What it stands for, what qemu calls it, the widest level that it has. qemu knows no AVX-512.
emulated_machines="x86-64-with-AVX2:max:avx2 x86-64-of-2011:SandyBridge:portable x86-64-of-2008:Penryn:portable"
more_emulated_machines="x86-64-of-2013:Haswell:avx2 x86-64-of-2009:Nehalem:portable x86-64-of-2006:core2duo:portable x86-64-at-least:qemu64:portable"
# Shapes that an emulated processor finishes in seconds; the others run the same code.
small_kernels='--gtest_filter=-*googlenet*:*bvlc*:*factor*:*gram*:*square*:*h112*:*LongSums*:*Accurate*:*TilesThatABatchTakes*:*SeveralAtOnce*:*Oracle.*:*OracleIs*:*OracleAt*:*SameBits*:*batch*:*smoothed*:*strong*:*spectral_*:*NanPropagates*:*Roofline*:*Copies*:*UnaryMatchesOracle*:*BinaryAndTernary*:*BitsDepend*:*AffineMatchesOracle*:*PadMatchesOracle*:*InParts*:*radius6*:*Moments*:*WidestTiles*'
digests=tests/machines/digests.txt

# 64-bit ARM ------------------------------------------------------------------------------------------------------------------------
# What is installed on this machine stays as it is: apt resolves for an empty system of the other architecture, whose lists and state
# lie in build/, and its packages are unpacked there. They are those of this machine's list that are libraries.
aarch64_sysroot() {
    local folder=$PWD/build/aarch64-apt root=$PWD/build/aarch64-sysroot wanted=() package link options
    mapfile -t wanted < <(tr -s ' \n' '\n' <<<"$packages" | grep -E '^(lib|nlohmann|zlib).*-dev$' | sort)
    [ "$(cat "$root/packages.txt" 2>/dev/null)" = "${wanted[*]}" ] && return 0
    mkdir -p "$folder"/{lists,cache/archives}/partial
    : >"$folder/status"
    options=(-q -o APT::Architecture=arm64 -o APT::Architectures::=arm64 -o Dir::State::lists="$folder/lists" -o Dir::State::status="$folder/status"
        -o Dir::State::extended_states="$folder/extended" -o Dir::Cache="$folder/cache" -o Dir::Log="$folder" -o Debug::NoLocking=1)
    say "arm64 libraries: ${wanted[*]}"
    if ! { apt-get "${options[@]}" update &&
        apt-get "${options[@]}" install -y --download-only --no-install-recommends "${wanted[@]}"; } >"$folder/log" 2>&1; then
        tail -n 5 "$folder/log"
        return 1
    fi
    rm -rf "$root"
    mkdir -p "$root"
    for package in "$folder"/cache/archives/*.deb; do dpkg-deb -x "$package" "$root" || return 1; done
    # Absolute links would lead into this machine's own folders.
    find "$root" -type l -lname '/*' | while read -r link; do ln -sfnr "$root$(readlink "$link")" "$link"; done
    echo "${wanted[*]}" >"$root/packages.txt"
}

# The inner loops of convolutions and products are multiply-adds of four floats.
aarch64_fuses() {
    local count
    count=$(aarch64-linux-gnu-objdump -d build/aarch64/cpu_portable.o | grep -cE '\sfmla\s+v[0-9]+\.4s')
    echo "$count fused multiply-adds of four floats"
    [ "$count" -gt 500 ]  # 950 of them with g++ 12: convolutions, products, transforms
}

# One machine -----------------------------------------------------------------------------------------------------------------------
# RUNNER is how a program is started there: nothing, or qemu and its options.

machine_devices() {  # WIDEST ARCHITECTURE LIMPID RUNNER...: the CPU devices are those that the processor has
    local widest=$1 architecture=$2 limpid=$3
    shift 3
    "$@" "$limpid" devices --json | python3 -c '
import json, sys
widest, architecture = sys.argv[1:]
levels = ["portable", "avx2", "avx512"]
listed = {d["name"][4:]: d["available"] for d in json.load(sys.stdin) if d["name"].startswith("cpu:")}
expected = {l: levels.index(l) <= levels.index(widest) for l in (levels if architecture == "x86_64" else levels[:1])}
sys.exit(f"found {listed}, expected {expected}" if listed != expected else 0)' "$widest" "$architecture"
}

# Pictures and scores as a user makes them, to FILE as lines "cpu:LEVEL CASE DIGEST".
machine_pictures() {  # FILE LEVEL LIMPID RUNNER...
    local file=$1 device=cpu:$2 folder status=0
    local run=("${@:4}" "$3")
    folder=$(mktemp -d)
    {
        "${run[@]}" world --composite 2 --size 64 --seed 7 --first 1 -n 1 -o "$folder/world" &&
            "${run[@]}" classify "$folder/world/000001.png" --net patterns --json --device "$device" >"$folder/classify.json" &&
            "${run[@]}" render class:stars --net patterns --size 40 --steps 2 --seed 1 --device "$device" --quiet -o "$folder/stars.png" &&
            "${run[@]}" render gabor:3 --net tiny --size 32 --steps 8 --seed 2 --device "$device" --quiet -o "$folder/gabor.png"
    } >"$folder/printed" 2>&1 || { status=1; tail -n 5 "$folder/printed"; }
    [ $status -ne 0 ] || python3 - "$folder" "$device" >>"$file" <<'END' || status=1
import hashlib, json, sys
folder, device = sys.argv[1:]
def digest(data):
    return hashlib.sha256(data).hexdigest()[:16]
def read(name):
    return open(f"{folder}/{name}", "rb").read()
print(device, "world", digest(read("world/000001.png")))
print(device, "classify", digest(json.dumps(json.loads(read("classify.json"))["top"]).encode()))
for name in ("stars", "gabor"):
    print(device, f"render/{name}", digest(read(name + ".png")))
END
    rm -rf "$folder"
    return $status
}

# Every line of FILE is one of the committed digests. Levels of which none was committed are left out, and said.
compare_digests() {  # ARCHITECTURE FILE
    python3 - "$1" "$2" $digests <<'END'
import sys
architecture, made, committed = sys.argv[1:]
known = {tuple(words[:3]): words[3] for words in (line.split() for line in open(committed) if line[:1] not in "#\n")}
levels = {level for a, level, _ in known if a == architecture}
lines = [line.split() for line in open(made)]
print(*(f"no digest of {level} is known" for level in sorted({l for l, _, _ in lines} - levels)), sep="\n", end="")
lines = [words for words in lines if words[0] in levels]
wrong = [words for words in lines if known.get((architecture, *words[:2])) != words[2]]
for level, case, digest in wrong:
    print(f"{level} {case}: {digest}, expected {known.get((architecture, level, case), 'no such line')}")
print(f"{len(lines) - len(wrong)} of {len(lines)} digests are those of {committed}")
sys.exit(bool(wrong) or not lines)
END
}

# The bits of a level follow from its instructions and from the compiler's choice among them.
digests_apply() {
    [ "$(sed -n 's/^# Compiled by //p' $digests)" = "g++ $(c++ -dumpfullversion)" ]
}

machine() {  # NAME WIDEST ARCHITECTURE BUILD RUNNER...
    local name=$1 widest=$2 architecture=$3 folder=$4 made=build/machines/$1.txt level levels="portable"
    shift 4
    [ "$widest" = portable ] || levels="portable avx2"
    [ "$widest" != avx512 ] || levels="portable avx2 avx512"
    mkdir -p build/machines
    check "$name: devices" machine_devices "$widest" "$architecture" "$folder/tools/limpid" "$@"
    LIMPID_DIGESTS=$PWD/$made test_program "$name-kernels" "$@" "$folder/tests/kernels_test" "$small_kernels"
    for level in $levels; do
        check "$name: classify and render, cpu:$level" machine_pictures "$made" "$level" "$folder/tools/limpid" "$@"
    done
    if [ ! -s "$digests" ]; then
        skip "$name: digests" "there is no $digests to compare with; tools/dev machines --digests writes it"
    elif digests_apply; then
        check "$name: digests" compare_digests "$architecture" "$made"
    else
        skip "$name: digests" "$digests is of another compiler than $(c++ --version | head -n 1)"
    fi
}

# Without this, an emulator that runs everything would let everything pass.
emulator_refuses() {
    local folder status cpu wide
    folder=$(mktemp -d)
    for wide in zmm ymm; do
        printf 'int main(void) { __asm__ volatile("vpaddd %%%%%s0, %%%%%s0, %%%%%s0" ::: "xmm0"); }\n' $wide $wide $wide >"$folder/$wide.c"
        cc -o "$folder/$wide" "$folder/$wide.c" || return 1
    done
    for cpu in max:zmm SandyBridge:zmm SandyBridge:ymm Penryn:zmm Penryn:ymm; do
        status=0
        (ulimit -c 0; cd "$folder"; exec qemu-x86_64 -cpu "${cpu%:*}" "./${cpu#*:}") 2>/dev/null || status=$?
        [ $status -eq 132 ] || { echo "${cpu%:*} ran an instruction of ${cpu#*:} (status $status, expected 132)"; status=-1; break; }
    done 2>/dev/null
    rm -rf "$folder"
    [ $status -eq 132 ]
}

widest_level() {  # LIMPID
    "$1" devices --json | python3 -c '
import json, sys
print(next(d["name"][4:] for d in json.load(sys.stdin) if d["name"].startswith("cpu:") and d["available"]))'
}

# Every machine -----------------------------------------------------------------------------------------------------------------------

x86_machines() {  # BUILD NAME:CPU:WIDEST...
    local folder=$1 entry name cpu widest
    shift
    check "emulated processors refuse what they have not" emulator_refuses
    for entry in "$@"; do
        IFS=: read -r name cpu widest <<<"$entry"
        machine "$name" "$widest" x86_64 "$folder" qemu-x86_64 -cpu "$cpu"
    done
}

aarch64_machine() {
    build aarch64 limpid_program kernels_test || { fail "the build for aarch64"; return; }
    check "aarch64: fused multiply-adds" aarch64_fuses
    machine aarch64 portable aarch64 build/aarch64 qemu-aarch64 -L build/aarch64-sysroot
}

# Counted checks on this processor and on emulated ones, with the programs of BUILD.
all_machines() {  # BUILD NAME:CPU:WIDEST...
    local folder=$1 architecture
    shift
    architecture=$(uname -m)
    machine native "$(widest_level "$folder/tools/limpid")" "$architecture" "$folder"
    if [ "$architecture" != x86_64 ] || ! need $emulator_packages; then
        skip "emulated x86-64" "qemu-user cannot be installed here, or this is no x86-64"
        skip "aarch64" "qemu-user cannot be installed here, or this is no x86-64"
        return
    fi
    x86_machines "$folder" "$@"
    if need $aarch64_packages && aarch64_sysroot; then
        aarch64_machine
    else
        skip "aarch64" "its compiler or its libraries cannot be had here"
    fi
}

machines() {  # [--digests]
    need $packages
    build test limpid_program kernels_test || die "the build failed"
    case ${1:-} in
        "" | --digests) ;;
        *) die "machines has no option $1; see tools/dev help" ;;
    esac
    rm -rf build/machines
    start_counting
    if [ "${1:-}" = --digests ]; then
        local written=$digests digests=/dev/null
        all_machines build/test
        [ -f build/machines/aarch64.txt ] || die "no digests of aarch64 were made"
        mkdir -p "${written%/*}"
        { printf '# What kernels, renders and classifications of each level must give, to the bit: tools/dev machines --digests\n'
            printf '# Compiled by g++ %s\n' "$(c++ -dumpfullversion)"
            sed 's/^/x86_64 /' build/machines/native.txt
            sed 's/^/aarch64 /' build/machines/aarch64.txt; } >"$written"
        return
    fi
    all_machines build/test $emulated_machines $more_emulated_machines
    verdict
}
