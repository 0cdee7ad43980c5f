from typing import Any

class Axes:
    def __getattr__(self, name: str) -> Any: ...
