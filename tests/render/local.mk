# Dashboards against a real Prometheus: their queries in make check, their looks by `make render-dashboards`.
TESTS += tests/render/lint.sh
dist_check_SCRIPTS += tests/render/lint.sh tests/render/queries.sh
EXTRA_DIST += tests/render/app.jsx tests/render/lint.py tests/render/queries.py tests/render/package-lock.json tests/render/package.json tests/render/render.mjs tests/render/scene.sh
dist_check_SCRIPTS += tests/render/render.sh
render-dashboards: all tests/standins/standin
	GR_SRCDIR='$(abs_srcdir)' GR_BUILDDIR='$(abs_builddir)' '$(srcdir)/tests/render/render.sh' || [ $$? -eq 77 ] # skipped: it says why
.PHONY: render-dashboards
