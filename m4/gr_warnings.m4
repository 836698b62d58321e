dnl GR_WARNINGS: probes each warning flag and collects them in GR_WARN_CFLAGS, so that CFLAGS stays the builder's.
dnl --enable-werror makes them errors (CI sets it).
AC_DEFUN([GR_WARNINGS], [
  AC_ARG_ENABLE([werror], [AS_HELP_STRING([--enable-werror], [treat compiler warnings as errors])], [],
    [enable_werror=no])
  GR_WARN_CFLAGS=
  gr_save_cflags=$CFLAGS
  for gr_flag in -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
      -Wcast-qual -Wwrite-strings -Wformat=2 -Wundef -Wvla -Wswitch-enum -Wnull-dereference -Wdouble-promotion \
      -Wunused-result -Wimplicit-fallthrough; do
    AC_MSG_CHECKING([whether $CC takes $gr_flag])
    CFLAGS="$gr_save_cflags -Werror $gr_flag"
    AC_COMPILE_IFELSE([AC_LANG_PROGRAM([], [])],
      [AC_MSG_RESULT([yes]); GR_WARN_CFLAGS="$GR_WARN_CFLAGS $gr_flag"], [AC_MSG_RESULT([no])])
  done
  CFLAGS=$gr_save_cflags
  AS_IF([test "x$enable_werror" = xyes], [GR_WARN_CFLAGS="$GR_WARN_CFLAGS -Werror"])
  AC_SUBST([GR_WARN_CFLAGS])
])
