# docs/: pages and man pages.
