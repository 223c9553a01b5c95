"""Laws that your own code can be held to: loaders by :mod:`koekao.testing.laws`, models by
:mod:`koekao.testing.model_laws`."""
