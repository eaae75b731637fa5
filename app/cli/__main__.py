"""`python -m app.cli`: the program `demandlink`, where no script of this name is on the path."""

from __future__ import annotations

from app.cli import main

main()
