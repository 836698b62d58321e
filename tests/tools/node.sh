# node.sh - finds or installs the packages of tests/node with which generated dashboards and Kubernetes objects are checked, or those of
# tests/FOLDER, of which PACKAGE is one. To be sourced (bash); nothing of them is shipped. Sets NODE_DIR, or NODE_WHY if there are none.
#   node_modules [FOLDER PACKAGE]
#   NODE_DIR given: its node_modules is used as it is. Otherwise the packages are installed into the build folder by npm, if there is an
#   npm: what the lock file says, by hash, without running any package's scripts.
node_modules() {
  local folder=${1:-node} package=${2:-typescript} dir
  dir=$GR_BUILDDIR/node; [ $folder = node ] || dir=$GR_BUILDDIR/$folder-node
  dir=${NODE_DIR:-$dir}
  command -v node >/dev/null || { NODE_WHY="needs node"; return 1; }
  if [ -n "${NODE_DIR:-}" ]; then
    [ -d "$dir/node_modules/$package" ] && return 0
    NODE_WHY="NODE_DIR has no $package"; return 1
  fi
  if [ ! -e "$dir/node_modules/.complete" ]; then
    command -v npm >/dev/null || { NODE_WHY="needs npm, or NODE_DIR with the packages of tests/$folder"; return 1; }
    mkdir -p "$dir" || { NODE_WHY="cannot make $dir"; return 1; }
    # Tests run side by side: one installs, the others wait for it.
    ( cd "$dir" && flock 9 || exit 1
      [ -e node_modules/.complete ] && exit 0
      cp "$GR_SRCDIR/tests/$folder/package.json" "$GR_SRCDIR/tests/$folder/package-lock.json" . && chmod u+w package*.json &&
        timeout 300 npm ci --ignore-scripts --legacy-peer-deps --no-audit --no-fund --no-update-notifier --cache "$PWD/cache" --loglevel error >npm.log 2>&1 &&
        : >node_modules/.complete
      status=$?
      rm -rf cache
      exit $status ) 9>"$dir/lock" || true
  fi
  [ -e "$dir/node_modules/.complete" ] || { NODE_WHY="npm could not install the packages of tests/$folder: $(tail -1 "$dir/npm.log" 2>/dev/null)"; return 1; }
  NODE_DIR=$dir
}
