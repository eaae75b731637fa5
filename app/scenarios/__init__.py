"""The shipped scenario files (TOML). Data only: `app/domain/scenario.py` owns their format."""
