"""Run the command as ``python -m famulus``, for when its script is not on the path."""

from famulus.cli import main

main()
