# Unit tests of compiler/ (Check).
