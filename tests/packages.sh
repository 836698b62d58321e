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
