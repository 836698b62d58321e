# Unit tests of base/ (Check).
