rcParams: dict[str, object]  # noqa: N816 - its name
