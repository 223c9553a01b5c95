"""Models and curve formats from outside: how code that is not koekao's own is found and asked for what it has.

Whoever has a model or a format of his own registers it where it is written (:func:`koekao.register_model`,
:func:`koekao.register_format`); importing that code is all there is to it. So that the command line, worker processes
and other programs know it too, there are two ways to have it imported, and no third:

- a package says so in its metadata, by an entry point of the group ``koekao.models`` or ``koekao.formats``, whose name
  is that of the model or format, and which names the module (``[project.entry-points."koekao.formats"]
  facecap = "my_package.facecap"``);
- the environment variable ``KOEKAO_PLUGINS`` names modules, or files of Python (``KOEKAO_PLUGINS=my_model.py``),
  several of them separated as in PATH.

Formats and models are groups of their own, because who packs takes should not wait for a package's torch. Plugins are
imported when a format or model is first asked for, never by ``import koekao``. What a file of takes or weights says
decides nothing here: a model file names a model, never code.

What it gives up: a plugin that cannot be imported is an error of whatever asked, also where that would have done
without it; the error says which it is, and how to be rid of it.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
import threading
from collections.abc import Callable
from functools import partial
from importlib.metadata import entry_points
from pathlib import Path
from typing import Literal

from koekao.errors import ConfigError

Group = Literal["koekao.formats", "koekao.models"]
VARIABLE = "KOEKAO_PLUGINS"
"""The environment variable that names modules and files to import."""

_lock = threading.RLock()  # takes are read by many threads; a plugin may ask for formats itself while it is imported
_loaded: set[str] = set()


def load_plugins(group: Group) -> None:
    """Import what the environment variable names and what installed packages have in ``group``, each once.

    Raises:
        ConfigError: one of them cannot be imported; naming it.
    """
    with _lock:
        for name in filter(None, os.environ.get(VARIABLE, "").split(os.pathsep)):
            _once(f"{VARIABLE}: {name}", partial(_import, name), f"mend it, or take it out of {VARIABLE}")
        if group not in _loaded:
            for entry in entry_points(group=group):
                package = entry.dist.name if entry.dist is not None else entry.module
                do = f"mend or uninstall the package {package}"
                _once(f"{group}: {entry.name} of {package}", entry.load, do)
            _loaded.add(group)


def _once(where: str, bring: Callable[[], object], do: str) -> None:
    if where in _loaded:
        return
    _loaded.add(where)  # before, for it may come back here while it is imported
    try:
        bring()
    except Exception as error:
        _loaded.discard(where)
        said = error.what if isinstance(error, ConfigError) else f"{type(error).__name__}: {error}"
        raise ConfigError(f"cannot be imported ({said})", where=where, do=do) from error


def _import(name: str) -> None:
    """A module by its name, or a file by its path; a file that runs as the program itself is there already."""
    if not name.endswith(".py"):
        importlib.import_module(name)
        return
    path = Path(name).resolve()
    if not path.is_file():
        raise ConfigError("there is no such file")
    for main in ("__main__", "__mp_main__", path.stem):
        if _is_of(main, path):
            return
    if path.stem in sys.modules:
        raise ConfigError(f"another module is called {path.stem}: rename the file")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ConfigError("is no file of Python")
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module  # dataclasses look their own module up
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[path.stem]
        raise


def _is_of(name: str, path: Path) -> bool:
    """Whether the module ``name`` is there and comes from ``path``."""
    file = getattr(sys.modules.get(name), "__file__", None)
    return file is not None and Path(file).resolve() == path
