# Unit tests of webhook/ (Check).
