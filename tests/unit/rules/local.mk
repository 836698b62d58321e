# Unit tests of rules/ (Check).
