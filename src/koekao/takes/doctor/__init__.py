"""The doctor: what is wrong with a take, measured and said, before anybody trains on it."""
