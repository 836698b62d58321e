# packages.sh - installs the Debian packages of tests/packages.txt that are missing (bash; source it from the top folder).
install_packages() {
  local missing=() p sudo=
  for p in $(sed -e 's/#.*//' -e '/^[[:space:]]*$/d' tests/packages.txt); do
    dpkg-query -W -f='${Status}' "$p" 2>/dev/null | grep -q 'install ok installed' || missing+=("$p")
  done
  [ ${#missing[@]} -eq 0 ] && return 0
  echo "Installing ${missing[*]}"
  mkdir -p build
  [ "$(id -u)" -eq 0 ] || sudo=sudo
  $sudo apt-get update -qq >build/apt.log 2>&1 &&
    DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends "${missing[@]}" >>build/apt.log 2>&1 ||
    { tail -20 build/apt.log; return 1; }
}

# fetch_vmalert: vmalert for tests, from Debian's package victoria-metrics, unpacked below build/: the package itself would start a server.
# Sets VMALERT; without a network it stays empty, and the test says that it was skipped.
fetch_vmalert() {
  local top=$PWD
  VMALERT=$(command -v vmalert) || VMALERT=$top/build/vmalert/usr/bin/vmalert
  export VMALERT
  [ -x "$VMALERT" ] && return 0
  mkdir -p build/vmalert &&
    ( cd build/vmalert && apt-get download -qq victoria-metrics && dpkg -x victoria-metrics_*.deb . && rm -f victoria-metrics_*.deb ) >build/vmalert.log 2>&1
  [ -x "$VMALERT" ] || VMALERT=
}

# fetch_node: the packages of tests/node, once for all builds, if there are node and npm. Sets NODE_DIR.
fetch_node() {
  GR_SRCDIR=$PWD GR_BUILDDIR=$PWD/build
  . tests/tools/node.sh
  node_modules && export NODE_DIR || echo "dashboards and Kubernetes objects are not checked against their types: $NODE_WHY"
  unset GR_SRCDIR GR_BUILDDIR
}
