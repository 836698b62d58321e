# node.sh - finds or installs the packages of tests/node with which generated dashboards and Kubernetes objects are checked. To be sourced
# (bash); nothing of them is shipped. Sets NODE_DIR, or NODE_WHY if there are none.
#   NODE_DIR given: its node_modules is used as it is. Otherwise the packages are installed into the build folder by npm, if there is an
#   npm: what the lock file says, by hash, without running any package's scripts.
node_modules() {
  local dir=${NODE_DIR:-$GR_BUILDDIR/node}
  command -v node >/dev/null || { NODE_WHY="needs node"; return 1; }
  if [ ! -e "$dir/node_modules/.complete" ]; then
    if [ -n "${NODE_DIR:-}" ]; then
      [ -d "$dir/node_modules/typescript" ] && return 0
      NODE_WHY="NODE_DIR has no packages"; return 1
    fi
    command -v npm >/dev/null || { NODE_WHY="needs npm, or NODE_DIR with the packages of tests/node"; return 1; }
    mkdir -p "$dir" || { NODE_WHY="cannot make $dir"; return 1; }
    # Tests run side by side: one installs, the others wait for it.
    ( cd "$dir" && flock 9 || exit 1
      [ -e node_modules/.complete ] && exit 0
      cp "$GR_SRCDIR/tests/node/package.json" "$GR_SRCDIR/tests/node/package-lock.json" . && chmod u+w package*.json &&
        timeout 300 npm ci --ignore-scripts --no-audit --no-fund --no-update-notifier --cache "$PWD/cache" --loglevel error >npm.log 2>&1 &&
        : >node_modules/.complete
      status=$?
      rm -rf cache
      exit $status ) 9>"$dir/lock" || true
  fi
  [ -e "$dir/node_modules/.complete" ] || { NODE_WHY="npm could not install the packages of tests/node: $(tail -1 "$dir/npm.log" 2>/dev/null)"; return 1; }
  NODE_DIR=$dir
}
