"""The laws of koekao's batches, to be held against any loader: see :mod:`koekao.testing.laws`."""
