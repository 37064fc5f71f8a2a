"""What was read once and never changes: kept in this process, so that it is not read and checked again.

Only for rows that nothing ever changes, under a key that names every changing thing that the value depends
on. Ids are never given twice, so a key stands for one value for ever, whichever database it came from.
"""

from collections import OrderedDict
from collections.abc import Callable, Collection, Hashable, Mapping
from threading import Lock


class Remembered[K: Hashable, V]:
    """The values that were last asked for, at most so many."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[K, V] = OrderedDict()
        self._lock = Lock()

    def all(self, keys: Collection[K], load: Callable[[Collection[K]], Mapping[K, V]]) -> dict[K, V]:
        """The value of every key that there is; ``load`` is asked once, for those that are not known."""
        found = self._known(keys)
        missing = [key for key in keys if key not in found]
        if not missing:
            return found
        loaded = load(missing)
        self._keep(loaded)
        return found | dict(loaded)

    def _known(self, keys: Collection[K]) -> dict[K, V]:
        with self._lock:
            found = {key: self._kept[key] for key in keys if key in self._kept}
            for key in found:
                self._kept.move_to_end(key)
        return found

    def _keep(self, loaded: Mapping[K, V]) -> None:
        with self._lock:
            self._kept |= loaded
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
