"""Forward-only migrations of the registry; `home.upgrade` is their only runner."""
