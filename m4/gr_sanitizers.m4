dnl GR_SANITIZERS: --enable-sanitizers builds and links everything with AddressSanitizer and UndefinedBehaviorSanitizer.
AC_DEFUN([GR_SANITIZERS], [
  AC_ARG_ENABLE([sanitizers],
    [AS_HELP_STRING([--enable-sanitizers], [build with AddressSanitizer and UndefinedBehaviorSanitizer])], [],
    [enable_sanitizers=no])
  GR_SAN_CFLAGS=
  gr_sanitizers=no
  AS_IF([test "x$enable_sanitizers" = xyes], [
    gr_sanitizers="address,undefined"
    GR_SAN_CFLAGS="-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer"
  ])
  AC_SUBST([GR_SAN_CFLAGS])
  AM_CONDITIONAL([SANITIZERS], [test "x$enable_sanitizers" = xyes])
])
