"""Several hosts on one Linux machine, for tests of clusters over real SSH."""
