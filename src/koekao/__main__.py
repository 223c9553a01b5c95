"""``python -m koekao`` is ``koekao``."""

from koekao.cli import main

main()
